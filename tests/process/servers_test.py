"""The servers that people have: what the report counts is what the server's own log has, to one.

Each in clear text and with TLS, in closed and open loop, by HTTP/2 where it speaks it, and with few requests a connection where
that can be set."""

import pathlib
import subprocess

import harness
import web_servers


class ServersTest(harness.ProcessTest):
    def setUp(self):
        super().setUp()
        self.cluster = self.orchestrator(1)
        base = pathlib.Path(self.folder) / "server"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{base}.key", "-out", f"{base}.pem", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        self.tls = (f"{base}.pem", f"{base}.key")

    def assert_counts(self, kind, tls=False, http2=False, limit=0, requests=2000, connections=8):
        with self.subTest(server=kind.__name__, tls=tls, http2=http2, limit=limit):
            server = self.started(kind(self.folder, tls=self.tls if tls else None, http2=http2, limit=limit))
            flags = (["--cacert", self.tls[0]] if tls else []) + (["--http2", "--streams", 4] if http2 else [])
            total = 0
            for load in (["-n", requests, "-c", connections], ["-n", 200, "--delay", "2ms", "-c", connections]):
                report = self.report(self.cluster, server.url, *load, *flags)
                totals = report["totals"]
                sent = totals["counts"]["sent"]
                self.assertEqual(totals["status_codes"], {"200": sent}, totals.get("errors"))
                self.assertEqual(totals["counts"]["completed"], sent, totals.get("errors"))
                self.assert_adds_up(totals["counts"])
                if limit:  # to some the first request does not count
                    self.assertGreaterEqual(totals["connects"], sent // (limit + 1))
                total += sent
            self.assertEqual(server.counted(total), total)

    def test_nginx(self):
        for tls in (False, True):
            self.assert_counts(web_servers.Nginx, tls)
            self.assert_counts(web_servers.Nginx, tls, limit=7)
            self.assert_counts(web_servers.Nginx, tls, http2=True)
            self.assert_counts(web_servers.Nginx, tls, http2=True, limit=50)

    def test_apache(self):
        for tls in (False, True):
            self.assert_counts(web_servers.Apache, tls)
            self.assert_counts(web_servers.Apache, tls, limit=7)
            self.assert_counts(web_servers.Apache, tls, http2=True)

    def test_lighttpd(self):
        for tls in (False, True):
            self.assert_counts(web_servers.Lighttpd, tls)
            self.assert_counts(web_servers.Lighttpd, tls, limit=7)
            self.assert_counts(web_servers.Lighttpd, tls, http2=True)

    def test_haproxy(self):
        for tls in (False, True):
            self.assert_counts(web_servers.Haproxy, tls)
            self.assert_counts(web_servers.Haproxy, tls, limit=1, requests=500)
            self.assert_counts(web_servers.Haproxy, tls, http2=True)

    def test_h2o(self):
        for tls in (False, True):
            self.assert_counts(web_servers.H2o, tls)
            self.assert_counts(web_servers.H2o, tls, http2=True)

    def test_node(self):
        for tls in (False, True):
            self.assert_counts(web_servers.Node, tls)
            self.assert_counts(web_servers.Node, tls, limit=7)
            self.assert_counts(web_servers.Node, tls, http2=True)

    def test_python(self):
        for tls in (False, True):
            # Its second write of a response waits for the acknowledgement of the first (see docs/performance.md).
            self.assert_counts(web_servers.Python, tls, requests=200, connections=4)
            self.assert_counts(web_servers.OldPython, tls, limit=1, requests=200, connections=4)

    def test_a_client_certificate_that_is_wanted_and_missing_is_a_tls_failure(self):
        server = self.started(web_servers.HaproxyWithClientCertificates(self.folder, tls=self.tls))
        for version in ("1.2", "1.3"):
            report = self.report(self.cluster, server.url, "-d", "300ms", "--delay", "20ms", "--cacert", self.tls[0], "--tls-min", version,
                                 "--tls-max", version, codes=(5,))
            errors = report["totals"]["errors"]
            self.assertEqual([e["kind"] for e in errors], ["TLS_FAILED"], errors)
            self.assertIn("the server wants a client certificate; give --cert and --key", errors[0]["example"])
        report = self.report(self.cluster, server.url, "-n", 100, "--cacert", self.tls[0], "--cert", self.tls[0], "--key", self.tls[1])
        self.assertEqual(report["totals"]["status_codes"], {"200": 100})


if __name__ == "__main__":
    harness.main()
