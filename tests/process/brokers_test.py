"""Brokers that die, or hang, in mid-test: the drivers keep their pace, and afterwards every interval is there once."""

import json
import os
import signal
import subprocess
import time

import harness

RATE = 200
DRIVERS = 2
# How long the only broker is away. Longer ones: LOADTEST_TEST_OUTAGE=300 tools/test -R process.brokers
OUTAGE = int(os.environ.get("LOADTEST_TEST_OUTAGE", "30"))


class BrokersTest(harness.ProcessTest):
    def start(self, kafka, seconds, *settings):
        """A test of RATE/s for that long, running, as `away`."""
        self.kafka = kafka
        self.server = self.target()
        self.cluster = self.orchestrator(DRIVERS, kafka=kafka.bootstrap, extra=settings)
        done = self.loadctl("--server", self.cluster.grpc, "create", self.server.url + "/ping", "--rate", RATE, "-d", f"{seconds}s", "--id", "away")
        self.assertEqual(done.returncode, 0, done.stderr)
        harness.wait_for("requests", lambda: self.server.received() > RATE)
        self.began = time.monotonic()
        self.received_before = self.server.received()

    def expect_pace(self, seconds):
        """For that long requests come at their rate; a busy machine sends some late, but it sends them."""
        begin, before = time.monotonic(), self.server.received()
        time.sleep(seconds)
        wanted = RATE * (time.monotonic() - begin)
        received = self.server.received() - before
        print(f"without the broker: {received} requests in {time.monotonic() - begin:.1f} s, due {wanted:.0f}")
        self.assertGreater(received, 0.8 * wanted)

    def expect_whole_report(self, seconds):
        state = lambda: self.cluster.rest("/v1/loadTests/away")["state"]
        harness.wait_for("end", lambda: state() in ("SUCCEEDED", "FAILED", "STOPPED"), seconds + 60)
        report = self.cluster.rest("/v1/loadTests/away/report")
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED", report["load_test"])
        counts = report["totals"]["counts"]
        self.assertEqual(counts["due"], RATE * seconds)
        self.assertEqual(counts["sent"], self.server.received())
        self.assert_adds_up(counts)
        for driver in report["drivers"]:
            self.assertTrue(driver["finished"], driver)
            self.assertEqual(driver.get("intervals_missing", 0), 0, driver)
        self.expect_each_interval_once()
        return report

    def expect_each_interval_once(self):
        """By the topic itself: the numbers of each driver's reports are 1, 2, 3 ..., and the intervals follow each other."""
        lines = subprocess.run([harness.BIN / "loadctl", "tail", "metrics", "--from", "begin", "--kafka", self.kafka.bootstrap, "--once"],
                               capture_output=True, text=True, timeout=60, check=True, cwd=self.folder).stdout.splitlines()
        intervals = {}
        for line in lines:
            value = json.loads(line)["value"]
            intervals.setdefault(value["driver_id"], []).append(
                (int(value["sequence"]), int(value.get("start_offset_ns", 0)), int(value["end_offset_ns"])))
        self.assertEqual(len(intervals), DRIVERS)
        for driver, reports in intervals.items():
            print(f"{driver}: {len(reports)} records of {len(set(reports))} intervals")
            reports = sorted(set(reports))
            self.assertEqual([r[0] for r in reports], list(range(1, len(reports) + 1)), driver)
            for before, after in zip(reports, reports[1:]):
                self.assertEqual(before[2], after[1], driver)

    def test_the_only_broker_is_away(self):
        seconds = OUTAGE + 10
        # A driver that hears nothing for the length of its lease ends its test.
        lease = ["--set", f"orchestrator.lease={2 * OUTAGE}s"] if OUTAGE > 45 else []
        self.start(self.own_kafka(), seconds, *lease)
        self.kafka.kill(1)
        begin = time.monotonic()
        # What needs the bus says so within two seconds, and then at once; what does not, works.
        self.expect_refusal(4)
        self.expect_pace(OUTAGE * 0.7)
        self.expect_refusal(2.5)
        self.assertEqual(self.loadctl("--server", self.cluster.grpc, "ls").returncode, 0)
        time.sleep(max(0.0, OUTAGE - (time.monotonic() - begin)))
        self.kafka.start(1)
        self.expect_whole_report(seconds)

    def expect_refusal(self, within):
        """A bound for noisy machines; the time that it took is printed."""
        asked = time.monotonic()
        done = self.loadctl("--server", self.cluster.grpc, "create", self.server.url + "/ping", "-n", 1)
        print(f"refused in {time.monotonic() - asked:.2f} s, {asked - self.began:.1f} s after the first requests")
        self.assertLess(time.monotonic() - asked, within)
        self.assertEqual(done.returncode, 7, done.stderr)

    def test_one_of_three_brokers_dies(self):
        self.start(self.own_kafka(brokers=3), 20)
        self.kafka.kill(2)
        longest, changed, intervals = 0.0, time.monotonic(), 0
        while time.monotonic() - self.began < 12:
            now_there = len(self.cluster.rest("/v1/loadTests/away/report").get("intervals", []))
            if now_there != intervals:
                longest, changed, intervals = max(longest, time.monotonic() - changed), time.monotonic(), now_there
            time.sleep(0.1)
        print(f"longest time without a new interval: {longest:.1f} s")
        self.assertGreater(intervals, 5)
        self.expect_whole_report(20)

    def test_the_broker_of_the_heartbeats_dies(self):
        """Of three, with Kafka's own patience of 9 s: until then heartbeats cannot be read, all else can. Nobody is lost for that."""
        kafka = self.own_kafka(brokers=3, session_ms=9000)
        for attempt in range(20):
            cluster = self.orchestrator(0, kafka=kafka.bootstrap, prefix=f"leader{attempt}.")
            leader = kafka.leader(f"leader{attempt}.heartbeat")
            if leader != kafka.leader(f"leader{attempt}.trigger"):
                break
            cluster.end()
        server = self.target()
        for name in ("a", "b"):
            self.started(harness.Driver(self.folder, name, kafka.bootstrap, f"leader{attempt}."))
        harness.wait_for("drivers", lambda: len(cluster.rest("/v1/drivers").get("drivers", [])) == 2)
        cluster.create("orphaned", {"request": {"url": server.url + "/ping"}, "rate": {"requestsPerSecond": RATE}, "duration": "15s",
                                    "onDriverLoss": "ABORT"})
        harness.wait_for("requests", lambda: server.received() > RATE)
        kafka.kill(leader)
        state = lambda: cluster.rest("/v1/loadTests/orphaned")["state"]
        harness.wait_for("end", lambda: state() in ("SUCCEEDED", "FAILED", "STOPPED"), 75)
        report = cluster.rest("/v1/loadTests/orphaned/report")
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED", report["load_test"])
        self.assertEqual(report["totals"]["counts"]["sent"], server.received())
        self.assertEqual([e for e in report["events"] if e["type"] == "driver_lost"], [])

    def test_a_broker_that_hangs_for_8_seconds(self):
        self.start(self.own_kafka(), 20)
        self.kafka.signal(1, signal.SIGSTOP)
        self.expect_pace(8)
        self.kafka.signal(1, signal.SIGCONT)
        self.expect_whole_report(20)

    def test_a_broker_behind_a_slow_network(self):
        proxy = harness.SlowProxy(0.15)
        self.addCleanup(proxy.close)
        kafka = self.own_kafka(proxy_port=proxy.port)
        proxy.to_port = int(kafka.bootstrap.split(":")[1])
        kafka.bootstrap = f"127.0.0.1:{proxy.port}"
        self.start(kafka, 10, "--set", "orchestrator.start_lead=3s")
        self.expect_pace(6)
        self.expect_whole_report(10)
        self.assertGreater(proxy.passed, 10000, "all went through the proxy")


if __name__ == "__main__":
    harness.main()
