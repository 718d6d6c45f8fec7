"""What a driver refuses whatever a test asks for, and how fast everything is silent after `stop --all`. Needs no Kafka."""

import json
import time

import harness


class Policy(harness.ProcessTest):
    def refused(self, settings, *args):
        """Runs a test that must not send anything; why it failed."""
        target = self.target()
        flags = [flag for setting in settings for flag in ("--set", setting)]
        orchestrator = self.orchestrator(1, extra=flags)
        done = self.loadctl("--server", orchestrator.grpc, "run", *[str(arg).replace("TARGET", str(target.port)) for arg in args], "-o", "json")
        self.assertEqual(target.received(), 0)
        self.assertEqual(done.returncode, 6, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["load_test"]["state"], "FAILED", done.stderr)
        self.assertEqual(report["totals"]["counts"]["sent"], 0)
        return report["load_test"]["state_reason"]

    def test_more_requests_a_second_than_max_rate(self):
        for load in (["--rate", "101", "-d", "1s"], ["--delay", "9ms", "-d", "1s"], ["--stages", "1:101@1s"]):
            why = self.refused(["driver.max_rate=100"], "http://127.0.0.1:TARGET/ping", *load)
            self.assertRegex(why, r"rate: got [0-9.]+/s for this driver, want at most 100/s; .*driver\.max_rate")
        why = self.refused(["driver.max_rate=100"], "http://127.0.0.1:TARGET/ping", "-c", "1", "-n", "1")
        self.assertRegex(why, r"rate: got an avalanche, .* at most 100/s .*driver\.max_rate")

    def test_longer_than_max_duration(self):
        for load in (["-d", "11s"], ["--delay", "100ms", "-n", "200"], ["--stages", "10@6s,10@6s"], ["--rate", "10", "-d", "8s", "--warmup", "3s"]):
            why = self.refused(["driver.max_duration=10s"], "http://127.0.0.1:TARGET/ping", *load)
            self.assertRegex(why, r"duration: got .* want at most 10s; .*driver\.max_duration")

    def test_a_test_of_unknown_length_is_ended_at_max_duration(self):
        target = self.target()
        orchestrator = self.orchestrator(1, extra=["--set", "driver.max_duration=1s"])
        done = self.loadctl("--server", orchestrator.grpc, "run", target.url + "/delay/5", "-n", "100000", "-c", "1", "-o", "json")
        report = json.loads(done.stdout)
        self.assertLess(report["sending_seconds"], 3)
        self.assertLess(report["totals"]["counts"]["sent"], 1000)
        self.assertIn("driver.max_duration", json.dumps(report["load_test"]) + json.dumps(report["events"]), done.stderr)

    def test_targets_that_are_not_allowed_by_name_or_by_address(self):
        for allowed, url in (("10.0.0.0/8", "http://127.0.0.1:TARGET/ping"), ("*.example.com", "http://127.0.0.1:TARGET/ping"),
                             ("127.0.0.2", "http://127.0.0.1:TARGET/ping"), ("::1", "http://localhost:TARGET/ping"),
                             ("::/0", "http://[::ffff:127.0.0.1]:TARGET/ping"), ("10.0.0.0/8", "http://2130706433:TARGET/ping"),
                             ("10.0.0.0/8", "http://0x7f.1:TARGET/ping")):
            why = self.refused([f"driver.allowed_targets={allowed}"], url, "-n", "1")
            self.assertIn("driver.allowed_targets", why)

    def test_an_allowed_name_is_not_asked_for_another_site(self):
        why = self.refused(["driver.allowed_targets=localhost"], "http://localhost:TARGET/ping", "-n", "1", "-H", "Host: victim.example")
        self.assertIn('target localhost asked for as "victim.example"', why)

    def test_redirects_are_not_followed(self):
        elsewhere = self.target()
        nginx = self.nginx(server=f"return 302 {elsewhere.url}/ping;")
        orchestrator = self.orchestrator(1)
        report = self.report(orchestrator, nginx.url + "/", "-n", "20", "-c", "1", codes=(0, 4, 5))
        self.assertEqual(report["totals"]["status_codes"], {"302": 20})
        self.assertEqual(elsewhere.received(), 0)

    def test_more_connections_than_max_connections(self):
        why = self.refused(["driver.max_connections=10"], "http://127.0.0.1:TARGET/ping", "-c", "11", "-n", "1")
        self.assertIn("driver.max_connections", why)


class StopAll(harness.ProcessTest):
    def test_everything_is_silent_after_the_time_that_it_says(self):
        target, orchestrator = self.target(), self.orchestrator(2)
        for test_id, drivers in (("one", 1), ("two", 1), ("waits", 2)):
            made = self.loadctl("--server", orchestrator.grpc, "create", target.url + "/ping", "--rate", "200", "-d", "60s", "--id", test_id,
                                "--drivers", drivers)
            self.assertEqual(made.returncode, 0, made.stderr)
        harness.wait_for("two tests that run", lambda: len(orchestrator.rest("/v1/loadTests?states=RUNNING")["load_tests"]) == 2)
        done = self.loadctl("--server", orchestrator.grpc, "stop", "--all")
        received = target.received()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"3 tests stopped: nothing sent and nothing in flight any more after [0-9.]+m?s")
        time.sleep(0.3)  # nothing can be waited for: that nothing comes is the point
        self.assertEqual(target.received(), received)
        states = {test["name"]: test["state"] for test in orchestrator.rest("/v1/loadTests")["load_tests"]}
        self.assertEqual(set(states.values()), {"STOPPED"}, states)

        again = self.loadctl("--server", orchestrator.grpc, "stop", "--all", "-o", "json")
        self.assertEqual(json.loads(again.stdout), {"load_tests": [], "silent_after_ns": 0})
        for wrong in (("stop",), ("stop", "--all", "one")):
            self.assertEqual(self.loadctl("--server", orchestrator.grpc, *wrong).returncode, 2)


if __name__ == "__main__":
    harness.main()
