"""Metrics of orchestrator and drivers, as promtool and a real Prometheus server see them. Needs no Kafka."""

import contextlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import urllib.parse

import harness
from certificates import Authority

TOKEN = "0123456789abcdef-token"
MONITORING = harness.SOURCE / "monitoring"


class Prometheus(harness.Process):
    def __init__(self, folder, config):
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        path = pathlib.Path(folder) / "prometheus.yml"
        path.write_text(config)
        checked = subprocess.run(["promtool", "check", "config", path], capture_output=True, text=True, timeout=30, check=False)
        if checked.returncode:
            raise AssertionError(checked.stderr)
        super().__init__([shutil.which("prometheus") or "prometheus", f"--config.file={path}", f"--web.listen-address=127.0.0.1:{self.port}",
                          f"--storage.tsdb.path={folder}/prometheus"], folder, "prometheus")
        # While it starts, it answers that it is not ready.
        harness.wait_for("Prometheus", lambda: "is Ready" in (harness.try_get(self.url + "/-/ready") or ""), 30)

    def query(self, expression):
        answer = json.loads(harness.get(f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        if answer["status"] != "success":
            raise AssertionError(f"{expression}: {answer}")
        return answer["data"]["result"]


def bucket_middle(index):
    """In nanoseconds; the layout is in measure.proto."""
    if index < 1024:
        return index
    exponent = index // 512 - 1
    return ((index - exponent * 512) << exponent) + (1 << exponent) // 2


def free_ports(count):
    """So many free ports in a row."""
    while True:
        first = harness.free_kafka_port()
        try:
            for port in range(first, first + count):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


class Monitoring(harness.ProcessTest):
    def setUp(self):
        super().setUp()
        self.driver_port = free_ports(2)

    def monitored(self, *extra):
        return self.orchestrator(2, extra=["--set", f"driver.metrics_address=127.0.0.1:{self.driver_port}", *extra])

    def driver_metrics(self, i):
        return harness.get(f"http://127.0.0.1:{self.driver_port + i}/metrics")

    def value(self, text, sample):
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.M)
        self.assertTrue(found, f"{sample} is not in:\n{text}")
        return float(found.group(1))

    def test_promtool_finds_nothing_to_say(self):
        target, orchestrator = self.target(), self.monitored()
        self.report(orchestrator, target.url + "/ping", "-n", 100, "-c", 2)
        for text in (harness.get(orchestrator.http + "/metrics"), self.driver_metrics(0)):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_drivers_tell_what_the_report_says(self):
        target, orchestrator = self.target(), self.monitored()
        report = self.report(orchestrator, target.url + "/status/503", "-n", 150, "-c", 3, codes=(5,))
        texts = [self.driver_metrics(i) for i in (0, 1)]
        for name, wanted in (("requests_sent_total", 300), ("requests_completed_total", 300), ('responses_total{code="503"}', 300),
                             ("response_time_seconds_count", 300), ("connections_opened_total", 6),
                             ("received_bytes_total", report["totals"]["bytes_received"])):
            self.assertEqual(sum(self.value(text, f"loadtest_driver_{name}") for text in texts), wanted, name)
        whole = harness.get(orchestrator.http + "/metrics")
        self.assertEqual(self.value(whole, "loadtest_orchestrator_response_time_seconds_count"), 300)
        for line in whole.splitlines():
            if line.startswith("loadtest_orchestrator_response_time_seconds_sum"):
                self.assertAlmostEqual(float(line.split()[1]), report["totals"]["response_time"]["sum_ns"] / 1e9, places=6)
        # Each bucket holds what the report's finer histogram has up to there.
        fine, index = [], 0
        histogram = report["totals"]["response_time"]
        for delta, count in zip(histogram["index_deltas"], histogram["bucket_counts"]):
            index += delta
            fine.append((bucket_middle(index), int(count)))
        buckets = re.findall(r'^loadtest_orchestrator_response_time_seconds_bucket\{le="([0-9.e-]+)"\} (\d+)$', whole, re.M)
        self.assertGreater(len(buckets), 10)
        for bound, below in buckets:
            self.assertEqual(int(below), sum(count for middle, count in fine if middle <= round(float(bound) * 1e9)), bound)

    def test_prometheus_scrapes_both_and_every_query_of_the_dashboard_is_answered(self):
        target, orchestrator = self.target(), self.monitored()
        example = (MONITORING / "prometheus.yml").read_text()
        config = example.replace("127.0.0.1:8080", orchestrator.http.removeprefix("http://")).replace("5s", "500ms")
        for i in (0, 1):
            config = config.replace(f"127.0.0.1:{9101 + i}", f"127.0.0.1:{self.driver_port + i}")
        prometheus = self.started(Prometheus(self.folder, config))
        harness.wait_for("scrape of three", lambda: len([1 for one in prometheus.query("up") if one["value"][1] == "1"]) == 3, 30)
        self.report(orchestrator, target.url + "/ping", "--rate", 200, "-d", "4s")
        harness.wait_for("what was sent", lambda: [
            1 for one in prometheus.query("sum(loadtest_driver_requests_sent_total)") if one["value"][1] == "800"], 30)

        names = set(re.findall(r"^# TYPE (\S+)", harness.get(orchestrator.http + "/metrics") + self.driver_metrics(0), re.M))
        dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        self.assertGreater(len(asked), 15)
        for expression in asked:
            for name in re.findall(r"loadtest_\w+", expression):
                self.assertIn(re.sub(r"_(bucket|sum|count)$", "", name), names, expression)
            query = expression.replace("$job", "loadtest-.*").replace("$__rate_interval", "1m")
            self.assertNotIn("$", query)
            result = prometheus.query(query)
            self.assertTrue(result, expression)

    def test_prometheus_comes_in_with_the_token(self):
        token = pathlib.Path(self.folder) / "token"
        token.write_text(TOKEN)
        orchestrator = self.orchestrator(0, extra=["--token-file", token])
        config = f"""
global: {{scrape_interval: 500ms}}
scrape_configs:
  - job_name: good
    authorization: {{credentials_file: {token}}}
    static_configs: [{{targets: ["{orchestrator.http.removeprefix('http://')}"]}}]
  - job_name: bad
    static_configs: [{{targets: ["{orchestrator.http.removeprefix('http://')}"]}}]
"""
        prometheus = self.started(Prometheus(self.folder, config))
        harness.wait_for("scrapes", lambda: {one["metric"]["job"]: one["value"][1] for one in prometheus.query("up")} ==
                         {"good": "1", "bad": "0"}, 30)

    def test_a_driver_serves_nothing_unless_asked_and_nothing_to_other_hosts_unless_told(self):
        for address, words in (("0.0.0.0:0", "driver.metrics_insecure"), ("somewhere:1", "want a numeric address"), ("127.0.0.1", "HOST:PORT")):
            done = subprocess.run([str(harness.BIN / "driver"), "--kafka", "127.0.0.1:1", "--set", f"driver.metrics_address={address}"],
                                  capture_output=True, text=True, timeout=30, cwd=self.folder, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr)
        orchestrator = self.orchestrator(1)
        self.assertEqual(self.listening(orchestrator.driver_pids()[0]), [])

    def listening(self, pid):
        found = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
        # The embedded broker's own socket comes along from the orchestrator, which listens there.
        return [line for line in found.splitlines() if f"pid={pid}," in line and '"orchestrator"' not in line]


class Settings(harness.ProcessTest):
    def test_drivers_have_the_settings_that_won_in_their_orchestrator(self):
        for name, value in (("LOADTEST_KAFKA_BOOTSTRAP_SERVERS", "embedded"), ("LOADTEST_LOG_FORMAT", "text"),
                            ("LOADTEST_ORCHESTRATOR_TOKEN", TOKEN)):
            harness.os.environ[name] = value
            self.addCleanup(harness.os.environ.pop, name)
        orchestrator = self.orchestrator(1, extra=["--set", "log.format=json"])
        environment = pathlib.Path(f"/proc/{orchestrator.driver_pids()[0]}/environ").read_text()
        orchestrator.end()
        self.assertEqual([line for line in orchestrator.output().splitlines() if not line.startswith("{")], [])
        self.assertNotIn(TOKEN, environment)


class LogLines(harness.ProcessTest):
    def test_json_lines_have_time_level_program_and_message(self):
        orchestrator = self.orchestrator(1, extra=["--set", "log.format=json"])
        orchestrator.end()
        lines = [json.loads(line) for line in orchestrator.output().splitlines()]
        self.assertGreater(len(lines), 3)
        for line in lines:
            self.assertEqual(list(line), ["time", "level", "program", "message"])
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertIn(line["level"], ("INFO", "WARNING", "ERROR"))
        self.assertEqual({line["program"] for line in lines}, {"orchestrator", "driver driver-1"})

    def test_what_the_grpc_library_has_to_say_is_a_line_like_the_others(self):
        authority = Authority(self.folder)
        pem, key = authority.issue("server")
        orchestrator = self.orchestrator(0, extra=["--set", "log.format=json", "--tls-cert", pem, "--tls-key", key])
        host, port = orchestrator.grpc.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while stranger.recv(4096):
                    pass
        harness.wait_for("what gRPC says of it", lambda: "gRPC: " in orchestrator.output(), 30)
        orchestrator.end()
        said = [line for line in map(json.loads, orchestrator.output().splitlines()) if line["message"].startswith("gRPC: ")]
        self.assertEqual({(line["level"], line["program"]) for line in said}, {("WARNING", "orchestrator")})
        self.assertIn("andshake failed", said[0]["message"])


if __name__ == "__main__":
    harness.main()
