"""Processes die in mid-test, on a real Kafka: what the target counted is what the report says, to one, or the difference is named."""

import os
import pathlib
import signal
import subprocess
import time
import unittest
import uuid

import harness

ENDED = ("SUCCEEDED", "STOPPED", "FAILED")
FAST_LOSS = ("--set", "driver.heartbeat_interval=500ms")


def rate(target, per_second, seconds, **more):
    return {"request": {"url": target.url + "/ping"}, "rate": {"requests_per_second": per_second}, "duration": f"{seconds}s",
            "connections": 4, **more}


class FaultsTest(harness.ProcessTest):
    def await_drivers(self, orchestrator, *ids):
        def idle():
            return {d["name"] for d in orchestrator.rest("/v1/drivers").get("drivers", []) if d["state"] == "IDLE"}
        harness.wait_for(f"drivers {ids}", lambda: idle() >= {f"drivers/{i}" for i in ids})

    def await_state(self, orchestrator, test, *states, seconds=60):
        return harness.wait_for(f"state of {test}", lambda: orchestrator.rest(f"/v1/loadTests/{test}").get("state") in states, seconds)

    def final_report(self, orchestrator, test):
        """Once every driver's last report is in it."""
        self.await_state(orchestrator, test, *ENDED)
        return orchestrator.rest(f"/v1/loadTests/{test}/report")

    def assert_whole(self, report, target, planned):
        """No hole, nothing twice: every request of the plan, once."""
        counts = report["totals"]["counts"]
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED", report["load_test"])
        self.assertEqual(counts["sent"], planned)
        self.assertEqual(target.received(), planned)
        self.assert_adds_up(counts)
        self.assertEqual(sum(i["counts"]["sent"] for i in report["intervals"]), planned)
        for driver in report["drivers"]:
            self.assertEqual(driver["intervals_missing"], 0, driver)
            self.assertTrue(driver["finished"], driver)
        self.assertEqual(report["unknown_requests"], 0)

    def assert_named(self, report, target, planned):
        """sent + unknown is the plan, and what the target counted lies between."""
        sent = report["totals"]["counts"]["sent"] + report["totals"]["counts"].get("dropped", 0)
        self.assertEqual(sent + report["unknown_requests"], planned, report["verdict"])
        self.assertGreater(report["unknown_requests"], 0)
        self.assertGreaterEqual(target.received(), report["totals"]["counts"]["sent"])
        self.assertLessEqual(target.received(), planned)
        self.assert_adds_up(report["totals"]["counts"])
        reasons = [r for r in report["verdict"]["reasons"] if r["resource"] == "driver"]
        self.assertTrue(reasons, report["verdict"])
        self.assertIn("requests of its plan may or may not have been sent", reasons[0]["message"])

    # --- the orchestrator dies

    def kill_and_replace(self, drivers, data=None):
        """Kills an orchestrator in mid-test; returns the next one, the target and how long it took to serve."""
        target = self.target()
        first = self.kafka_orchestrator(drivers)
        if drivers == 0:
            self.driver("a")
            self.driver("b")
            self.await_drivers(first, "a", "b")
        first.create("t1", rate(target, 200, 8))
        harness.wait_for("requests", lambda: target.received() > 150)
        children = first.driver_pids()
        self.assertEqual(len(children), drivers)
        first.end(signal.SIGKILL)
        before = target.received()
        harness.wait_for("requests while no orchestrator is there", lambda: target.received() > before + 100)
        began = time.monotonic()
        second = self.kafka_orchestrator(drivers, prefix=self.prefix, data=first.data if data is None else data)
        self.assertLess(time.monotonic() - began, 20)
        return second, target, children

    def test_a_killed_orchestrator_is_replaced_on_the_same_data(self):
        second, target, _ = self.kill_and_replace(0)
        self.assert_whole(self.final_report(second, "t1"), target, 1600)

    def test_a_killed_orchestrator_is_replaced_with_nothing_but_the_topics(self):
        second, target, _ = self.kill_and_replace(0, data=pathlib.Path(self.folder) / "empty")
        report = self.final_report(second, "t1")
        self.assert_whole(report, target, 1600)
        self.assertIn("orchestrator_took_over", [e["type"] for e in report["events"]])

    def test_drivers_of_a_killed_orchestrator_run_their_test_to_its_end(self):
        second, target, children = self.kill_and_replace(2)
        for pid in children:
            self.addCleanup(lambda pid=pid: harness.process_is_there(pid) and os.kill(pid, signal.SIGKILL))
        names = {d["name"] for d in second.rest("/v1/drivers")["drivers"]}
        self.assertGreaterEqual(names, {"drivers/driver-3", "drivers/driver-4"}, "ids in use are not given again")
        self.assert_whole(self.final_report(second, "t1"), target, 1600)
        harness.wait_for("end of the old drivers", lambda: not any(harness.process_is_there(pid) for pid in children))

    def test_an_ended_test_is_rebuilt_from_the_topics(self):
        target = self.target()
        first = self.kafka_orchestrator(2)
        report = self.report(first, target.url + "/ping", "--rate", 300, "-d", "2s", "--id", "t1")
        first.end()
        second = self.kafka_orchestrator(0, prefix=self.prefix, data=pathlib.Path(self.folder) / "empty")
        again = harness.wait_for("the report", lambda: self.rebuilt(second, "t1", 600))
        self.assertEqual(again["response_time"], report["response_time"])
        self.assertEqual(again["intervals"], report["intervals"])
        self.assertEqual([d["finished"] for d in again["drivers"]], [True, True])

    def rebuilt(self, orchestrator, test, sent):
        report = orchestrator.rest(f"/v1/loadTests/{test}/report")
        return report if report.get("totals", {}).get("counts", {}).get("sent") == sent else None

    def test_drivers_of_an_embedded_broker_end_with_it(self):
        target = self.target()
        first = self.orchestrator(2)
        first.create("t1", rate(target, 200, 60))
        harness.wait_for("requests", lambda: target.received() > 50)
        children = first.driver_pids()
        first.end(signal.SIGKILL)
        harness.wait_for("end of the drivers", lambda: not any(harness.process_is_there(pid) for pid in children))
        second = self.orchestrator(0, data=first.data)
        self.await_state(second, "t1", "FAILED")
        self.assertIn("embedded broker", second.rest("/v1/loadTests/t1")["state_reason"])

    # --- two orchestrators

    def test_a_second_orchestrator_is_refused(self):
        first = self.kafka_orchestrator(0)
        second = subprocess.run([str(harness.BIN / "orchestrator"), "0", "--kafka", harness.kafka_address(), "--grpc", "127.0.0.1:0",
                                 "--http", "127.0.0.1:0", "--data", str(pathlib.Path(self.folder) / "second"),
                                 "--set", f"kafka.topic_prefix={self.prefix}"], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(second.returncode, 2, second.stderr)
        self.assertIn(f"process {first.pid}", second.stderr)
        self.assertIn("topic_prefix", second.stderr)
        self.assertEqual(first.rest("/v1/drivers").get("drivers", []), [])
        self.assertIsNone(first.child.poll())

    def test_a_hung_orchestrator_is_replaced_and_ends_when_it_wakes_up(self):
        target = self.target()
        first = self.kafka_orchestrator(0)
        self.driver("a")
        self.driver("b")
        self.await_drivers(first, "a", "b")
        first.create("t1", rate(target, 200, 10))
        harness.wait_for("requests", lambda: target.received() > 100)
        os.kill(first.pid, signal.SIGSTOP)
        self.addCleanup(lambda: first.child.poll() is None and os.kill(first.pid, signal.SIGCONT))
        second = self.kafka_orchestrator(0, prefix=self.prefix, data=pathlib.Path(self.folder) / "second")
        os.kill(first.pid, signal.SIGCONT)
        self.assertEqual(first.child.wait(20), 1, first.output())
        self.assertIn(f"process {second.pid}", first.output())
        self.assert_whole(self.final_report(second, "t1"), target, 2000)

    def test_an_orchestrator_that_did_not_run_for_a_while_takes_nobody_for_lost(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(0)
        self.driver("a")
        self.driver("b")
        self.await_drivers(orchestrator, "a", "b")
        orchestrator.create("t1", rate(target, 200, 9, on_driver_loss="ABORT"))
        harness.wait_for("requests", lambda: target.received() > 100)
        os.kill(orchestrator.pid, signal.SIGSTOP)
        self.addCleanup(lambda: orchestrator.child.poll() is None and os.kill(orchestrator.pid, signal.SIGCONT))
        # Longer than a driver may be silent; it is the target that tells how long.
        harness.wait_for("requests", lambda: target.received() > 1100)
        os.kill(orchestrator.pid, signal.SIGCONT)
        report = self.final_report(orchestrator, "t1")
        self.assert_whole(report, target, 1800)
        self.assertNotIn("driver_lost", [event["type"] for event in report["events"]])

    # --- a driver dies

    def three_drivers(self, spec):
        self.target_ = self.target()
        orchestrator = self.kafka_orchestrator(0, extra=FAST_LOSS)
        drivers = {name: self.driver(name, FAST_LOSS) for name in ("a", "b", "c")}
        self.await_drivers(orchestrator, *drivers)
        orchestrator.create("t1", rate(self.target_, 300, 12, **spec))
        harness.wait_for("requests", lambda: self.target_.received() > 600)
        drivers["b"].end(signal.SIGKILL)
        return orchestrator

    def test_the_others_go_on_without_a_killed_driver(self):
        orchestrator = self.three_drivers({"on_driver_loss": "CONTINUE"})
        report = self.final_report(orchestrator, "t1")
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assert_named(report, self.target_, 3600)
        lost = report["drivers"][1]
        self.assertTrue(lost["lost"])
        self.assertEqual(lost["unknown_to_offset_ns"], 12_000_000_000)
        self.assertEqual([d["counts"]["sent"] for d in report["drivers"] if not d["lost"]], [1200, 1200])

    def test_the_others_take_over_what_a_killed_driver_would_have_sent(self):
        orchestrator = self.three_drivers({"on_driver_loss": "REDISTRIBUTE"})
        report = self.final_report(orchestrator, "t1")
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assert_named(report, self.target_, 3600)
        a, lost, c = report["drivers"]
        self.assertTrue(lost["lost"])
        self.assertLess(lost["unknown_to_offset_ns"], 12_000_000_000)
        self.assertEqual(a["counts"]["sent"] - 1200, a["took_over_requests"])
        self.assertEqual(c["counts"]["sent"] - 1200, c["took_over_requests"])
        # From the first whole interval after the take-over on the rate is what was asked for.
        for interval in report["intervals"]:
            if interval["start_offset_ns"] >= lost["unknown_to_offset_ns"] and interval["start_offset_ns"] < 11_000_000_000:
                self.assertAlmostEqual(interval["counts"]["sent"], 300, delta=60)

    def test_a_test_is_stopped_when_a_driver_was_killed(self):
        orchestrator = self.three_drivers({"on_driver_loss": "ABORT"})
        report = self.final_report(orchestrator, "t1")
        self.assertEqual(report["load_test"]["state"], "STOPPED")
        self.assertIn("b was lost", report["load_test"]["state_reason"])
        sent = report["totals"]["counts"]["sent"]
        self.assertGreaterEqual(self.target_.received(), sent)
        self.assertLessEqual(self.target_.received(), sent + report["unknown_requests"])

    def test_a_driver_that_crashed_takes_its_part_up_again(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2, extra=FAST_LOSS)
        orchestrator.create("t1", rate(target, 200, 12, on_driver_loss="REDISTRIBUTE", rejoin=True))
        harness.wait_for("requests", lambda: target.received() > 400)
        os.kill(orchestrator.driver_pids()[0], signal.SIGKILL)
        report = self.final_report(orchestrator, "t1")
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assert_named(report, target, 2400)
        lives = [d["assignment"]["driver_id"] for d in report["drivers"]]
        self.assertEqual(len(lives), 3, lives)
        back = [d for d in report["drivers"] if lives.count(d["assignment"]["driver_id"]) == 2 and not d["lost"]]
        self.assertEqual(len(back), 1)
        self.assertGreater(back[0]["counts"]["sent"], 0)


if __name__ == "__main__":
    harness.main()
