"""The examples in Python, Go and JavaScript, each against a live orchestrator. Needs no Kafka.

  languages_test.py Go     one language only
"""

import pathlib
import re
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "process"))
import harness  # noqa: E402

# The first run installs packages.
SECONDS = 500


class Language:
    """What holds in every language."""

    folder_name = ""

    def run_example(self, server, url):
        run = harness.SOURCE / "examples" / self.folder_name / "run"
        return subprocess.run([run, url], capture_output=True, text=True, timeout=SECONDS, check=False,
                              env={**harness.os.environ, "LOADTEST_SERVER": server}, stdin=subprocess.DEVNULL)

    def test_prints_as_sent_what_the_target_counted(self):
        target = self.target()
        orchestrator = self.orchestrator(2)
        done = self.run_example(orchestrator.grpc, target.url + "/ping")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + orchestrator.output()[-3000:])
        sent = re.findall(r"^sent (\d+)$", done.stdout, re.M)
        self.assertEqual(sent, ["400"], done.stdout)
        self.assertEqual(target.received(), 400)

    def test_shows_the_drivers_the_refused_delay_the_course_and_the_outcome(self):
        target = self.target()
        orchestrator = self.orchestrator(2)
        done = self.run_example(orchestrator.grpc, target.url + "/ping")
        for line in (r"drivers/driver-1 at 127\.0\.0\.1: IDLE",
                     r"valid, with 50 connections a driver by default",
                     r"a delay of 0 gets (INVALID_ARGUMENT|InvalidArgument): spec\.tsunami\.delay: got 0s, want .+",
                     r"created loadTests/.+",
                     r"SUCCEEDED 100%: sent 400, completed 400, failed 0, p99 \d+\.\d\d ms",
                     r"response time: p50 \d+\.\d\d ms, p99 \d+\.\d\d ms",
                     r"verdict (VALID|INVALID)"):
            self.assertRegex(done.stdout, re.compile(f"^{line}$", re.M), done.stderr)

    def test_fails_when_nothing_answers_and_says_why(self):
        orchestrator = self.orchestrator(1)
        done = self.run_example(orchestrator.grpc, f"http://127.0.0.1:{harness.free_port()}/")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("200 CONNECT_REFUSED: ", done.stdout)
        self.assertIn("ended SUCCEEDED with 0 requests answered", done.stderr)

    def test_fails_without_drivers(self):
        orchestrator = self.orchestrator(0)
        done = self.run_example(orchestrator.grpc, "http://127.0.0.1:1/")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("no driver is there", done.stderr)

    def test_names_the_address_where_no_orchestrator_is(self):
        server = f"127.0.0.1:{harness.free_port()}"
        done = self.run_example(server, "http://127.0.0.1:1/")
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        self.assertIn(server, done.stderr)


class Python(Language, harness.ProcessTest):
    folder_name = "python"


class Go(Language, harness.ProcessTest):
    folder_name = "go"


class JavaScript(Language, harness.ProcessTest):
    folder_name = "javascript"


if __name__ == "__main__":
    harness.main()
