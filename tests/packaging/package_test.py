"""The Debian package: what is in it, what it needs, and that its programs run from where it puts them."""
import glob
import gzip
import json
import re
import os
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.environ["LOADTEST_BUILD"]
SOURCE = os.environ["LOADTEST_SOURCE"]


def run(*argv, **options):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=240, **options)
    if done.returncode != 0:
        raise AssertionError(f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="loadtest-package.")
        run("cpack", "-G", "DEB", "-B", cls.folder.name, cwd=BUILD)
        packages = glob.glob(cls.folder.name + "/*.deb")
        assert len(packages) == 1, packages
        cls.package = packages[0]
        cls.root = cls.folder.name + "/root"
        run("dpkg-deb", "-x", cls.package, cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_says_what_it_needs(self):
        info = run("dpkg-deb", "-I", self.package)
        self.assertIn("Package: loadtest\n", info)
        for library in ("libgrpc++", "libprotobuf", "librdkafka1", "libsqlite3-0", "libnghttp2-14"):
            self.assertIn(library, info)

    def test_has_programs_units_manual_and_completions(self):
        names = {line.split()[5] for line in run("dpkg-deb", "-c", self.package).splitlines()}
        for name in ("bin/loadctl", "bin/orchestrator", "bin/driver", "bin/target",
                     "lib/systemd/system/loadtest-orchestrator.service", "lib/systemd/system/loadtest-driver@.service",
                     "share/man/man1/loadctl.1.gz", "share/man/man1/loadctl-run.1.gz", "share/man/man1/driver.1.gz",
                     "share/man/man7/loadctl-verdict.7.gz", "share/bash-completion/completions/loadctl",
                     "share/zsh/vendor-completions/_loadctl", "share/fish/vendor_completions.d/loadctl.fish",
                     "share/doc/loadtest/config.json", "share/doc/loadtest/copyright", "share/doc/loadtest/changelog.gz",
                     "share/doc/loadtest/examples/monitoring/prometheus.yml", "share/loadtest/proto/loadtest/v1/service.proto"):
            self.assertIn("./usr/" + name, names)
        self.assertEqual([name for name in names if "test" in os.path.basename(name) and name.startswith("./usr/bin/")], [])

    def test_settings_of_the_machine_are_kept_when_it_is_upgraded_and_are_understood(self):
        control = self.folder.name + "/control"
        run("dpkg-deb", "-e", self.package, control)
        with open(control + "/conffiles", encoding="utf-8") as file:
            self.assertEqual(file.read().split(), ["/etc/default/loadtest", "/etc/loadtest/config.json"])
        for script in ("postinst", "prerm", "postrm"):
            run("sh", "-n", f"{control}/{script}")
            self.assertTrue(os.access(f"{control}/{script}", os.X_OK), script)
        defaults = json.loads(run(self.root + "/usr/bin/orchestrator", "--print_config", cwd="/"))
        as_shipped = json.loads(run(self.root + "/usr/bin/orchestrator", "--print_config", cwd=self.root + "/etc/loadtest"))
        self.assertEqual(as_shipped, defaults)
        # What is proposed in comments is right too.
        with open(self.root + "/etc/loadtest/config.json", encoding="utf-8") as file:
            text = file.read()
        proposed = self.folder.name + "/proposed.json"
        with open(proposed, "w", encoding="utf-8") as file:
            file.write(re.sub(r'^  // ("[^\n]*)', r"\1", text, flags=re.M))
        config = json.loads(run(self.root + "/usr/bin/orchestrator", "--config", proposed, "--print_config"))
        self.assertEqual(config["driver"]["allowed_targets"], ["*.staging.example", "10.1.0.0/16"])
        with open(self.root + "/etc/default/loadtest", encoding="utf-8") as file:
            variables = dict(line[1:].split("=", 1) for line in file.read().splitlines() if re.match(r"#\w+=", line))
        self.assertGreaterEqual(len(variables), 2)
        run(self.root + "/usr/bin/orchestrator", "--print_config", env={**os.environ, **variables})

    def test_a_machine_that_removes_it_keeps_nothing_that_systemctl_enabled(self):
        control = self.folder.name + "/control2"
        run("dpkg-deb", "-e", self.package, control)
        with open(control + "/postrm", encoding="utf-8") as file:
            script = file.read()
        root = self.folder.name + "/removed"
        wants = root + "/etc/systemd/system/multi-user.target.wants"
        os.makedirs(wants)
        os.makedirs(root + "/var/lib/private/loadtest")
        os.symlink("private/loadtest", root + "/var/lib/loadtest")
        for name in ("loadtest-orchestrator", "loadtest-driver@1", "other"):
            os.symlink(f"/lib/systemd/system/{name}.service".replace("@1", "@"), f"{wants}/{name}.service")
        there = re.sub(r"(?<=[ ])/(etc|var|run)/", rf"{root}/\1/", script)
        self.assertNotRegex(there, r"[ ]/(etc|var|run)/")
        run("sh", "-c", there, "postrm", "remove")
        self.assertEqual(os.listdir(wants), ["other.service"])
        self.assertTrue(os.path.isdir(root + "/var/lib/private/loadtest"))
        run("sh", "-c", there, "postrm", "purge")
        self.assertEqual(os.listdir(root + "/var/lib"), ["private"])
        self.assertEqual(os.listdir(root + "/var/lib/private"), [])

    def test_its_programs_run_a_test(self):
        loadctl = self.root + "/usr/bin/loadctl"
        plan = self.folder.name + "/plan.json"
        ready = self.folder.name + "/target.json"
        target = subprocess.Popen([self.root + "/usr/bin/target", "--port", "0", "--ready_file", ready], cwd=self.folder.name,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 30
            while not os.path.exists(ready) or not os.path.getsize(ready):
                self.assertLess(time.monotonic(), deadline, "the target does not start")
                time.sleep(0.02)
            with open(ready, encoding="utf-8") as file:
                address = json.load(file)["http_address"]
            run(loadctl, "init", plan, "--url", f"http://{address}/ping")
            done = subprocess.run([loadctl, "run", "--local", "2", plan, "-d", "300ms", "--warmup", "0s", "-o", "json"],
                                  capture_output=True, text=True, timeout=120, cwd=self.folder.name)
        finally:
            target.terminate()
            target.wait(30)
        # On a busy machine the verdict may be INVALID (4); that there is a report of answers is what counts.
        self.assertIn(done.returncode, (0, 4), done.stderr)
        self.assertEqual(json.loads(done.stdout)["totals"]["counts"]["completed"], 60)

    def test_manual_pages_are_read_without_complaint(self):
        pages = glob.glob(self.root + "/usr/share/man/man*/*")
        self.assertGreater(len(pages), 15)
        for page in pages:
            with self.subTest(page=os.path.basename(page)):
                with gzip.open(page, "rt", encoding="utf-8") as file:
                    text = file.read()
                self.assertRegex(text.splitlines()[0], r'^\.TH \S+ [17] \d{4}-\d\d-\d\d "loadtest ')
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual(done.stderr, "")

    def test_units_are_verified_by_systemd(self):
        units = []
        for unit in glob.glob(SOURCE + "/packaging/systemd/*.service"):
            with open(unit, encoding="utf-8") as file:
                text = file.read().replace("ExecStart=", f"ExecStart={self.root}/usr/bin/")
            name = os.path.basename(unit).replace("@.", "@1.")
            units.append(self.folder.name + "/" + name)
            with open(units[-1], "w", encoding="utf-8") as out:
                out.write(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, timeout=60)
        # Of the units of the machine itself it complains as well; only ours count.
        ours = [line for line in done.stderr.splitlines() if "loadtest-" in line]
        self.assertEqual(ours, [])


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
