"""The store under a real orchestrator: a full disk, another Kafka, retention; and 256 watchers with one that never reads."""

import resource
import subprocess
import time

import harness


class StoreTest(harness.ProcessTest):
    def test_a_disk_that_is_full_for_a_while_loses_nothing_and_is_named(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2)
        create = ["--server", orchestrator.grpc, "create", target.url + "/ping", "--delay", "5ms"]
        self.assertEqual(self.loadctl(*create, "-d", "8s", "--id", "full").returncode, 0)
        harness.wait_for("running", lambda: orchestrator.rest("/v1/loadTests/full")["state"] == "RUNNING")
        before = resource.prlimit(orchestrator.pid, resource.RLIMIT_FSIZE, (16_384, resource.RLIM_INFINITY))
        harness.wait_for("complaint", lambda: "the store cannot be written: loadtest.db: " in orchestrator.output())
        refused = self.loadctl(*create, "-d", "1s")
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertRegex(refused.stderr, r"loadctl: the store cannot be written: loadtest\.db: .*free some")
        self.assertEqual(orchestrator.rest("/v1/loadTests/full")["state"], "RUNNING", "the test goes on")
        time.sleep(2)  # intervals that have to wait
        resource.prlimit(orchestrator.pid, resource.RLIMIT_FSIZE, before)
        harness.wait_for("end", lambda: orchestrator.rest("/v1/loadTests/full")["state"] == "SUCCEEDED", 30)
        self.assertIn("the store can be written again; nothing was lost", orchestrator.output())
        sent = orchestrator.rest("/v1/loadTests/full/report")["totals"]["counts"]["sent"]
        self.assertEqual(sent, target.received())
        orchestrator.end()
        again = self.kafka_orchestrator(0, prefix=self.prefix, data=orchestrator.data)
        self.assertEqual(again.rest("/v1/loadTests/full/report")["totals"]["counts"]["sent"], sent)

    def test_a_data_folder_of_other_topics_is_noticed_and_its_history_is_kept(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(1)
        first = self.report(orchestrator, target.url + "/ping", "-n", 20, "-c", 2, "--id", "here")
        orchestrator.end()
        other = self.kafka_orchestrator(1, data=orchestrator.data)
        self.assertIn("the data folder was last used with another Kafka", other.output())
        self.assertEqual(other.rest("/v1/loadTests/here/report")["totals"]["counts"]["sent"], first["totals"]["counts"]["sent"])
        self.assertEqual(self.report(other, target.url + "/ping", "-n", 20, "-c", 2)["totals"]["counts"]["sent"], 20)
        other.end()
        again = self.kafka_orchestrator(0, prefix=self.prefix, data=orchestrator.data)
        self.assertNotIn("another Kafka", again.output()[len(other.output()):])

    def test_tests_are_deleted_by_count_and_by_hand(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(1, extra=["--set", "orchestrator.keep_tests=2"])
        for name in ("a", "b", "c", "d"):
            self.report(orchestrator, target.url + "/ping", "-n", 5, "-c", 1, "--id", name)
        names = lambda: sorted(t["name"] for t in orchestrator.rest("/v1/loadTests").get("load_tests", []))
        harness.wait_for("the two newest alone", lambda: names() == ["loadTests/c", "loadTests/d"])
        removed = self.loadctl("--server", orchestrator.grpc, "rm", "--older-than", "0s", "--yes")
        self.assertEqual((removed.returncode, removed.stderr), (0, "2 tests are deleted\n"))
        self.assertEqual(names(), [])

    def test_256_watchers_see_the_end_and_one_that_never_reads_holds_nobody_up(self):
        orchestrator = self.kafka_orchestrator(0)
        done = subprocess.run([harness.BIN / "scale_drivers", "--kafka", harness.kafka_address(), "--prefix", self.prefix, "--server",
                               orchestrator.grpc, "--drivers", "10", "--seconds", "4", "--requests", "50", "--watchers", "257"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("256 of 256 reading watchers saw the end", done.stdout)
        self.assertIn("reports sent 40, received 40, missing 0; requests reported 2000, in the report 2000", done.stdout)


if __name__ == "__main__":
    harness.main()
