"""The example that plots a result."""

import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "process"))
import harness  # noqa: E402


class PlotTest(harness.ProcessTest):
    def test_plots_a_ramp_to_a_file(self):
        target = self.target()
        orchestrator = self.orchestrator(2)
        picture = pathlib.Path(self.folder) / "ramp.svg"
        done = subprocess.run([harness.SOURCE / "examples" / "python" / "plot", target.url + "/ping", picture], capture_output=True, text=True,
                              timeout=500, check=False, env={**harness.os.environ, "LOADTEST_SERVER": orchestrator.grpc},
                              stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # A ramp from 0 to 400/s in 2 s is 400 requests, and 400 more come in the second after it.
        self.assertEqual(target.received(), 800)
        self.assertIn("plotted to", done.stdout)
        self.assertIn("<svg", picture.read_text())


if __name__ == "__main__":
    harness.main()
