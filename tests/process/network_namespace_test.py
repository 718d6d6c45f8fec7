"""A driver on another host: a network namespace with an address of its own. Needs root and iproute2."""

import json
import os
import re
import subprocess
import uuid

import harness


class NetworkNamespaceTest(harness.ProcessTest):
    def setUp(self):
        super().setUp()
        tag = uuid.uuid4().hex[:6]
        self.namespace = f"lt-{tag}"
        here, there = f"lt{tag}a", f"lt{tag}b"
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
        # A target in the driver's own namespace, so that the load crosses no boundary.
        ready = f"{self.folder}/far-target"
        self.started(harness.Process(["ip", "netns", "exec", self.namespace, harness.BIN / "target", "--port", "8081", "--ready_file", ready], self.folder, "far-target"))
        harness.wait_for("target", lambda: os.path.exists(ready))
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
        self.assertEqual(done.returncode, 1, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["load_test"]["state"], "FAILED")
        self.assertIn("127.0.0.1", report["load_test"]["state_reason"])
        self.assertEqual(report["totals"]["counts"]["sent"], 0)


if __name__ == "__main__":
    harness.main()
