"""The web page in a real browser: a test is started by the form, watched, stopped, read and compared. Needs no Kafka.

Screenshots stay in the build folder, test-output/web/.
"""

import os
import pathlib
import re

import browser
import harness

SHOTS = pathlib.Path(os.environ.get("LOADTEST_TEST_OUTPUT", harness.BIN.parent / "test-output")) / "web"
TOKEN = "0123456789abcdef-token"
PHONE = 390


class WebPage(harness.ProcessTest):
    def page(self, orchestrator, path="#/", **options):
        window = self.started(browser.Browser(self.folder, **options))
        window.open(f"{orchestrator.http}/{path}")
        return window

    def fill(self, window, target, **fields):
        window.write("[name='request.url']", target.url + "/ping")
        for name, value in fields.items():
            window.write(f"[name='{name.replace('__', '.')}']", value)

    def run_by_loadctl(self, orchestrator, target, test_id, *flags):
        done = self.loadctl("--server", orchestrator.grpc, "run", target.url + "/ping", "--id", test_id, *flags, "-q")
        self.assertIn(done.returncode, (0, 4), done.stderr)

    def assert_no_complaints(self, window):
        self.assertEqual(window.complaints(), [])

    def test_a_test_is_started_by_the_form_watched_stopped_and_its_report_opened(self):
        target, orchestrator = self.target(), self.orchestrator(2)
        window = self.page(orchestrator, "#/new")
        window.click("#f-kind-rate")
        self.fill(window, target, rate__requests_per_second="200", duration="60s", load_test_id="by-form", title="Started by the form")
        window.screenshot(SHOTS / "form.png")
        window.click("button[type=submit]")

        window.wait_text("RUNNING")
        window.wait_text("Rate now")
        harness.wait_for("chart that moves", lambda: re.search(
            r"last: completed [1-9]", window.js("return document.querySelector('.charts canvas')?.getAttribute('aria-label') ?? ''")))
        for width, dark, name in ((1280, False, "live.png"), (PHONE, False, "live-phone.png"), (1280, True, "live-dark.png")):
            window.screenshot(SHOTS / name, width, dark)
        window.usual_size()

        window.click("button.danger")
        window.accept_dialog()
        window.wait_text("STOPPED")
        window.wait_text("Latency by percentile")
        window.wait_text("stopped on the web page")
        for width, dark, name in ((1280, False, "report.png"), (PHONE, False, "report-phone.png"), (1280, True, "report-dark.png"),
                                  (PHONE, True, "report-phone-dark.png")):
            window.screenshot(SHOTS / name, width, dark)
        window.usual_size()
        report = orchestrator.rest("/v1/loadTests/by-form/report")
        self.assertEqual(report["load_test"]["spec"]["title"], "Started by the form")
        self.assertIn(f"{report['totals']['counts']['completed']:,}", window.text(".tiles"))
        self.assert_no_complaints(window)

    def test_nothing_is_judged_before_it_is_measured(self):
        target, orchestrator = self.target(), self.orchestrator(1)
        made = self.loadctl("--server", orchestrator.grpc, "create", target.url + "/ping", "--id", "warm", "--rate", 50, "-d", "60s",
                            "--warmup", "60s", "--slo", "p99<10s")
        self.assertEqual(made.returncode, 0, made.stderr)
        window = self.page(orchestrator, "#/tests/warm")
        window.wait_text("RUNNING")
        window.wait_text("NOT YET")
        self.assertNotIn("VALID", window.text())
        window.click("button.danger")
        window.accept_dialog()
        window.wait_text("STOPPED")
        window.wait_text("FAILED")  # nothing measured is not passed
        self.assert_no_complaints(window)

    def test_every_kind_of_load_can_be_started(self):
        target, orchestrator = self.target(), self.orchestrator(1)
        window = self.page(orchestrator, "#/new")
        kinds = {
            "avalanche": ({"connections": "2", "requests_per_driver": "50"}, {"avalanche": {}}),
            "tsunami": ({"tsunami__delay": "5ms", "requests_per_driver": "50"}, {"tsunami": {"delay": "0.005s"}}),
            "rate": ({"rate__requests_per_second": "100", "duration": "500ms"}, {"rate": {"requests_per_second": 100}}),
            "stages": ({"stages__stages[0]__duration": "300ms", "stages__stages[1]__duration": "300ms"},
                       {"stages": {"stages": [{"from": 0, "to": 500, "duration": "0.300s"}, {"from": 500, "to": 500, "duration": "0.300s"}]}}),
        }
        for kind, (fields, wanted) in kinds.items():
            window.open("about:blank")
            window.open(f"{orchestrator.http}/#/new")
            window.click(f"#f-kind-{kind}")
            self.fill(window, target, load_test_id=f"kind-{kind}", **fields)
            window.click("button[type=submit]")
            window.wait_text("SUCCEEDED")
            spec = orchestrator.rest(f"/v1/loadTests/kind-{kind}")["spec"]
            for key, value in wanted.items():
                self.assertEqual(spec[key], value)
        self.assert_no_complaints(window)

    def test_what_is_wrong_stands_next_to_its_field_in_the_words_of_the_api(self):
        orchestrator = self.orchestrator(1)
        window = self.page(orchestrator, "#/new")
        window.click("#f-kind-tsunami")
        window.write("[name='request.url']", "ftp://nowhere")
        window.write("[name='tsunami.delay']", "0s")
        window.write("[name='thresholds']", "p99<")
        window.click("button[type=submit]")
        harness.wait_for("problem", lambda: window.text("[id='f-request.url-problem']"))
        said = harness.get(orchestrator.http + "/v1/serverInfo")  # the page is served, so this is too
        self.assertIn("version", said)
        delay = window.text("[id='f-tsunami.delay-problem']")
        self.assertIn("got 0s, want 1us to 1h", delay)
        self.assertEqual(window.js("return document.activeElement.name"), "request.url")
        self.assertEqual(window.js("return document.querySelector(\"[name='tsunami.delay']\").getAttribute('aria-invalid')"), "true")
        window.screenshot(SHOTS / "form-problems.png", PHONE)
        window.usual_size()

    def test_history_is_filtered_and_two_tests_are_compared(self):
        target, orchestrator = self.target(), self.orchestrator(2)
        self.run_by_loadctl(orchestrator, target, "before", "--rate", "100", "-d", "3s", "--label", "team=web")
        self.run_by_loadctl(orchestrator, target, "after", "--rate", "150", "-d", "3s", "--label", "team=shop")
        window = self.page(orchestrator)
        window.wait_text("before")
        window.wait_text("after")
        window.screenshot(SHOTS / "tests.png", 1280)
        window.screenshot(SHOTS / "tests-phone-dark.png", PHONE, True)
        window.usual_size()
        window.write("#filter-labels", "team=web")
        window.press("\ue007")  # Enter
        harness.wait_for("filtered list", lambda: "after" not in window.text("tbody"))
        self.assertIn("before", window.text("tbody"))
        window.write("#filter-labels", "")
        window.press("\ue007")
        window.wait_text("after", "tbody")

        window.click("[aria-label='Compare before']")
        window.click("[aria-label='Compare after']")
        window.click(".filters button")
        window.wait_text("What else is different")
        window.wait_text("spec.rate.requests_per_second")
        self.assertIn("+50.0 %", window.text("tbody"))
        window.screenshot(SHOTS / "compare.png", 1280)
        window.screenshot(SHOTS / "compare-phone.png", PHONE)
        self.assert_no_complaints(window)

    def test_lines_that_cannot_be_read_are_named_with_all_the_rest(self):
        window = self.page(self.orchestrator(1), "#/new")
        for name, value in (("request.url", "ftp://nowhere"), ("request.headers", "foo"), ("labels", "bar"), ("load_test_id", "A")):
            window.write(f"[name='{name}']", value)
        window.click("button[type=submit]")
        for name, words in (("request.headers", 'got "foo", want Name: value'), ("labels", 'got "bar", want KEY=VALUE'),
                            ("request.url", 'got "ftp://nowhere", want http[s]://'), ("load_test_id", 'got "A", want 1 to 63')):
            window.wait_text(words, f"[id='f-{name}-problem']")

    def test_run_again_keeps_what_the_form_has_no_fields_for(self):
        target, orchestrator = self.target(), self.orchestrator(1)
        body = pathlib.Path(self.folder) / "body"
        body.write_bytes(bytes(range(256)))
        self.run_by_loadctl(orchestrator, target, "first", "--rate", "100", "-d", "200ms", "-X", "POST", "-b", f"@{body}", "-H", "X-Who: me",
                            "--arrivals", "poisson", "--seed", "7", "--connect-timeout", "3s", "--label", "team=web")
        window = self.page(orchestrator, "#/new/first")
        window.wait_text("Also as in first")
        self.assertIn("arrival_seed: 7", window.text("form"))
        window.write("[name='load_test_id']", "second")
        window.click("button[type=submit]")
        window.wait_text("SUCCEEDED")
        first, second = (orchestrator.rest(f"/v1/loadTests/{name}")["spec"] for name in ("first", "second"))
        self.assertEqual(second, first)
        self.assert_no_complaints(window)

    def test_a_long_report_is_drawn_to_its_end(self):
        target, orchestrator = self.target(), self.orchestrator(1, extra=["--set", "driver.metrics_interval=10ms"])
        self.run_by_loadctl(orchestrator, target, "long", "--rate", "100", "-d", "8s")
        intervals = len(orchestrator.rest("/v1/loadTests/long/report")["intervals"])  # about 800
        window = self.page(orchestrator, "#/tests/long")
        window.wait_text(f"Intervals ({intervals:,})")
        drawn = window.js("return import('/charts.js').then(({thinned}) => thinned([...Array(9001).keys()].map((x) => ({x, y: x === 4000 ? -1 : x % 7}))))")
        self.assertLessEqual(len(drawn), 1200)
        self.assertIn({"x": 4000, "y": -1}, drawn)
        self.assertEqual((window.text("#connection"), window.complaints()), ("", []))

    def test_addresses_that_are_none_show_the_list_or_say_so(self):
        orchestrator = self.orchestrator(0)
        window = self.page(orchestrator, "#/constructor")
        window.wait_text("None. Start one")
        window.open(f"{orchestrator.http}/#/tests/%zz")
        window.wait_text('got "loadTests/%zz"')

    def test_a_note_is_kept(self):
        target, orchestrator = self.target(), self.orchestrator(1)
        self.run_by_loadctl(orchestrator, target, "noted", "-n", "100")
        window = self.page(orchestrator, "#/tests/noted")
        window.write("#note", "before the new pool")
        window.click(".note-form button")
        window.wait_text("saved")
        self.assertEqual(orchestrator.rest("/v1/loadTests/noted")["note"], "before the new pool")

    def test_the_keyboard_alone_is_enough(self):
        target, orchestrator = self.target(), self.orchestrator(1)
        window = self.page(orchestrator, "#/new")
        window.find("[name='request.url']")
        tab, enter, down = "\ue004", "\ue007", "\ue015"
        self.assertTrue(self.tab_to(window, lambda: window.js("return document.activeElement.name") == "request.url", tab))
        window.press(target.url + "/ping")
        self.assertTrue(self.tab_to(window, lambda: window.js("return document.activeElement.name") == "kind", tab))
        window.press(down)  # Tsunami
        window.press(tab)
        window.press("5ms")
        self.assertTrue(self.tab_to(window, lambda: window.js("return document.activeElement.name") == "requests_per_driver", tab))
        window.press("20" + enter)
        window.wait_text("SUCCEEDED")
        # Every control has a name that can be read out.
        nameless = window.js("""return [...document.querySelectorAll('button, input, select, textarea, a, canvas')]
            .filter((one) => !(one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label'))).map((one) => one.outerHTML)""")
        self.assertEqual(nameless, [])

    def tab_to(self, window, there, tab):
        for _ in range(40):
            if there():
                return True
            window.press(tab)
        return False

    def test_a_telephone_shows_everything_without_scrolling_sideways(self):
        orchestrator = self.orchestrator(1)
        window = self.page(orchestrator, "#/new")
        for path, text in (("#/", "Load tests"), ("#/new", "Start the test"), ("#/drivers", "driver-1")):
            window.open("about:blank")
            window.open(f"{orchestrator.http}/{path}")
            window.devtools("Emulation.setDeviceMetricsOverride", width=PHONE, height=844, deviceScaleFactor=2, mobile=True)
            window.wait_text(text)
            self.assertLessEqual(window.js("return document.documentElement.scrollWidth"), PHONE, path)
        window.screenshot(SHOTS / "drivers-phone.png", PHONE)

    def test_the_token_is_asked_for_and_a_wrong_one_refused(self):
        token = pathlib.Path(self.folder) / "token"
        token.write_text(TOKEN + "\n")
        orchestrator = self.orchestrator(1, extra=["--token-file", token])
        window = self.page(orchestrator)
        window.write("#token", "not-the-token-at-all")
        window.click("button[type=submit]")
        window.wait_text("is not the one of this orchestrator")
        window.screenshot(SHOTS / "token.png", PHONE)
        window.usual_size()
        window.write("#token", TOKEN)
        window.click("button[type=submit]")
        window.wait_text("None. Start one")
        window.open(f"{orchestrator.http}/#/drivers")
        window.wait_text("driver-1")
        window.click("#forget-token")
        window.wait_text("answers only those who know its token")


if __name__ == "__main__":
    harness.main()
