"""The REST door against its own OpenAPI document, by schemathesis. Needs no Kafka; the first run installs schemathesis."""

import json
import os
import pathlib
import subprocess
import sys

import harness

TOKEN = "0123456789abcdef-token"
VERSION = "4.32.5"


def schemathesis():
    """The program, in an environment of its own in the build folder."""
    folder = pathlib.Path(os.environ.get("LOADTEST_TEST_OUTPUT", harness.BIN.parent)) / f"schemathesis-{VERSION}"
    program = folder / "bin" / "schemathesis"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", f"schemathesis=={VERSION}"], check=True, timeout=250)
    return program


class OpenApi(harness.ProcessTest):
    def test_every_answer_is_as_the_document_says(self):
        target = self.target()
        token = pathlib.Path(self.folder) / "token"
        token.write_text(TOKEN)
        # What is made up as a URL must get no load: the driver refuses all but the target.
        orchestrator = self.orchestrator(1, extra=["--token-file", token, "--set", "driver.allowed_targets=127.0.0.1"])
        ids = ["smoke", *(f"spare-{i}" for i in range(4))]
        for test_id in ids:
            done = self.loadctl("--server", orchestrator.grpc, "--token-file", token, "run", target.url + "/ping", "-n", 200, "--id", test_id, "-q")
            self.assertIn(done.returncode, (0, 4), done.stderr)
        answers = pathlib.Path(self.folder) / "answers"
        run = subprocess.run([schemathesis(), "--no-color", "run", orchestrator.http + "/openapi.json", "-H", f"Authorization: Bearer {TOKEN}",
                              "--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1", "--continue-on-failure",
                              # A spec can be wrong in ways that no schema can say.
                              "--exclude-checks", "positive_data_acceptance", "--request-timeout", "20",
                              "--generation-database", "none"],
                             capture_output=True, text=True, timeout=280, cwd=self.folder, check=False,
                             env={**os.environ, "SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": str(pathlib.Path(__file__).parent),
                                  "PYTHONDONTWRITEBYTECODE": "1", "OPENAPI_TEST_IDS": ",".join(ids), "OPENAPI_ANSWERS": str(answers)})
        self.assertEqual(run.returncode, 0, run.stdout[-12000:] + run.stderr[-2000:])
        # Nothing was tried by refusals alone, but for a spec, which no chance makes right, and the document, which was read first.
        document = json.loads(harness.get(orchestrator.http + "/openapi.json"))
        operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
        answered = {line.rsplit(" ", 1)[0] for line in answers.read_text().splitlines() if line.endswith((" 200", " 204"))}
        self.assertEqual(operations - answered - {"POST /v1/loadTests", "GET /openapi.json"}, set())
        self.assertIsNone(orchestrator.child.poll())
        self.assertEqual(orchestrator.output().count("ERROR"), 0, orchestrator.output()[-3000:])

    def test_a_part_of_a_report_is_judged_by_other_thresholds(self):
        target, orchestrator = self.target(), self.orchestrator(2)
        self.report(orchestrator, target.url + "/ping", "--rate", 100, "-d", "3s", "--id", "sliced")
        part = orchestrator.rest("/v1/loadTests/sliced/report?from=1s&to=2s&excludeDrivers=driver-2&thresholds=p99%3C1h,rate%3E1k/s")
        self.assertEqual(part["slice"], {"from_offset_ns": 10**9, "to_offset_ns": 2 * 10**9, "excluded_drivers": ["driver-2"]})
        self.assertEqual([driver["assignment"]["driver_id"] for driver in part["drivers"]], ["driver-1"])
        self.assertAlmostEqual(part["totals"]["counts"]["due"], 50, delta=1)
        self.assertEqual([(one["expression"], one["passed"]) for one in part["thresholds"]], [("p99<1h", True), ("rate>1k/s", False)])
        wrong = orchestrator.rest("/v1/loadTests/sliced/report?from=2s&to=1s")["error"]
        self.assertEqual(wrong["code"], 400, wrong)

    def test_the_document_names_no_token_where_none_is_asked_for(self):
        orchestrator = self.orchestrator(0)
        document = json.loads(harness.get(orchestrator.http + "/openapi.json"))
        self.assertEqual(document["security"], [])
        self.assertIn("/v1/loadTests/{id}/report", document["paths"])


if __name__ == "__main__":
    harness.main()
