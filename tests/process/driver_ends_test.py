"""A driver that ends, in whatever state: its last report is complete, the test ends, nothing is left behind."""

import calendar
import json
import os
import signal
import socket
import subprocess
import time

import harness


class DriverEndsTest(harness.ProcessTest):
    def setUp(self):
        super().setUp()
        self.cluster = self.kafka_orchestrator(0, extra=["--set", "orchestrator.finish_grace=500ms", "--set", "orchestrator.lease=6s"])
        self.drivers = 0
        self.tests = 0

    def driver(self):
        self.drivers += 1
        name = f"d{self.drivers}"
        process = self.started(harness.Process([harness.BIN / "driver", "--kafka", harness.kafka_address(), "--set", f"kafka.topic_prefix={self.prefix}",
                                                "--id", name], self.folder, name))
        harness.wait_for("driver", lambda: self.state_of(name) == "IDLE")
        return name, process

    def state_of(self, name):
        return {d["name"].split("/")[1]: d["state"] for d in self.cluster.rest("/v1/drivers").get("drivers", [])}.get(name)

    def create(self, *args):
        self.tests += 1
        name = f"t{self.tests}"
        done = self.loadctl("--server", self.cluster.grpc, "create", *args, "--id", name)
        self.assertEqual(done.returncode, 0, done.stderr)
        return name

    def report_of(self, test):
        ended = lambda: self.cluster.rest(f"/v1/loadTests/{test}")["state"] in ("SUCCEEDED", "FAILED", "STOPPED")
        harness.wait_for(f"end of {test}", ended, 30)
        return self.cluster.rest(f"/v1/loadTests/{test}/report")

    def last_reports(self, driver):
        """The final records of a driver on the topic."""
        lines = subprocess.run([harness.BIN / "loadctl", "tail", "metrics", "--from", "begin", "--kafka", harness.kafka_address(), "--once"],
                               capture_output=True, text=True, timeout=60, check=True, cwd=self.folder,
                             env={**os.environ, "LOADTEST_KAFKA_TOPIC_PREFIX": self.prefix}).stdout.splitlines()
        values = [json.loads(line)["value"] for line in lines]
        return [v for v in values if v["driver_id"] == driver and v.get("final")]

    def end_in(self, state, arguments, expect_last_report=True):
        """A driver in this state is ended by each signal."""
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            with self.subTest(state=state, signal=sig.name):
                name, process = self.driver()
                test = self.create(*arguments)
                harness.wait_for(state, lambda: self.state_of(name) == state)
                begin = time.monotonic()
                code = process.end(sig)
                self.assertLess(time.monotonic() - begin, 5)
                report = self.report_of(test)
                self.assert_adds_up(report["totals"]["counts"])
                if sig == signal.SIGKILL:
                    self.assertTrue(report["drivers"][0].get("lost"), report["drivers"])
                    continue
                self.assertEqual(code, 0, process.output())
                last = self.last_reports(name)
                self.assertEqual(len(last), 1 if expect_last_report else 0, last)
                if state == "RUNNING":
                    self.assertEqual(last[0]["end_reason"], "DRIVER_STOPPED")
                    self.assertEqual(report["totals"]["counts"]["sent"], self.server.received() - self.received_before)

    def test_while_it_arms(self):
        # Its connections are never accepted: the listener's queue is full.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            for sig in (signal.SIGTERM, signal.SIGKILL):
                name, process = self.driver()
                self.create(f"http://127.0.0.1:{listener.getsockname()[1]}/", "-d", "2s", "-c", 2)
                harness.wait_for("arming", lambda: "arming" in process.output())
                process.end(sig, 5)
                harness.wait_for("its end", lambda: self.state_of(name) in (None, "LOST"), 10)
            for filler in fillers:
                filler.close()

    def test_while_it_waits_for_the_start(self):
        self.cluster.end()
        self.cluster = self.kafka_orchestrator(0, extra=["--set", "orchestrator.start_lead=4s", "--set", "orchestrator.finish_grace=500ms", "--set", "orchestrator.lease=6s"])
        self.server = self.target()
        self.end_in("ARMED", [self.server.url + "/ping", "-d", "1s"])

    def test_while_it_runs(self):
        self.server = self.target()
        for sig in (signal.SIGTERM, signal.SIGINT):
            self.received_before = self.server.received()
            name, process = self.driver()
            test = self.create(self.server.url + "/ping", "--delay", "2ms", "-d", "30s")
            harness.wait_for("requests", lambda: self.server.received() > self.received_before + 300)
            self.assertEqual(process.end(sig, 5), 0)
            report = self.report_of(test)
            self.assertEqual(report["totals"]["counts"]["sent"], self.server.received() - self.received_before)
            self.assertEqual([r["end_reason"] for r in self.last_reports(name)], ["DRIVER_STOPPED"])

    def test_while_it_drains(self):
        self.server = self.target()
        self.end_in("DRAINING", [self.server.url + "/delay/4000", "--delay", "5ms", "-n", 10])


class LifelineTest(harness.ProcessTest):
    def test_a_driver_goes_on_with_its_test_when_its_orchestrator_is_killed_and_ends_after_it(self):
        server = self.target()
        cluster = self.kafka_orchestrator(1)
        self.assertEqual(self.loadctl("--server", cluster.grpc, "create", server.url + "/ping", "--delay", "10ms", "-d", "5s").returncode, 0)
        harness.wait_for("requests", lambda: server.received() > 50)
        driver = cluster.driver_pids()[0]
        cluster.end(signal.SIGKILL)
        harness.wait_for("all its requests", lambda: server.received() == 500, 15)
        harness.wait_for("its end", lambda: not harness.process_is_there(driver), 10)

    def test_a_driver_of_the_embedded_broker_ends_with_it(self):
        server = self.target()
        cluster = self.orchestrator(1)
        self.assertEqual(self.loadctl("--server", cluster.grpc, "create", server.url + "/ping", "--delay", "10ms", "-d", "30s").returncode, 0)
        harness.wait_for("requests", lambda: server.received() > 50)
        driver = cluster.driver_pids()[0]
        cluster.end(signal.SIGKILL)
        harness.wait_for("its end", lambda: not harness.process_is_there(driver), 5)

    def test_an_idle_driver_ends_with_its_orchestrator(self):
        cluster = self.kafka_orchestrator(1)
        driver = cluster.driver_pids()[0]
        cluster.end(signal.SIGKILL)
        harness.wait_for("its end", lambda: not harness.process_is_there(driver), 5)


class StopTest(harness.ProcessTest):
    def test_no_request_comes_long_after_an_order_to_stop(self):
        server = self.nginx()
        cluster = self.kafka_orchestrator(2)
        late = []
        for n in range(20):
            self.assertEqual(self.loadctl("--server", cluster.grpc, "create", server.url + "/", "--rate", 1000, "-d", "30s", "--id", f"stop{n}").returncode, 0)
            before = server.access_log.stat().st_size
            harness.wait_for("requests", lambda: server.access_log.stat().st_size > before + 5000)
            self.assertEqual(self.loadctl("--server", cluster.grpc, "stop", f"stop{n}").returncode, 0)
            harness.wait_for("end", lambda: cluster.rest(f"/v1/loadTests/stop{n}")["state"] == "STOPPED")
            late.append((server.requests()[-1][0] - self.ordered_at(f"stop{n}")) * 1000)
        late.sort()
        print(f"last request after the order, of {len(late)} stops: median {late[len(late) // 2]:.0f} ms, longest {late[-1]:.0f} ms")
        self.assertLess(late[len(late) // 2], 100)

    def ordered_at(self, test):
        """When the order was written, in seconds: the time that its record has on the topic."""
        out = subprocess.run([harness.BIN / "loadctl", "tail", "trigger", "--from", "begin", "--kafka", harness.kafka_address(), "--once"],
                             capture_output=True, text=True, timeout=60, check=True, cwd=self.folder,
                             env={**os.environ, "LOADTEST_KAFKA_TOPIC_PREFIX": self.prefix}).stdout
        for line in out.splitlines():
            record = json.loads(line)
            if record["key"] == test and "stop_ordered" in record["value"]:
                text = record["timestamp"]
                whole = time.strptime(text.split(".")[0].rstrip("Z"), "%Y-%m-%dT%H:%M:%S")
                return calendar.timegm(whole) + (float("0." + text.split(".")[1].rstrip("Z")) if "." in text else 0)
        raise AssertionError(f"no StopOrdered of {test} on the topic")


if __name__ == "__main__":
    harness.main()
