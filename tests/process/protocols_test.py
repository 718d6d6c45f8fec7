"""https and HTTP/2 against nginx: what its log says is what the report says."""

import pathlib
import subprocess

import harness


class ProtocolsTest(harness.ProcessTest):
    def setUp(self):
        super().setUp()
        self.cluster = self.orchestrator(1)

    def certificate(self, name, *extra, subject="/CN=localhost", names="DNS:localhost,IP:127.0.0.1"):
        """Makes NAME.pem and NAME.key in the test's folder, self-signed."""
        base = pathlib.Path(self.folder) / name
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{base}.key", "-out", f"{base}.pem",
                        "-days", "2", "-subj", subject, "-addext", f"subjectAltName={names}", *extra], check=True, capture_output=True)
        return f"{base}.pem", f"{base}.key"

    def tls_nginx(self, listen="ssl", server="", certificate=None, **options):
        pem, key = certificate or self.certificate("server")
        self.pem = pem
        return self.nginx(listen=listen, server=f"ssl_certificate {pem}; ssl_certificate_key {key}; {server}", **options)

    def run_test(self, nginx, *args, codes=(0, 4)):
        return self.report(self.cluster, nginx.url + "/", *args, codes=codes)

    def assert_failed_with(self, nginx, kind, words, *args):
        report = self.run_test(nginx, "-d", "300ms", "--delay", "50ms", *args, codes=(5,))
        errors = report["totals"]["errors"]
        self.assertEqual([e["kind"] for e in errors], [kind], errors)
        for word in words:
            self.assertIn(word, errors[0]["example"])
        self.assert_adds_up(report["totals"]["counts"])

    def assert_all_arrived(self, nginx, report, requests, protocol):
        counts = report["totals"]["counts"]
        self.assertEqual((counts["sent"], counts["completed"]), (requests, requests), report["totals"].get("errors"))
        nginx.end()
        log = nginx.log_fields()
        self.assertEqual(len(log), requests)
        self.assertEqual({protocol}, {fields[2] for fields in log})

    def test_https_verifies_and_counts(self):
        for version in ("1.2", "1.3"):
            nginx = self.tls_nginx(server="ssl_protocols TLSv1.2 TLSv1.3;")
            report = self.run_test(nginx, "-n", 3000, "-c", 8, "--cacert", self.pem, "--tls-min", version, "--tls-max", version)
            self.assert_all_arrived(nginx, report, 3000, "HTTP/1.1")
            tls = report["manifest"]["drivers"][0]["tls"]
            self.assertIn(f"TLSv{version}", tls)
            self.assertIn("certificate verified", tls)
            self.assertEqual(report["phases"]["tls"]["count"], 8)

    def test_a_certificate_that_is_not_trusted_is_refused(self):
        nginx = self.tls_nginx()
        self.assert_failed_with(nginx, "CERTIFICATE_REJECTED", ["signed by nobody who is trusted", "--cacert", "-k"])
        report = self.run_test(nginx, "-n", 100, "-k")
        self.assertEqual(report["totals"]["counts"]["completed"], 100)
        self.assertIn("NOT verified", report["manifest"]["drivers"][0]["tls"])

    def test_a_certificate_for_another_name_is_refused(self):
        nginx = self.tls_nginx(certificate=self.certificate("other", names="DNS:other.example"))
        self.assert_failed_with(nginx, "CERTIFICATE_REJECTED", ["is for other.example", "want 127.0.0.1"], "--cacert", self.pem)
        report = self.run_test(nginx, "-n", 100, "--cacert", self.pem, "--server-name", "other.example")
        self.assertEqual(report["totals"]["counts"]["completed"], 100)

    def test_a_certificate_that_has_expired_is_refused(self):
        pem, key = self.certificate("old")
        request = subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                                 check=True, capture_output=True).stdout
        subprocess.run(["openssl", "x509", "-req", "-signkey", key, "-days", "-1", "-copy_extensions", "copy", "-out", pem],
                       input=request, check=True, capture_output=True)
        nginx = self.tls_nginx(certificate=(pem, key))
        self.assert_failed_with(nginx, "CERTIFICATE_REJECTED", ["has expired"], "--cacert", self.pem)

    def test_a_client_certificate_is_shown_and_its_key_is_not(self):
        pem, key = self.certificate("client", subject="/CN=client")
        nginx = self.tls_nginx(server=f"ssl_client_certificate {pem}; ssl_verify_client on;")
        report = self.run_test(nginx, "-n", 200, "--cacert", self.pem, "--cert", pem, "--key", key)
        self.assertEqual(report["totals"]["status_codes"], {"200": 200})
        self.assertNotIn("PRIVATE KEY", str(report))
        self.assertNotIn("PRIVATE KEY", str(self.cluster.rest("/v1/loadTests")))
        without = self.run_test(nginx, "-n", 10, "--cacert", self.pem, codes=(0, 4, 5))
        self.assertEqual(without["totals"]["status_codes"], {"400": 10})

    def test_sessions_are_resumed(self):
        for version in ("1.2", "1.3"):
            nginx = self.tls_nginx(server="ssl_session_cache shared:s:1m; ssl_protocols TLSv1.2 TLSv1.3;", keepalive_requests=1)
            report = self.run_test(nginx, "-n", 200, "-c", 1, "--cacert", self.pem, "--tls-max", version, "--tls-min", version)
            self.assertGreater(report["totals"]["tls_resumed"], 150)
            full = self.run_test(nginx, "-n", 50, "-c", 1, "--cacert", self.pem, "--tls-max", version, "--no-tls-resumption")
            self.assertEqual(full["totals"].get("tls_resumed", 0), 0)

    def test_tls_to_a_clear_port_and_clear_text_to_a_tls_port(self):
        clear = self.nginx()
        clear.url = clear.url.replace("http:", "https:")
        self.assert_failed_with(clear, "TLS_FAILED", ["no TLS"])
        secure = self.tls_nginx()
        secure.url = secure.url.replace("https:", "http:")
        report = self.run_test(secure, "-n", 10, codes=(5,))
        self.assertEqual(report["totals"]["status_codes"], {"400": 10})

    def test_bodies_arrive_whole_over_tls_and_http2(self):
        body = pathlib.Path(self.folder) / "body"
        body.write_bytes(b"x" * 400_000)
        target = self.target()
        for listen, flags in (("ssl", []), ("ssl http2", ["--http2", "--streams", "4"])):
            # A server that only answers does not read bodies; this one passes them on to one that refuses the method.
            nginx = self.tls_nginx(listen=listen, server=f"location /ping {{ proxy_pass {target.url}; proxy_request_buffering off; proxy_http_version 1.1; }}")
            report = self.report(self.cluster, nginx.url + "/ping", "-n", 50, "-c", 4, "--cacert", self.pem, "-b", f"@{body}", *flags, codes=(0, 4, 5))
            self.assertEqual(report["totals"]["counts"]["completed"], 50, report["totals"].get("errors"))
            self.assertGreater(report["totals"]["bytes_sent"], 50 * 400_000)
            nginx.end()
            for status, length, protocol, method in nginx.log_fields():
                self.assertGreater(int(length), 400_000, (status, protocol, method))

    def test_http2_over_tls_and_in_clear_text(self):
        for nginx, flags in ((self.tls_nginx(listen="ssl http2"), ["--cacert", self.pem]), (self.nginx(listen="http2"), [])):
            report = self.run_test(nginx, "-n", 5000, "-c", 4, "--http2", "--streams", 16, *flags)
            self.assert_all_arrived(nginx, report, 5000, "HTTP/2.0")
            self.assertEqual(report["totals"]["connects"], 4)

    def test_no_request_is_lost_or_doubled_when_the_server_ends_http2_connections(self):
        nginx = self.nginx(listen="http2", keepalive_requests=100)
        report = self.run_test(nginx, "-n", 5000, "-c", 4, "--http2", "--streams", 16)
        self.assert_all_arrived(nginx, report, 5000, "HTTP/2.0")
        self.assertGreater(report["totals"]["connects"], 40)

    def test_http2_where_there_is_none(self):
        self.assert_failed_with(self.tls_nginx(), "HTTP2_NOT_OFFERED", ["HTTP/2"], "--cacert", self.pem, "--http2")
        self.assert_failed_with(self.nginx(), "HTTP2_NOT_OFFERED", ["HTTP/2"], "--http2")

    def test_more_streams_than_the_server_allows_are_an_error_that_says_so(self):
        nginx = self.nginx(listen="http2", server="http2_max_concurrent_streams 8;")
        report = self.run_test(nginx, "-d", "500ms", "-c", 1, "--http2", "--streams", 10, codes=(0, 4))
        self.assertIn("allows 8 streams", report["totals"]["errors"][0]["example"])


if __name__ == "__main__":
    harness.main()
