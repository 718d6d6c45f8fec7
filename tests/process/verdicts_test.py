"""Each reason for which the generator is not to be believed, provoked for real."""

import json
import os
import resource
import subprocess
import sys

import harness


class VerdictsTest(harness.ProcessTest):
    def judged(self, orchestrator, *args, codes=(4,)):
        report = self.report(orchestrator, *args, codes=codes)
        reasons = {reason["resource"]: reason for reason in report["verdict"]["reasons"]}
        return report, reasons

    def assert_invalid(self, report, reasons, resources, driver="driver-1"):
        self.assertEqual(report["verdict"]["level"], "INVALID")
        found = [r for r in resources if r in reasons]
        self.assertTrue(found, reasons)
        self.assertEqual(reasons[found[0]]["driver_id"], driver)

    def test_a_driver_on_a_busy_core(self):
        target = self.target()
        orchestrator = self.orchestrator(1)
        (driver,) = orchestrator.driver_pids()
        for thread in os.listdir(f"/proc/{driver}/task"):
            os.sched_setaffinity(int(thread), {0})
        hogs = [subprocess.Popen([sys.executable, "-c", "import os; os.sched_setaffinity(0, {0}); exec('while True: pass')"])
                for _ in range(4)]
        try:
            report, reasons = self.judged(orchestrator, target.url + "/ping", "--rate", "20k", "-d", "2s")
        finally:
            for hog in hogs:
                hog.kill()
                hog.wait()
        self.assert_invalid(report, reasons, ["send_delay", "cpu", "schedule"])
        self.assertGreater(report["drivers"][0]["loop_wait_cores"], 0.1)

    def test_descriptors_run_out(self):
        target = self.target()
        orchestrator = self.orchestrator(1)
        (driver,) = orchestrator.driver_pids()
        resource.prlimit(driver, resource.RLIMIT_NOFILE, (80, 80))
        report, reasons = self.judged(orchestrator, target.url + "/delay/1000", "--rate", 200, "-d", "1s", "-c", 5, "--drain", "2s")
        self.assert_invalid(report, reasons, ["descriptors"])
        self.assertEqual([e["kind"] for e in report["totals"]["errors"]], ["OUT_OF_DESCRIPTORS"])
        self.assert_adds_up(report["totals"]["counts"])

    def test_ports_run_out(self):
        # In a network of its own, where there are 64 of them.
        script = """
            ip link set lo up
            echo 40000 40063 > /proc/sys/net/ipv4/ip_local_port_range
            "$BIN/target" --port 8081 --ready_file ready >target.log & target=$!
            while [ ! -s ready ]; do sleep 0.05; done
            "$BIN/loadctl" run --local 1 http://127.0.0.1:8081/delay/1000 --rate 200 -d 1s -c 5 --drain 2s -q -o json
            code=$?
            kill $target; wait $target
            exit $code
        """
        done = subprocess.run(["unshare", "-n", "bash", "-c", script], capture_output=True, text=True, timeout=60, cwd=self.folder,
                              env={**os.environ, "BIN": str(harness.BIN)}, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        report = json.loads(done.stdout)
        self.assert_invalid(report, {r["resource"]: r for r in report["verdict"]["reasons"]}, ["ports"])
        self.assertEqual([e["kind"] for e in report["totals"]["errors"]], ["OUT_OF_PORTS"])

    def test_a_schedule_beyond_what_a_core_can_send(self):
        target = self.target()
        report, reasons = self.judged(self.orchestrator(1), target.url + "/ping", "--rate", "3M", "-d", "500ms", "--drain", "200ms")
        self.assert_invalid(report, reasons, ["schedule", "send_delay", "connections"])
        self.assert_adds_up(report["totals"]["counts"])

    def test_a_slow_target_is_not_the_generators_fault(self):
        target = self.target()
        report = self.report(self.orchestrator(1), "avalanche", target.url + "/delay/5", "-c", 4, "-d", "2s", codes=(0,))
        self.assertEqual(report["verdict"]["level"], "VALID")
        self.assertNotIn("reasons", {k: v for k, v in report["verdict"].items() if v})


if __name__ == "__main__":
    harness.main()
