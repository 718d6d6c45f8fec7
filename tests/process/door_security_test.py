"""Wrong tokens, certificates and origins at both doors of a real orchestrator. Needs no Kafka."""

import http.client
import json
import pathlib
import ssl
import subprocess
import threading
import time
import warnings

import harness
from certificates import Authority

TOKEN = "0123456789abcdef-token"


class Door(harness.ProcessTest):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.folder)
        self.token_file = pathlib.Path(self.folder) / "token"
        self.token_file.write_text(TOKEN + "\n")

    def secured(self, *extra, drivers=1, **options):
        """An orchestrator with TLS."""
        pem, key = self.authority.issue("server")
        return self.orchestrator(drivers, extra=["--tls-cert", pem, "--tls-key", key, *extra], **options)

    def rest(self, orchestrator, path="/v1/drivers", method="GET", token=TOKEN, context=None, headers=None, body=None):
        """(code, headers, body) over TLS; OSError when there is no connection."""
        if context is None:
            context = ssl.create_default_context(cafile=self.authority.pem)
        host = orchestrator.http.removeprefix("http://")
        connection = http.client.HTTPSConnection(host, context=context, timeout=20)
        all_headers = dict(headers or {})
        if token:
            all_headers["Authorization"] = f"Bearer {token}"
        try:
            connection.request(method, path, body=body, headers=all_headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    def drivers(self, orchestrator, *flags, env=None):
        return self.loadctl("--server", orchestrator.grpc, "drivers", "-o", "json", *flags, env=env)

    def refused(self, *args, **env):
        """Starts an orchestrator that must not come up; what it says."""
        for flag in ("--grpc", "--http"):
            if flag not in args:
                args = (flag, "127.0.0.1:0", *args)
        done = subprocess.run([str(harness.BIN / "orchestrator"), "0", *[str(a) for a in args]], capture_output=True, text=True,
                              timeout=20, cwd=self.folder, check=False, env={**harness.os.environ, **env})
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr


class TokenAndTls(Door):
    def test_both_doors_open_to_the_token_and_to_nothing_else(self):
        orchestrator = self.secured("--token-file", self.token_file)
        self.assertEqual(self.rest(orchestrator)[0], 200)
        good = self.drivers(orchestrator, "--server-cacert", self.authority.pem, "--token-file", self.token_file)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertEqual(len(json.loads(good.stdout)["drivers"]), 1)
        by_environment = self.drivers(orchestrator, env={"LOADTEST_TOKEN": TOKEN, "LOADTEST_SERVER_CACERT": str(self.authority.pem)})
        self.assertEqual(by_environment.returncode, 0, by_environment.stderr)

        for token, words in (("", "got none"), (TOKEN + "x", "is not the one"), (TOKEN[:-1], "is not the one")):
            code, headers, body = self.rest(orchestrator, token=token)
            self.assertEqual((code, json.loads(body)["error"]["status"]), (401, "UNAUTHENTICATED"))
            self.assertIn(words, body)
            self.assertIn("Bearer", headers["WWW-Authenticate"])
            called = self.drivers(orchestrator, "--server-cacert", self.authority.pem, env={"LOADTEST_TOKEN": token} if token else {})
            self.assertEqual(called.returncode, 2, called.stdout)
            self.assertIn(words, called.stderr)
        for path, method in (("/v1/loadTests", "POST"), ("/v1/loadTests/a:watch", "GET"), ("/v1/loadTests/a", "DELETE"),
                             ("/v1/loadTests/a", "PATCH"), ("/v1/serverInfo", "GET"), ("/metrics", "GET")):
            self.assertEqual(self.rest(orchestrator, path, method, token="wrong")[0], 401, path)
        for path in ("/healthz", "/", "/app.js", "/openapi.json"):
            self.assertEqual(self.rest(orchestrator, path, token="")[0], 200, path)
        self.assertNotIn(TOKEN, orchestrator.output())

    def test_other_authorities_and_plain_text_do_not_come_to_the_door(self):
        orchestrator = self.secured("--token-file", self.token_file)
        other = Authority(self.folder, "other")
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.rest(orchestrator, context=ssl.create_default_context(cafile=other.pem))
        wrong = self.drivers(orchestrator, "--server-cacert", other.pem, "--token-file", self.token_file)
        self.assertEqual(wrong.returncode, 7, wrong.stdout)
        plain = self.drivers(orchestrator, "--token-file", self.token_file)
        self.assertEqual(plain.returncode, 7, plain.stdout)
        connection = http.client.HTTPConnection(orchestrator.http.removeprefix("http://"), timeout=20)
        with self.assertRaises((http.client.HTTPException, OSError)):
            connection.request("GET", "/healthz")
            connection.getresponse()
        old = ssl.create_default_context(cafile=self.authority.pem)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises(OSError):
            self.rest(orchestrator, context=old)
        self.assertEqual(self.rest(orchestrator)[0], 200)

    def test_a_client_certificate_is_wanted_by_both_doors(self):
        orchestrator = self.secured("--set", f"orchestrator.tls_client_ca_file={self.authority.pem}")
        pem, key = self.authority.issue("client")
        stranger = Authority(self.folder, "stranger").issue("strange-client")

        def context(certificate=None):
            made = ssl.create_default_context(cafile=self.authority.pem)
            if certificate:
                made.load_cert_chain(*certificate)
            return made

        self.assertEqual(self.rest(orchestrator, token="", context=context((pem, key)))[0], 200)
        for certificate in (None, stranger):
            with self.assertRaises(OSError):
                self.rest(orchestrator, token="", context=context(certificate))
        ca = ("--server-cacert", self.authority.pem)
        good = self.drivers(orchestrator, *ca, "--server-cert", pem, "--server-key", key)
        self.assertEqual(good.returncode, 0, good.stderr)
        for flags in ((), ("--server-cert", stranger[0], "--server-key", stranger[1])):
            self.assertEqual(self.drivers(orchestrator, *ca, *flags).returncode, 7)

    def test_loadctl_says_what_to_do_when_tls_does_not_come_about(self):
        ca = ("--server-cacert", self.authority.pem)
        elsewhere = self.authority.issue("elsewhere", "DNS:elsewhere.example")
        tls, plain = self.secured(), self.orchestrator(0)
        other_name = self.orchestrator(0, extra=["--tls-cert", elsewhere[0], "--tls-key", elsewhere[1]])
        picky = self.secured("--set", f"orchestrator.tls_client_ca_file={self.authority.pem}", drivers=0)
        for server, flags, words in (
                (tls.grpc, (), "if it speaks TLS: --server-cacert FILE, or --server-tls"),
                (tls.grpc, ("--server-tls",), "want in --server-cacert FILE the authority that signed its certificate"),
                (plain.grpc, ca, "speaks no TLS: leave out --server-tls and --server-cacert"),
                (other_name.grpc, ca, "want in --server a name or address that its certificate has"),
                (picky.grpc, ca, "if it wants a client certificate: --server-cert FILE --server-key FILE"),
                (tls.http.removeprefix("http://"), ca, "want the gRPC address, not that of REST"),
                ("127.0.0.1:1", (), "start it with: orchestrator 2")):
            said = self.loadctl("--server", server, "ls", *flags)
            self.assertEqual(said.returncode, 7, said.stderr)
            self.assertTrue(said.stderr.rstrip().endswith(words), said.stderr)

    def test_a_token_on_loopback_needs_no_tls(self):
        orchestrator = self.orchestrator(1, extra=["--token-file", self.token_file])
        self.assertEqual(json.loads(harness.get(orchestrator.http + "/v1/drivers"))["error"]["code"], 401)
        self.assertEqual(self.drivers(orchestrator).returncode, 2)
        self.assertEqual(self.drivers(orchestrator, "--token-file", self.token_file).returncode, 0)

    def test_event_streams_over_tls_all_come_to_their_end_under_load(self):
        target = self.target()
        orchestrator = self.secured("--token-file", self.token_file, drivers=2)
        made = self.rest(orchestrator, "/v1/loadTests?load_test_id=watched", "POST", headers={"Content-Type": "application/json"},
                         body=json.dumps({"request": {"url": target.url + "/ping"}, "rate": {"requests_per_second": 500}, "duration": "3s"}))
        self.assertEqual(made[0], 200, made[2])
        streams, others = [], []

        def watch():
            streams.append(self.rest(orchestrator, "/v1/loadTests/watched:watch"))

        def ask():
            until = time.monotonic() + 3
            while time.monotonic() < until:
                others.append(self.rest(orchestrator)[0])

        threads = [threading.Thread(target=watch) for _ in range(40)] + [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(len(streams), 40)
        for code, _, body in streams:
            self.assertEqual(code, 200)
            events = [event.split("\n") for event in body.strip().split("\n\n") if event.startswith("event: ")]
            self.assertEqual(events[-1], ["event: end", "data: {}"])
            last = json.loads(events[-2][1].removeprefix("data: "))
            self.assertEqual((last["load_test"]["state"], last["totals"]["sent"]), ("SUCCEEDED", 1500))
        self.assertTrue(others and set(others) == {200}, others)


class Exposure(Door):
    def test_an_address_that_others_reach_needs_tls_and_a_token_or_the_word_insecure(self):
        pem, key = self.authority.issue("server", "IP:0.0.0.0,IP:127.0.0.1")
        said = self.refused("--http", "0.0.0.0:0")
        self.assertIn("orchestrator.http_address: got 0.0.0.0:0, which other hosts can reach: that needs TLS", said)
        self.assertIn("--insecure", said)
        self.assertIn("that needs a token", self.refused("--grpc", "0.0.0.0:0", "--tls-cert", pem, "--tls-key", key))
        self.assertIn("that needs TLS", self.refused("--grpc", "0.0.0.0:0", "--token-file", self.token_file))
        for extra in (["--insecure"], ["--tls-cert", pem, "--tls-key", key, "--token-file", self.token_file],
                      ["--tls-cert", pem, "--tls-key", key, "--set", f"orchestrator.tls_client_ca_file={self.authority.pem}"]):
            self.orchestrator(0, grpc="0.0.0.0:0", http="0.0.0.0:0", extra=extra).end()

    def test_what_is_wrong_with_the_settings_is_named_and_secrets_are_not(self):
        pem, key = self.authority.issue("server")
        other_key = self.authority.issue("other-server")[1]
        short = pathlib.Path(self.folder) / "short"
        short.write_text("tiny-secret\n")
        for args, words in ((["--tls-cert", pem], "orchestrator.tls_key_file: is empty, want the private key"), (["--tls-key", key], "orchestrator.tls_certificate_file"),
                            (["--tls-cert", pem, "--tls-key", other_key], "orchestrator.tls_key_file: cannot be used"),
                            (["--tls-cert", key, "--tls-key", key], "orchestrator.tls_certificate_file: cannot be used"),
                            (["--token-file", self.folder + "/nowhere"], "orchestrator.token_file: cannot read"),
                            (["--token-file", short], "got 11 characters, want at least 16")):
            said = self.refused(*args)
            self.assertIn(words, said)
            self.assertNotIn("tiny-secret", said)

    def test_secrets_come_from_the_environment_and_are_never_printed(self):
        env = {"LOADTEST_ORCHESTRATOR_TOKEN": TOKEN, "LOADTEST_KAFKA_SASL_PASSWORD": "kafka-secret"}
        for program in ("orchestrator", "driver"):
            done = subprocess.run([str(harness.BIN / program), "--print_config"], capture_output=True, text=True, timeout=20,
                                  env={**harness.os.environ, **env}, cwd=self.folder, check=True)
            printed = json.loads(done.stdout)
            self.assertEqual((printed["orchestrator"]["token"], printed["kafka"]["sasl_password"]), ("***", "***"))
            self.assertNotIn(TOKEN, done.stdout)
        by_environment = self.started(WithEnvironment(self.folder, env))
        self.assertEqual(json.loads(harness.get(by_environment.http + "/v1/drivers"))["error"]["code"], 401)
        for path in by_environment.data.iterdir():
            self.assertNotIn(TOKEN.encode(), path.read_bytes(), path)
            if b"kafka-secret" in path.read_bytes():
                self.assertEqual(path.stat().st_mode & 0o077, 0, path)


class ClientsKey(Door):
    def test_a_clients_key_is_shown_nowhere(self):
        pem, key = self.authority.issue("caller")
        secret = key.read_text().splitlines()[1]
        orchestrator = self.orchestrator(1)
        self.assertIn(secret.encode(), key.read_bytes())
        said = []

        def loadctl(*args):
            done = self.loadctl("--server", orchestrator.grpc, *args)
            said.append(done.stdout + done.stderr)
            return done

        nobody = f"https://127.0.0.1:{harness.free_port()}/"
        loadctl("run", nobody, "--id", "keyed", "-n", "1", "-c", "1", "--cert", pem, "--key", key)
        self.assertIn('"client_key": "(not shown)"', loadctl("get", "keyed", "-o", "json").stdout)
        for form in ("table", "json", "csv", "junit", "html"):
            loadctl("report", "keyed", "-o", form)
        loadctl("ls", "-o", "json")
        loadctl("diff", "keyed", "keyed")
        tail = loadctl("tail", "trigger", "--from", "begin", "--kafka", orchestrator.kafka, "-n", "2")
        self.assertIn("(not shown)", tail.stdout, tail.stderr)
        for path in ("", "/keyed", "/keyed/report", "/keyed:watch"):
            said.append(harness.get(f"{orchestrator.http}/v1/loadTests{path}"))
        said.append(orchestrator.output())
        for pid in (orchestrator.pid, *orchestrator.driver_pids()):
            said.append(pathlib.Path(f"/proc/{pid}/cmdline").read_text())
        self.assertEqual([text for text in said if secret in text], [])
        # It has to lie in the store as it is, which is nobody else's to read.
        for path in orchestrator.data.glob("loadtest.db*"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


class WithEnvironment(harness.Orchestrator):
    def __init__(self, folder, env):
        saved = {name: harness.os.environ.get(name) for name in env}
        harness.os.environ.update(env)
        try:
            super().__init__(folder, 1)
        finally:
            for name, value in saved.items():
                if value is None:
                    del harness.os.environ[name]
                else:
                    harness.os.environ[name] = value


class Pages(Door):
    def answer(self, orchestrator, method="GET", **headers):
        connection = http.client.HTTPConnection(orchestrator.http.removeprefix("http://"), timeout=20)
        connection.putrequest(method, "/v1/loadTests", skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        self.addCleanup(connection.close)
        answer = connection.getresponse()
        answer.read()
        return answer

    def test_pages_of_other_sites_are_refused(self):
        orchestrator = self.orchestrator(0)
        self.assertEqual(self.answer(orchestrator).status, 200)
        self.assertEqual(self.answer(orchestrator, Host="evil.example").status, 403)
        for origin in ("http://evil.example", "null"):
            self.assertEqual(self.answer(orchestrator, "POST", Origin=origin).status, 403)

    def test_an_insecure_door_on_all_addresses_still_knows_its_own_names_only(self):
        orchestrator = self.orchestrator(0, grpc="0.0.0.0:0", http="0.0.0.0:0", extra=["--insecure"])
        orchestrator.http = orchestrator.http.replace("0.0.0.0", "127.0.0.1")
        for host, code in (("192.0.2.7:80", 200), ("localhost", 200), ("evil.example", 403)):
            self.assertEqual(self.answer(orchestrator, Host=host).status, code, host)

    def test_browsers_are_told_to_run_nothing_but_the_page_itself(self):
        orchestrator = self.orchestrator(0)
        page = harness.urllib.request.urlopen(orchestrator.http + "/", timeout=20)
        self.addCleanup(page.close)
        self.assertIn("default-src 'self'", page.headers["Content-Security-Policy"])
        self.assertNotIn("unsafe", page.headers["Content-Security-Policy"])
        self.assertEqual(page.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(page.headers["X-Frame-Options"], "DENY")
        text = page.read().decode()
        self.assertNotRegex(text, r"<script(?![^>]*src=)[^>]*>")
        self.assertNotRegex(text, r"\son[a-z]+=|style=")


if __name__ == "__main__":
    harness.main()
