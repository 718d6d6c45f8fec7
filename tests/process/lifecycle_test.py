"""Start, end and death of the programs: nothing is left behind, and the next start works."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time

import harness


class LifecycleTest(harness.ProcessTest):
    def test_a_wrong_kafka_address_is_one_line_and_exit_code_7_within_five_seconds(self):
        for program, args in (("orchestrator", ["0", "--data", f"{self.folder}/d"]), ("driver", [])):
            begin = time.monotonic()
            done = subprocess.run([harness.BIN / program, *args, "--kafka", f"127.0.0.1:{harness.free_port()}"], capture_output=True, text=True,
                                  timeout=20, cwd=self.folder, check=False)
            self.assertLess(time.monotonic() - begin, 5.0, program)
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
            self.assertIn("cannot reach Kafka at 127.0.0.1:", done.stderr)

    def end_leaves_nothing(self, sig):
        orchestrator = self.kafka_orchestrator(3)
        drivers = orchestrator.driver_pids()
        self.assertEqual(len(drivers), 3)
        orchestrator.end(sig)
        harness.wait_for("end of the drivers", lambda: not any(harness.process_is_there(pid) for pid in drivers), 10)
        again = self.kafka_orchestrator(3, prefix=self.prefix, data=orchestrator.data,
                                        grpc=orchestrator.grpc, http=orchestrator.http.removeprefix("http://"))
        self.assertEqual(again.grpc, orchestrator.grpc, "the ports are free again")
        target = self.target()
        report = self.report(again, target.url + "/ping", "-n", 100, "-c", 2)
        self.assertEqual(report["totals"]["counts"]["sent"], 300)

    def test_an_orchestrator_ended_by_sigterm_leaves_nothing(self):
        self.end_leaves_nothing(signal.SIGTERM)

    def test_an_orchestrator_ended_by_sigkill_leaves_nothing(self):
        self.end_leaves_nothing(signal.SIGKILL)

    def test_a_killed_driver_is_started_again_and_its_loss_is_in_the_report(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2)
        self.assertEqual(self.loadctl("--server", orchestrator.grpc, "create", target.url + "/ping", "--delay", "5ms", "-d", "6s", "--id", "loss").returncode, 0)
        harness.wait_for("running", lambda: orchestrator.rest("/v1/loadTests/loss")["state"] == "RUNNING")
        time.sleep(1.5)  # let it report at least one interval
        os.kill(orchestrator.driver_pids()[0], signal.SIGKILL)
        harness.wait_for("end", lambda: orchestrator.rest("/v1/loadTests/loss")["state"] in ("SUCCEEDED", "FAILED", "STOPPED"), 30)
        report = orchestrator.rest("/v1/loadTests/loss/report")
        self.assertEqual(report["load_test"]["state"], "SUCCEEDED")
        self.assertEqual([d["lost"] for d in report["drivers"]].count(True), 1)
        self.assertIn(report["verdict"]["level"], ("DEGRADED", "INVALID"))
        self.assertTrue(any(r["resource"] == "driver" for r in report["verdict"]["reasons"]))
        self.assertIn("driver_lost", [e["type"] for e in report["events"]])
        harness.wait_for("both drivers idle", lambda: [d["state"] for d in orchestrator.rest("/v1/drivers")["drivers"]] == ["IDLE", "IDLE"], 20)

    def test_a_driver_has_nothing_open_of_its_orchestrator_but_the_life_line(self):
        """One that is started again, when doors, broker, bus and store are open."""
        def opened(pid):
            links = set()
            for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
                try:
                    links.add(os.readlink(entry) if int(entry.name) > 2 else "")
                except FileNotFoundError:
                    pass  # closed meanwhile
            return {link for link in links if link.startswith(("socket:", "pipe:", self.folder))}

        def is_driver(pid):
            try:
                return os.readlink(f"/proc/{pid}/exe") == str(harness.BIN / "driver")
            except OSError:
                return False

        orchestrator = self.orchestrator(1)
        first = orchestrator.driver_pids()
        os.kill(first[0], signal.SIGKILL)
        drivers = lambda: [pid for pid in orchestrator.driver_pids() if pid not in first and is_driver(pid)]
        harness.wait_for("another driver", drivers)
        of_parent = opened(orchestrator.pid)
        self.assertTrue(any(link.endswith("loadtest.db") for link in of_parent), of_parent)
        shared = of_parent & opened(drivers()[0])
        self.assertEqual([link.split(":")[0] for link in shared], ["pipe"])

    def test_history_is_there_after_a_restart(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2)
        first = self.report(orchestrator, target.url + "/ping", "-n", 50, "-c", 2, "--id", "before")
        orchestrator.end()
        again = self.kafka_orchestrator(2, prefix=self.prefix, data=orchestrator.data)
        self.assertEqual(again.rest("/v1/loadTests/before")["state"], "SUCCEEDED")
        self.assertEqual(again.rest("/v1/loadTests/before/report")["totals"]["counts"]["sent"], first["totals"]["counts"]["sent"])

    def test_the_embedded_broker_needs_nothing_and_run_local_leaves_nothing(self):
        target = self.target()
        folders = lambda: {name for name in os.listdir(tempfile.gettempdir()) if "load" in name}
        before = folders()
        done = self.loadctl("run", "--local", 2, target.url + "/ping", "-n", 500, "-c", 4)
        self.assertIn(done.returncode, (0, 4), done.stderr)
        self.assertEqual(target.received(), 1000)
        left = [p for p in pathlib.Path("/proc").iterdir() if p.name.isdigit() and self.runs_from_here(p)]
        self.assertEqual(left, [])
        self.assertEqual(folders() - before, set())

    @staticmethod
    def runs_from_here(entry):
        try:
            program = os.readlink(entry / "exe")
        except OSError:
            return False
        return program in (str(harness.BIN / "orchestrator"), str(harness.BIN / "driver")) and "--embedded" in (entry / "cmdline").read_text()

    def test_ctrl_c_stops_the_test_and_still_prints_its_report(self):
        target = self.target()
        orchestrator = self.orchestrator(1)
        child = subprocess.Popen([harness.BIN / "loadctl", "--server", orchestrator.grpc, "run", target.url + "/delay/5", "-d", "60s", "-c", "2"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        harness.wait_for("requests", lambda: target.received() > 50)
        child.send_signal(signal.SIGINT)
        stdout, stderr = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 130, stderr)
        self.assertIn("STOPPED", stdout + stderr)


if __name__ == "__main__":
    harness.main()
