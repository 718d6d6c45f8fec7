"""The Debian package: what is in it, what it needs, and that its programs run from where it puts them."""
import glob
import json
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
                     "share/man/man1/loadctl.1", "share/man/man1/loadctl-run.1", "share/man/man1/driver.1",
                     "share/man/man7/loadctl-verdict.7", "share/bash-completion/completions/loadctl",
                     "share/zsh/vendor-completions/_loadctl", "share/fish/vendor_completions.d/loadctl.fish",
                     "share/doc/loadtest/config.json", "share/loadtest/proto/loadtest/v1/service.proto"):
            self.assertIn("./usr/" + name, names)
        self.assertEqual([name for name in names if "test" in os.path.basename(name) and name.startswith("./usr/bin/")], [])

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
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual(done.stderr, "")

    def test_units_are_verified_by_systemd(self):
        units = []
        for unit in glob.glob(SOURCE + "/packaging/systemd/*.service"):
            text = open(unit, encoding="utf-8").read().replace("/usr/bin/", self.root + "/usr/bin/")
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
