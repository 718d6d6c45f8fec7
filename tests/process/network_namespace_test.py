"""A driver on another host: a network namespace with an address of its own. Needs root and iproute2."""

import json
import os
import re
import subprocess
import time
import uuid

import harness


class NetworkNamespaceTest(harness.ProcessTest):
    def setUp(self):
        super().setUp()
        tag = uuid.uuid4().hex[:6]
        self.namespace = f"lt-{tag}"
        here, there = f"lt{tag}a", f"lt{tag}b"
        self.link = here
        octet = int(tag[:2], 16)
        self.host_address, self.driver_address = f"10.213.{octet}.1", f"10.213.{octet}.2"
        self.ip("netns", "add", self.namespace)
        self.addCleanup(self.ip, "netns", "del", self.namespace)
        self.ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.namespace)
        self.ip("addr", "add", f"{self.host_address}/24", "dev", here)
        self.ip("link", "set", here, "up")
        for args in (["addr", "add", f"{self.driver_address}/24", "dev", there], ["link", "set", there, "up"], ["link", "set", "lo", "up"]):
            self.ip("-n", self.namespace, *args)
        # A Kafka of its own: it must be known to both hosts by an address both can reach.
        self.kafka = self.own_kafka(address=self.host_address).remote

    @staticmethod
    def ip(*args):
        subprocess.run(["ip", *args], check=True, capture_output=True, timeout=10)

    def driver_there(self, *args, env=None):
        return self.started(harness.Process(["ip", "netns", "exec", self.namespace, harness.BIN / "driver", "--kafka", self.kafka, *args], self.folder, "driver", env))

    def test_a_driver_of_another_host_takes_part_under_its_own_address(self):
        orchestrator = self.orchestrator(0, kafka=self.kafka)
        self.driver_there("--id", "far", "--allow", "127.0.0.1")
        drivers = harness.wait_for("driver", lambda: orchestrator.rest("/v1/drivers")["drivers"])
        self.assertEqual(drivers[0]["ip_address"], self.driver_address)
        table = self.loadctl("--server", orchestrator.grpc, "drivers")
        self.assertIn(self.driver_address, table.stdout)
        self.target_there()
        report = self.report(orchestrator, "tsunami", "http://127.0.0.1:8081/ping", "--delay", "5ms", "-n", 200)
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assertEqual(report["totals"]["counts"]["sent"], 200)
        self.assertEqual(report["drivers"][0]["ip_address"], self.driver_address)

    def test_a_driver_whose_broker_is_not_on_loopback_must_be_given_its_targets(self):
        far = self.driver_there("--id", "far")
        self.assertEqual(far.child.wait(20), 2)
        self.assertIn("--allow", far.output())

    def test_a_driver_refuses_a_target_its_policy_does_not_name(self):
        orchestrator = self.orchestrator(0, kafka=self.kafka)
        self.driver_there("--id", "far", "--allow", "10.99.0.0/16")
        harness.wait_for("driver", lambda: orchestrator.rest("/v1/drivers")["drivers"])
        done = self.loadctl("--server", orchestrator.grpc, "run", "http://127.0.0.1:8081/ping", "-n", 5, "-o", "json")
        self.assertEqual(done.returncode, 6, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["load_test"]["state"], "FAILED")
        self.assertIn("127.0.0.1", report["load_test"]["state_reason"])
        self.assertEqual(report["totals"]["counts"]["sent"], 0)

    def target_there(self):
        """A target in the driver's own namespace, so that the load crosses no boundary. Returns its count of requests."""
        ready = f"{self.folder}/far-target"
        self.started(harness.Process(["ip", "netns", "exec", self.namespace, harness.BIN / "target", "--port", "8081", "--ready_file", ready], self.folder, "far-target"))
        harness.wait_for("target", lambda: os.path.exists(ready))

        def received():
            text = subprocess.run(["ip", "netns", "exec", self.namespace, "curl", "-s", "http://127.0.0.1:8081/metrics"], capture_output=True, text=True, timeout=10,
                                  check=True).stdout
            return int(re.search(r"^target_requests_received_total (\d+)", text, re.M).group(1))
        return received

    def test_a_driver_that_is_cut_off_ends_at_its_lease_and_nothing_is_counted_twice(self):
        orchestrator = self.orchestrator(0, kafka=self.kafka)
        driver = self.driver_there("--id", "far", "--allow", "127.0.0.1", "--set", "driver.max_lease=6s")
        harness.wait_for("driver", lambda: orchestrator.rest("/v1/drivers")["drivers"])
        received = self.target_there()
        created = self.loadctl("--server", orchestrator.grpc, "create", "http://127.0.0.1:8081/ping", "--delay", "5ms", "-d", "60s", "--id", "cut")
        self.assertEqual(created.returncode, 0, created.stderr)
        harness.wait_for("requests", lambda: received() > 400)
        self.ip("link", "set", self.link, "down")
        cut = time.monotonic()
        harness.wait_for("the end of the lease", lambda: "LEASE_EXPIRED" in driver.output(), 20)
        print(f"the driver ended its test {time.monotonic() - cut:.1f} s after the cut; its lease is 6 s")
        self.assertLess(time.monotonic() - cut, 9)
        sent = received()
        time.sleep(1)
        self.assertEqual(received(), sent, "it is silent")
        self.ip("link", "set", self.link, "up")
        ended = lambda: orchestrator.rest("/v1/loadTests/cut")["state"] in ("SUCCEEDED", "FAILED", "STOPPED")
        harness.wait_for("end of the test", ended, 60)
        counts = lambda: orchestrator.rest("/v1/loadTests/cut/report")["totals"]["counts"]
        # Its last reports may come after the test was given up for lost.
        harness.wait_for("its last report", lambda: counts()["sent"] == sent, 30)
        time.sleep(2)
        self.assertEqual(counts()["sent"], sent)
        self.assert_adds_up(counts())
        # And it takes part again.
        report = self.report(orchestrator, "tsunami", "http://127.0.0.1:8081/ping", "--delay", "5ms", "-n", 50)
        self.assertEqual(report["totals"]["counts"]["sent"], 50)

    def test_over_a_slow_link_that_loses_packets_every_request_is_counted_once(self):
        orchestrator = self.orchestrator(0, kafka=self.kafka, extra=["--set", "orchestrator.start_lead=2s"])
        self.driver_there("--id", "far", "--allow", "127.0.0.1")
        harness.wait_for("driver", lambda: orchestrator.rest("/v1/drivers")["drivers"])
        received = self.target_there()
        # 96 kbit/s with room for one packet: what comes faster waits or is thrown away. (tc's netem, which could lose packets at
        # random, is not in every kernel.)
        shape = ["qdisc", "add", "root", "tbf", "rate", "96kbit", "burst", "1600", "limit", "2000"]
        subprocess.run(["tc", *shape[:2], "dev", self.link, *shape[2:]], check=True, capture_output=True, timeout=10)
        subprocess.run(["ip", "netns", "exec", self.namespace, "tc", *shape[:2], "dev", self.link[:-1] + "b", *shape[2:]], check=True, capture_output=True, timeout=10)
        report = self.report(orchestrator, "tsunami", "http://127.0.0.1:8081/ping", "--delay", "5ms", "-d", "8s", "--drivers", 1)
        lost = 0
        for command in (["tc"], ["ip", "netns", "exec", self.namespace, "tc"]):
            shown = subprocess.run([*command, "-s", "qdisc", "show"], check=True, capture_output=True, text=True, timeout=10).stdout
            lost += sum(int(n) for n in re.findall(r"tbf .*?dropped (\d+)", shown, re.S))
        print(f"packets lost: {lost}")
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assertEqual(report["totals"]["counts"]["sent"], 1600)
        self.assertEqual(received(), 1600)
        self.assertEqual(report["drivers"][0].get("intervals_missing", 0), 0)


if __name__ == "__main__":
    harness.main()
