"""Every plan file in examples/plans, run by loadctl over eight drivers. Needs no Kafka."""

import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "process"))
import harness  # noqa: E402

PLANS = harness.SOURCE / "examples" / "plans"
DRIVERS = 8

# Requests that come due with eight drivers. None: the plan ends at whichever comes first.
DUE = {
    "smoke": 20,
    "avalanche": None,
    "tsunami": 8 * 400,
    "constant_rate": 3 * 500,
    "ramp": 900,
    "many_drivers": 3 * 333,
    "slow_target": 8 * 200,
    "post_body": 2 * 200,
    "flaky": 2 * 200,
}


class PlansTest(harness.ProcessTest):
    def test_each_plan_is_known_here_and_listed_in_the_readme(self):
        self.assertEqual({plan.stem for plan in PLANS.iterdir()}, set(DUE))
        readme = (harness.SOURCE / "examples" / "README.md").read_text()
        for name in DUE:
            self.assertIn(f"plans/{name}.json", readme)

    def test_each_plan_says_what_it_shows(self):
        for path in PLANS.iterdir():
            plan = json.loads(path.read_text())
            self.assertTrue(plan["title"] and plan["description"], path)

    def test_each_plan_succeeds_and_the_target_counts_what_was_sent(self):
        target = self.target()
        orchestrator = self.orchestrator(DRIVERS)
        for name, due in DUE.items():
            with self.subTest(plan=name):
                self.run_plan(name, due, target, orchestrator)

    def run_plan(self, name, due, target, orchestrator):
        plan = json.loads((PLANS / f"{name}.json").read_text())
        url = plan["request"]["url"]
        self.assertTrue(url.startswith("http://127.0.0.1:8081/"), url)
        plan["request"]["url"] = url.replace("http://127.0.0.1:8081", target.url)
        path = pathlib.Path(self.folder) / f"{name}.json"
        path.write_text(json.dumps(plan))

        received_before = target.received()
        report = self.report(orchestrator, path)
        test, counts = report["load_test"], report["totals"]["counts"]
        self.assertEqual(test["state"], "SUCCEEDED", test["state_reason"])
        self.assertEqual(len(test["assignments"]), plan.get("drivers", DRIVERS))
        self.assert_adds_up(counts)
        if due is not None:
            self.assertEqual(counts["due"], due)
        self.assertGreater(counts["sent"], 0)
        self.assertEqual(counts["completed"], counts["sent"])
        # Numbers of 64 bits are texts in protobuf's JSON, and left out when they are 0.
        of_warmup = int(report["totals"].get("warmup", {}).get("sent", 0))
        self.assertEqual(of_warmup > 0, "warmup" in plan)
        self.assertEqual(target.received() - received_before, counts["sent"] + of_warmup)
        self.assertLess(report["sending_seconds"], 5)


if __name__ == "__main__":
    harness.main()
