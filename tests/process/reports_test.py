"""Thresholds, report files, slices and comparisons, from real tests of a real server."""

import csv
import http.server
import io
import json
import pathlib
import random
import threading
import time
import xml.etree.ElementTree

import harness
import jsonschema

SCHEMA = json.loads((harness.SOURCE / "docs" / "report.schema.json").read_text())


class SmallServer:
    """Two builds of it differ by what a share of their answers takes."""

    def __init__(self, slow_ms):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            random = random.Random(7)

            def do_GET(self):
                time.sleep(0.005 + (slow_ms / 1000 if self.random.random() < 0.05 else 0))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ReportsTest(harness.ProcessTest):
    def run_loadctl(self, orchestrator, *args, codes=(0,)):
        done = self.loadctl("--server", orchestrator.grpc, *args)
        self.assertIn(done.returncode, codes, done.stdout + done.stderr + orchestrator.output()[-2000:])
        return done

    def test_report_files_of_a_run(self):
        target = self.target()
        orchestrator = self.orchestrator(2)
        # 4 is a busy machine: its thresholds are not judged by the exit code then.
        done = self.run_loadctl(
            orchestrator, "run", target.url + "/flaky/20", "--rate", 200, "-d", "3s", "--id", "files", "--title", "a <b> & c",
            "-l", "build=17", "--slo", "errors<1%,p99<10s", "--slo", "rate>1/s per 1s",
            "-o", "json=r.json", "-o", "csv=r.csv", "-o", "junit=r.xml", "-o", "html=r.html", codes=(3, 4))
        self.assertRegex(done.stdout, r"thresholds  FAILED  errors<1% +got ")
        self.assertRegex(done.stdout, r"passed  rate>1/s per 1s +got [0-9.]+/s at worst in 3 windows")
        folder = pathlib.Path(self.folder)

        report = json.loads((folder / "r.json").read_text())
        jsonschema.Draft202012Validator.check_schema(SCHEMA)
        validator = jsonschema.Draft202012Validator(SCHEMA)
        self.assertEqual([error.message for error in validator.iter_errors(report)], [])
        self.assertEqual([t["passed"] for t in report["thresholds"]], [False, True, True])
        broken = json.loads((folder / "r.json").read_text())
        broken["totals"]["counts"]["sent"] = "many"
        del broken["response_time"]["p99_ns"]
        self.assertEqual(len(list(validator.iter_errors(broken))), 2, "the schema refuses what is wrong")

        rows = list(csv.DictReader(io.StringIO((folder / "r.csv").read_text())))
        self.assertEqual(len(rows), len(report["intervals"]))
        for column in ("sent", "completed", "http_errors"):
            self.assertEqual(sum(int(row[column]) for row in rows), report["totals"]["counts"][column], column)

        suite = xml.etree.ElementTree.fromstring((folder / "r.xml").read_text()).find("testsuite")
        cases = {case.get("name"): case for case in suite.findall("testcase")}
        self.assertEqual(list(cases), ["errors<1%", "p99<10s", "rate>1/s per 1s", "verdict"])
        self.assertIsNotNone(cases["errors<1%"].find("failure"))
        self.assertIsNone(cases["p99<10s"].find("failure"))
        self.assertEqual(suite.get("name"), "a <b> & c (loadTests/files)")

        page = (folder / "r.html").read_text()
        self.assertIn("<h1>a &lt;b&gt; &amp; c</h1>", page)
        self.assertNotIn("a <b>", page)

        self.assertIn("files", self.run_loadctl(orchestrator, "ls", "-l", "build=17", "--state", "succeeded").stdout)
        self.assertNotIn("files", self.run_loadctl(orchestrator, "ls", "-l", "build=18").stdout)

    def test_a_note_stays_with_its_test(self):
        target = self.target()
        orchestrator = self.orchestrator(1)
        self.report(orchestrator, target.url + "/ping", "-n", 10, "-c", 1, "--id", "noted")
        self.run_loadctl(orchestrator, "note", "noted", "the cache was cold")
        self.assertIn("the cache was cold", self.run_loadctl(orchestrator, "ls").stdout)
        report = json.loads(self.run_loadctl(orchestrator, "report", "noted", "-o", "json", codes=(0, 4)).stdout)
        self.assertEqual(report["load_test"]["note"], "the cache was cold")

    def test_a_threshold_that_cannot_be_kept_stops_the_test(self):
        target = self.target()
        orchestrator = self.orchestrator(2)
        begin = time.monotonic()
        done = self.run_loadctl(orchestrator, "run", target.url + "/flaky/50", "--rate", 200, "-d", "60s", "--slo", "errors<1%",
                                "--abort-on-fail", "-o", "json", codes=(3, 4))
        self.assertLess(time.monotonic() - begin, 40)
        report = json.loads(done.stdout)
        self.assertEqual(report["load_test"]["state"], "STOPPED")
        self.assertRegex(report["load_test"]["state_reason"], r"^threshold errors<1% cannot be kept any more: got \d+$")
        self.assertIn("stop_ordered", [event["type"] for event in report["events"]])
        # 1 % of 12,000 requests: more than that had to fail first.
        self.assertGreater(report["totals"]["counts"]["http_errors"], 120)

    def test_parts_of_a_test_after_a_restart(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2)
        whole = self.report(orchestrator, target.url + "/ping", "--rate", 200, "-d", "4s", "--id", "whole")
        orchestrator.end()
        again = self.kafka_orchestrator(2, prefix=self.prefix, data=orchestrator.data)
        codes = (0, 3, 4)

        def part(*args):
            return json.loads(self.run_loadctl(again, "check", "whole", "--slo", "p99<10s", *args, "-o", "json", codes=codes).stdout)

        self.assertEqual(part()["totals"], whole["totals"])
        self.assertNotIn("slice", part())
        first, rest = part("--to", "2s"), part("--from", "2s")
        for name in ("sent", "completed", "due"):
            self.assertEqual(first["totals"]["counts"][name] + rest["totals"]["counts"][name], whole["totals"]["counts"][name])
        self.assertEqual(first["sending_seconds"], 2)
        self.assertEqual(first["slice"]["to_offset_ns"], 2_000_000_000)
        without = part("--exclude", "driver-2")
        self.assertEqual([d["assignment"]["driver_id"] for d in without["drivers"]], ["driver-1"])
        self.assertEqual(without["totals"]["counts"]["sent"], 400)
        done = self.run_loadctl(again, "check", "whole", "--slo", "max<1ns", codes=(3, 4))
        self.assertIn("FAILED  max<1ns", done.stdout)
        done = self.run_loadctl(again, "check", "whole", "--exclude", "driver-9", "--slo", "p99<1s", codes=(2,))
        self.assertIn("--exclude: got \"driver-9\", want a driver of the test: driver-1, driver-2", done.stderr)

    def test_a_regression_between_two_builds_is_found(self):
        # The effect is large, since the machine that runs this may be busy with other things; how small a change is found is a
        # matter of tests/client/report/comparison_test.cc.
        orchestrator = self.orchestrator(1)
        for name, slow_ms in (("before", 0), ("after", 100)):
            server = SmallServer(slow_ms)
            self.addCleanup(server.close)
            report = self.report(orchestrator, server.url, "--rate", 100, "-d", "8s", "--id", name)
            (pathlib.Path(self.folder) / f"{name}.json").write_text(json.dumps(report))
            server.close()
        force = "--force"  # a verdict INVALID of a busy machine would be refused
        done = self.run_loadctl(orchestrator, "diff", "before", "after", force, "--fail-if", "p99>+10%", "-o", "html=diff.html", codes=(3,))
        self.assertIn("FAILED  p99>+10%", done.stdout)
        self.assertIn("spec.request.url: ", done.stdout)
        files = self.run_loadctl(orchestrator, "diff", "before.json", "after.json", force, "--fail-if", "p99>+10%", "-o", "json", codes=(3,))
        worse = [c for c in json.loads(files.stdout)["changes"] if c["name"] in ("p99", "typical.p99") and c["direction"] == "worse"]
        self.assertTrue(worse, files.stdout)
        self.assertGreater(worse[0]["difference"]["value"], 30e6)
        self.run_loadctl(orchestrator, "diff", "before", "before", force, "--fail-if", "p99>+10%")


if __name__ == "__main__":
    harness.main()
