"""Wrong inputs at every door: each gets an error that names place, value and what was wanted; nothing crashes."""

import json
import os
import pathlib
import socket
import subprocess
import urllib.error
import urllib.request

import harness

URL = "http://127.0.0.1:1/"

# (arguments of loadctl run, what the message must name)
FLAGS = [
    (["ftp://x"], ["ftp://x", "http[s]://"]),
    (["http://user@127.0.0.1/"], ["user name"]),
    (["http://127.0.0.1:99999/"], ["99999", "port"]),
    (["http://u:p@127.0.0.1/"], ["user name"]),
    ([URL, "-c", "0x10"], ["-c", "0x10"]),
    ([URL, "-c", "-5"], ["-5"]),
    ([URL, "-c", "1000000"], ["1000000", "100000"]),
    ([URL, "-n", "1.5"], ["-n", "1.5"]),
    ([URL, "-d", "10"], ["-d", "10", "500ms"]),
    ([URL, "-d", "-3s"], ["-3s"]),
    ([URL, "-d", "999d"], ["-d", "23976h", "168h"]),
    ([URL, "--delay", "fast"], ["--delay", "fast"]),
    ([URL, "--delay", "1ns"], ["delay", "1ns", "1us"]),
    ([URL, "--rate", "0"], ["rate", "0"]),
    ([URL, "--rate", "10", "--delay", "5ms"], ["--rate", "--delay"]),
    (["avalanche", URL, "--delay", "5ms"], ["avalanche", "--delay"]),
    (["tsunami", URL], ["tsunami", "--delay"]),
    ([URL, "-H", "NoColon"], ["NoColon"]),
    ([URL, "-H", "Bad Name: x"], ["Bad Name"]),
    ([URL, "-H", "Content-Length: 5"], ["Content-Length"]),
    ([URL, "-m", "GE T"], ["GE T"]),
    ([URL, "-b", "@/no/such/file"], ["/no/such/file"]),
    ([URL, "--timeout", "0s"], ["timeout", "0s"]),
    ([URL, "--drivers", "-1"], ["-1"]),
    ([URL, "--label", "novalue"], ["novalue"]),
    ([URL, "--id", "Bad_Id"], ["Bad_Id"]),
    ([URL, "--no-such-flag"], ["--no-such-flag"]),
    ([URL, "-o", "xml"], ["xml", "json"]),
    (["no-such-plan.json"], ["no-such-plan.json"]),
    ([], ["URL"]),
]

PLANS = [
    ("{", ["1:2", "JSON"]),
    ("[]", ["[]", "object"]),
    ('{"request": {"url": "http://127.0.0.1/"}, "avalanche": {}, "conections": 5}', ["conections", "connections"]),
    ('{"request": {"url": 7}, "avalanche": {}}', ["request.url", "7", "string"]),
    ('{"request": {"url": "http://127.0.0.1/"}, "tsunami": {"delay": "soon"}}', ["tsunami.delay", "soon", "500ms"]),
    ('{"request": {"url": "http://127.0.0.1/"}, "on_driver_loss": "PANIC"}', ["on_driver_loss", "PANIC", "ABORT"]),
    ('{"request": {"url": "http://127.0.0.1/"}, "avalanche": {}, "rate": {"requests_per_second": 5}}', ["rate", "avalanche"]),
]

CONFIGS = [
    ("{", ["config.json:1:2"]),
    ('{"orchestrator": {"drivers": 65}}', ["orchestrator.drivers", "65", "64"]),
    ('{"orchestrator": {"driver": 5}}', ["orchestrator.driver", "unknown key", "drivers"]),
    ('{"kafka": {"bootstrap_servers": 9092}}', ["kafka.bootstrap_servers", "9092", "string"]),
    ('{"driver": {"heartbeat_interval": "1h"}}', ["driver.heartbeat_interval", "1h"]),
    ('{"orchestrator": {"grpc_address": "here"}}', ["grpc_address", "here", "a numeric address and a port"]),
    ('{"orchestrator": {"http_address": "0.0.0.0:8080"}}', ["http_address", "0.0.0.0", "loopback"]),
]

PROGRAMS = [
    ("orchestrator", ["many"], ["many", "whole number"]),
    ("orchestrator", ["17", "--kafka", "embedded"], ["orchestrator.drivers", "17", "16"]),
    ("orchestrator", ["--set", "driver.colour=red"], ["driver.colour"]),
    ("orchestrator", ["--grpc", "127.0.0.1:70000"], ["70000"]),
    ("driver", ["--kafka", "127.0.0.1:1", "--id", "a b"], ["a b"]),
    ("driver", ["--kafka", "nonsense"], ["nonsense"]),
    ("target", ["--port", "http"], ["http", "65535"]),
]

SPEC = {"request": {"url": "http://127.0.0.1:1/"}, "avalanche": {}}

# (method, path, body or None, wanted status, what the message must name)
REST = [
    ("POST", "/v1/loadTests", b"{", 400, ["JSON"]),
    ("POST", "/v1/loadTests", b'{"avalanche": {}}', 400, ["spec.request.url"]),
    ("POST", "/v1/loadTests", json.dumps({**SPEC, "connections": -1}).encode(), 400, ["spec.connections", "-1"]),
    ("POST", "/v1/loadTests?colour=red", json.dumps(SPEC).encode(), 400, ["colour"]),
    ("POST", "/v1/loadTests?load_test_id=A", json.dumps(SPEC).encode(), 400, ["load_test_id", "A"]),
    ("POST", "/v1/loadTests?validate_only=perhaps", json.dumps(SPEC).encode(), 400, ["validate_only", "perhaps"]),
    ("GET", "/v1/loadTests/nobody", None, 404, ["nobody"]),
    ("GET", "/v1/loadTests/BAD", None, 400, ["BAD"]),
    ("GET", "/v1/loadTests?page_size=x", None, 400, ["page_size", "x"]),
    ("GET", "/v1/loadTests?page_size=5000", None, 400, ["page_size", "5000", "1000"]),
    ("GET", "/v1/loadTests?page_token=zz", None, 400, ["page_token", "zz"]),
    ("POST", "/v1/loadTests/nobody:stop", b"", 404, ["nobody"]),
    ("POST", "/v1/loadTests/nobody:start", b"", 404, []),
    ("DELETE", "/v1/loadTests/nobody", None, 404, ["nobody"]),
    ("DELETE", "/v1/drivers", None, 405, []),
    ("GET", "/v2", None, 404, ["/v2"]),
]


class WrongInputsTest(harness.ProcessTest):
    def assert_refused(self, done, wanted, code=2):
        self.assertEqual(done.returncode, code, f"{done.args}\n{done.stderr}")
        self.assertEqual(done.stdout, "", "errors go to stderr")
        for word in wanted:
            self.assertIn(word, done.stderr, done.args)

    def test_flags_and_plan_files(self):
        orchestrator = self.orchestrator(0)
        for args, wanted in FLAGS:
            with self.subTest(args=args):
                self.assert_refused(self.loadctl("--server", orchestrator.grpc, "run", *args), wanted)
        plan = pathlib.Path(self.folder) / "plan.json"
        for text, wanted in PLANS:
            with self.subTest(plan=text):
                plan.write_text(text)
                self.assert_refused(self.loadctl("--server", orchestrator.grpc, "run", plan), wanted)
        self.assertEqual(orchestrator.rest("/v1/loadTests")["load_tests"], [], "nothing was created")

    def test_configuration_and_flags_of_the_programs(self):
        config = pathlib.Path(self.folder) / "config.json"
        for text, wanted in CONFIGS:
            with self.subTest(config=text):
                config.write_text(text)
                done = subprocess.run([harness.BIN / "orchestrator", "0", "--config", config, "--data", f"{self.folder}/d"], capture_output=True, text=True,
                                      timeout=20, cwd="/", check=False)
                self.assert_refused(done, wanted)
        config.unlink()
        for program, args, wanted in PROGRAMS:
            with self.subTest(program=program, args=args):
                done = subprocess.run([harness.BIN / program, *args], capture_output=True, text=True, timeout=20, cwd=self.folder, check=False)
                self.assert_refused(done, wanted)
        done = subprocess.run([harness.BIN / "target"], capture_output=True, text=True, timeout=20, cwd=self.folder, check=False,
                              env={**os.environ, "LOADTEST_TARGET_PORT": "x"})
        self.assert_refused(done, ["LOADTEST_TARGET_PORT", "x", "65535"])

    def test_rest(self):
        orchestrator = self.orchestrator(0)
        for method, path, body, status, wanted in REST:
            with self.subTest(method=method, path=path, body=body):
                request = urllib.request.Request(orchestrator.http + path, data=body, method=method)
                if body is not None:
                    request.add_header("Content-Type", "application/json")
                with self.assertRaises(urllib.error.HTTPError) as raised:
                    urllib.request.urlopen(request, timeout=10)
                text = raised.exception.read().decode()
                self.assertEqual(raised.exception.code, status, text)
                error = json.loads(text)["error"]
                for word in wanted:
                    self.assertIn(word, error["message"])
        for raw in (b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n", b"POST /v1/loadTests HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"):
            with self.subTest(raw=raw[:40]), socket.create_connection(orchestrator.http.removeprefix("http://").split(":"), timeout=10) as s:
                try:
                    s.sendall(raw)
                    s.shutdown(socket.SHUT_WR)
                    answer = s.recv(65536)
                except ConnectionError:
                    answer = b""
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200])
        self.assertIn("drivers", orchestrator.rest("/v1/drivers"))

    def test_records_of_garbage_on_all_topics_change_nothing(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2)

        def put(topic, value, key="driver-1", header=None):
            args = ["kcat", "-P", "-b", harness.kafka_address(), "-t", self.prefix + topic, "-k", key]
            subprocess.run(args + (["-H", f"message_type={header}"] if header else []), input=value, timeout=20, check=True, capture_output=True)

        for topic, message in (("register", "DriverRegistration"), ("heartbeat", "DriverHeartbeat"), ("trigger", "Trigger"), ("metrics", "MetricsReport")):
            put(topic, b"\xff\xff\xff garbage")
            put(topic, b"\xff\xff\xff garbage", header=message)
            put(topic, b"\x00", header=message)
            put(topic, b"\x0a\x08driver-1", header="SomethingElse")
        rejected = lambda: "loadtest_orchestrator_records_rejected_total 1" in harness.get(orchestrator.http + "/metrics")
        harness.wait_for("refused records", rejected)
        report = self.report(orchestrator, target.url + "/ping", "-n", 500, "-c", 4)
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assertEqual(report["totals"]["counts"]["sent"], 1000)
        self.assertEqual(target.received(), 1000)

    def test_more_silent_clients_than_descriptors_keep_nobody_out(self):
        orchestrator = self.orchestrator(1, descriptors=300)
        for address in (orchestrator.grpc, orchestrator.http.removeprefix("http://")):
            host, port = address.split(":")
            for _ in range(400):
                client = socket.create_connection((host, int(port)), timeout=10)
                self.addCleanup(client.close)
        done = self.loadctl("--server", orchestrator.grpc, "ls")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(orchestrator.rest("/v1/loadTests").get("load_tests", []), [])
        target = self.target()
        self.report(orchestrator, target.url + "/ping", "-n", 10, "-c", 2)

    def test_without_an_orchestrator_loadctl_says_how_to_start_one(self):
        for command in (["run", URL], ["ls"], ["drivers"], ["get", "x"]):
            done = self.loadctl("--server", f"127.0.0.1:{harness.free_port()}", *command)
            self.assert_refused(done, ["cannot reach the orchestrator", "orchestrator"], code=7)


if __name__ == "__main__":
    harness.main()
