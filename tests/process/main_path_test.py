"""The main path over a real Kafka, against nginx and against target: what the server counted is what the report says."""

import hashlib
import http.server
import os
import pathlib
import statistics
import threading

import harness


class MainPathTest(harness.ProcessTest):
    def test_avalanche_on_nginx_sends_what_nginx_counted(self):
        nginx = self.nginx()
        orchestrator = self.kafka_orchestrator(3)
        report = self.report(orchestrator, "avalanche", nginx.url + "/", "-n", 20000, "-c", 16)
        counts = report["totals"]["counts"]
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assertEqual(counts["sent"], 60000)
        self.assertEqual(counts["completed"], 60000)
        self.assert_adds_up(counts)
        nginx.end()
        self.assertEqual(len(nginx.requests()), 60000)
        self.assertEqual([d["counts"]["sent"] for d in report["drivers"]], [20000] * 3)

    def test_tsunami_on_nginx_keeps_its_delay(self):
        nginx = self.nginx()
        orchestrator = self.kafka_orchestrator(3)
        report = self.report(orchestrator, "tsunami", nginx.url + "/", "--delay", "5ms", "-n", 1000)
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assertEqual(report["totals"]["counts"]["sent"], 3000)
        self.assertAlmostEqual(report["sending_seconds"], 5.0, delta=0.05)
        nginx.end()
        requests = nginx.requests()
        self.assertEqual(len(requests), 3000)
        # 999 delays from the first to the last request of a driver.
        self.assertAlmostEqual(requests[-1][0] - requests[0][0], 4.995, delta=0.05)

    def test_gaps_of_one_driver_are_the_delay(self):
        nginx = self.nginx()
        orchestrator = self.kafka_orchestrator(1)
        self.report(orchestrator, "tsunami", nginx.url + "/", "--delay", "5ms", "-n", 1000)
        nginx.end()
        times = [t for t, _ in nginx.requests()]
        gaps = [b - a for a, b in zip(times, times[1:])]
        # nginx writes milliseconds, so a true gap of 5 ms is written as 4, 5 or 6.
        self.assertAlmostEqual(statistics.median(gaps), 0.005, delta=0.0005)
        self.assertAlmostEqual(statistics.mean(gaps), 0.005, delta=0.00005)

    def test_fleet_rate_is_dealt_in_slots(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(3)
        report = self.report(orchestrator, target.url + "/ping", "--rate", 500, "-d", "2s")
        self.assertEqual(report["totals"]["counts"]["sent"], 1000)
        self.assertEqual(sorted(d["counts"]["sent"] for d in report["drivers"]), [333, 333, 334])
        self.assertEqual(target.received(), 1000)

    def test_a_body_of_64_mib_arrives_byte_for_byte(self):
        body = pathlib.Path(self.folder) / "body"
        body.write_bytes(os.urandom(1 << 20) * 64)
        received = []

        class Server(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                digest, left = hashlib.sha256(), int(self.headers["Content-Length"])
                while left > 0:
                    piece = self.rfile.read(min(left, 1 << 20))
                    digest.update(piece)
                    left -= len(piece)
                received.append(digest.hexdigest())
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        orchestrator = self.kafka_orchestrator(2)
        report = self.report(orchestrator, f"http://127.0.0.1:{server.server_port}/", "-b", f"@{body}", "-n", 2, "-c", 1)
        self.assertEqual(report["totals"]["counts"]["completed"], 4, report["totals"].get("errors"))
        self.assertEqual(report["load_test"]["spec"]["request"]["body_bytes"], 64 << 20)
        self.assertEqual(report["load_test"]["spec"]["request"]["body"], "")
        self.assertEqual(received, [hashlib.sha256(body.read_bytes()).hexdigest()] * 4)

    def test_a_slow_target_holds_an_avalanche_back_and_not_a_tsunami(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(1)
        report = self.report(orchestrator, "avalanche", target.url + "/delay/100", "-c", 64, "-d", "3s")
        # 64 connections / 0.1 s
        self.assertAlmostEqual(report["completed_per_second"], 640, delta=640 * 0.1)
        before = target.received()
        report = self.report(orchestrator, "tsunami", target.url + "/delay/100", "--delay", "10ms", "-n", 200)
        self.assertEqual(report["totals"]["counts"]["sent"], 200)
        self.assertEqual(target.received() - before, 200)
        self.assertAlmostEqual(report["sending_seconds"], 2.0, delta=0.05)
        self.assertAlmostEqual(report["response_time"]["p50_ns"] / 1e6, 100, delta=10)

    def test_a_target_that_is_not_there_is_a_report_and_exit_code_5(self):
        orchestrator = self.kafka_orchestrator(1)
        report = self.report(orchestrator, f"http://127.0.0.1:{harness.free_port()}/", "-n", 20, "-c", 2, codes=(5,))
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        counts = report["totals"]["counts"]
        self.assertEqual(counts["dropped"], 20)
        self.assertEqual(counts.get("sent", 0), 0)
        self.assertEqual(report["totals"]["errors"][0]["kind"], "CONNECT_REFUSED")

    def test_stop_ends_a_running_test_with_a_whole_report(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2)
        # A server that takes 5 ms: drivers that fill both cores of a small machine leave the broker none for seconds on end.
        created = self.loadctl("--server", orchestrator.grpc, "create", target.url + "/delay/5", "-c", 4, "-d", "60s", "--id", "long-one")
        self.assertEqual(created.returncode, 0, created.stderr)
        harness.wait_for("requests", lambda: target.received() > 100)
        stopped = self.loadctl("--server", orchestrator.grpc, "stop", "long-one")
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        harness.wait_for("end", lambda: orchestrator.rest("/v1/loadTests/long-one")["state"] == "STOPPED")
        report = orchestrator.rest("/v1/loadTests/long-one/report")
        self.assert_adds_up(report["totals"]["counts"])
        self.assertEqual(report["totals"]["counts"]["in_flight"], 0)
        self.assertEqual(report["totals"]["counts"]["sent"], target.received())


if __name__ == "__main__":
    harness.main()
