"""What a request costs the engine, in figures that noise does not move. docs/performance.md says how they came about."""

import os
import re
import subprocess
import tempfile
import unittest

BIN = os.environ["LOADTEST_BIN"]


class EngineGates(unittest.TestCase):
    def setUp(self):
        self.server = subprocess.Popen([f"{BIN}/stamping_server", "0"], stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.server.stdout.readline())}/"
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.server.terminate()
        self.server.communicate()
        self.folder.cleanup()

    def engine(self, requests):
        return [f"{BIN}/engine_bench", self.url, "-c", "64", "-n", str(requests), "-d", "5m"]

    def run_tool(self, command, requests):
        done = subprocess.run([*command, *self.engine(requests)], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"completed {requests:,}, failed 0", done.stdout)
        return done.stderr

    def per_request(self, figure):
        """The difference of two runs, so that starting up cancels out."""
        few, many = 2000, 12000
        return (figure(many) - figure(few)) / (many - few)

    def test_a_request_takes_at_most_2_1_system_calls(self):
        def calls(requests):
            path = os.path.join(self.folder.name, f"strace{requests}")
            self.run_tool(["strace", "-f", "-c", "-o", path], requests)
            with open(path) as f:
                total = f.read().strip().split("\n")[-1].split()
            return int(total[3] if total[3].isdigit() else total[2])

        result = self.per_request(calls)
        print(f"system calls a request: {result:.3f}")
        self.assertLessEqual(result, 2.1)
        self.assertGreaterEqual(result, 2.0)

    def test_a_request_takes_at_most_1500_user_instructions(self):
        def instructions(requests):
            out = self.run_tool(["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.folder.name}/out"], requests)
            return int(re.search(r"Collected : (\d+)", out).group(1))

        result = self.per_request(instructions)
        print(f"user instructions a request: {result:.0f}")
        self.assertLessEqual(result, 1500)
        self.assertGreaterEqual(result, 300)


if __name__ == "__main__":
    unittest.main()
