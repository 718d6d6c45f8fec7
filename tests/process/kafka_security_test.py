"""The whole system over brokers that want TLS and a password or a client certificate. Starts brokers of its own with tools/kafka."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import uuid

import harness

# SCRAM of librdkafka before 2.6.1 does not work with newer ones.
LAST_WITH_SCRAM = "3.9.1"


class SecureKafka:
    """A broker with `up --secure`, in a folder of its own."""

    def __init__(self, version=None):
        self.folder = tempfile.mkdtemp(prefix="loadtest-kafka-")
        self.env = {**os.environ, "KAFKA_RUN": self.folder, **({"KAFKA_VERSION": version} if version else {})}
        done = self.kafka("up", "--secure", "--port", str(harness.free_kafka_port()))
        if done.returncode:
            self.close()
            raise AssertionError(f"tools/kafka up --secure: {done.stderr}")
        self.addresses = dict(line.split("=", 1) for line in done.stdout.split())
        self.secrets = pathlib.Path(self.addresses["secrets"])
        self.password = (self.secrets / "password").read_text().strip()

    def kafka(self, *args):
        return subprocess.run([harness.SOURCE / "tools" / "kafka", *args], env=self.env, capture_output=True, text=True, timeout=280,
                              check=False)

    def close(self):
        self.kafka("wipe")
        shutil.rmtree(self.folder, ignore_errors=True)


class Secured(harness.ProcessTest):
    version = None

    @classmethod
    def setUpClass(cls):
        cls.kafka = SecureKafka(cls.version)
        cls.addClassCleanup(cls.kafka.close)

    def config(self, address, **kafka):
        """config.json of every program."""
        path = pathlib.Path(self.folder) / f"config-{uuid.uuid4().hex[:6]}.json"
        self.prefix = f"t{uuid.uuid4().hex[:8]}."
        path.write_text(json.dumps({"kafka": {"bootstrap_servers": self.kafka.addresses[address], "topic_prefix": self.prefix,
                                              "ssl_ca_file": str(self.kafka.secrets / "ca.pem"), **kafka}}))
        return path

    def sasl(self, mechanism, password_file=None):
        return self.config("sasl", security_protocol="sasl_ssl", sasl_mechanism=mechanism, sasl_username="loadtest",
                           sasl_password_file=str(password_file or self.kafka.secrets / "password"))

    def mtls(self):
        return self.config("mtls", security_protocol="ssl", ssl_certificate_file=str(self.kafka.secrets / "client.pem"),
                           ssl_key_file=str(self.kafka.secrets / "client.key"))

    def run_a_test_over(self, config):
        target = self.target()
        address = json.loads(config.read_text())["kafka"]["bootstrap_servers"]
        orchestrator = self.orchestrator(2, kafka=address, extra=["--config", config])
        report = self.report(orchestrator, target.url + "/ping", "-n", 200, "-c", 4)
        self.assertEqual(report["totals"]["counts"]["completed"], 400)
        tail = self.loadctl("tail", "metrics", "--from", "begin", "--once", "--config", config)
        self.assertIn('"driver_id"', tail.stdout, tail.stderr)
        self.assertNotIn(self.kafka.password, orchestrator.output() + tail.stdout)

    def refused(self, config, env=None):
        """What each program says of a broker that does not let it in."""
        said = []
        for program in (["orchestrator", "0", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"], ["driver"]):
            done = subprocess.run([str(harness.BIN / program[0]), *program[1:], "--config", str(config)], capture_output=True, text=True, timeout=60,
                                  cwd=self.folder, check=False, env={**os.environ, **(env or {})})
            self.assertEqual(done.returncode, 7, done.stderr)
            self.assertNotIn(self.kafka.password, done.stderr)
            said.append(done.stderr)
        return said


class Newest(Secured):
    def test_password_over_tls(self):
        self.run_a_test_over(self.sasl("PLAIN"))

    def test_client_certificate(self):
        self.run_a_test_over(self.mtls())

    def test_password_from_the_environment_reaches_the_drivers_too(self):
        target = self.target()
        config = self.config("sasl", security_protocol="sasl_ssl", sasl_mechanism="PLAIN", sasl_username="loadtest")
        harness.os.environ["LOADTEST_KAFKA_SASL_PASSWORD"] = self.kafka.password
        self.addCleanup(harness.os.environ.pop, "LOADTEST_KAFKA_SASL_PASSWORD")
        orchestrator = self.orchestrator(1, kafka=self.kafka.addresses["sasl"], extra=["--config", config])
        report = self.report(orchestrator, target.url + "/ping", "-n", 100, "-c", 2)
        self.assertEqual(report["totals"]["counts"]["completed"], 100)

    def test_wrong_password_is_refused_and_said(self):
        wrong = pathlib.Path(self.folder) / "wrong"
        wrong.write_text("not-the-password\n")
        for said in self.refused(self.sasl("PLAIN", wrong)):
            self.assertIn("refuses us", said)
            self.assertNotIn("not-the-password", said)

    def test_broker_of_another_authority_is_not_trusted(self):
        config = self.sasl("PLAIN")
        settings = json.loads(config.read_text())
        settings["kafka"]["ssl_ca_file"] = str(self.kafka.secrets / "client.pem")
        config.write_text(json.dumps(settings))
        for said in self.refused(config):
            self.assertRegex(said, "certificate verify failed|refuses us")

    def test_without_a_client_certificate_the_mtls_listener_stays_closed(self):
        for said in self.refused(self.config("mtls", security_protocol="ssl")):
            self.assertRegex(said, "refuses us|cannot reach Kafka")

    def test_scram_fails_and_the_error_says_that_it_needs_an_older_kafka(self):
        for said in self.refused(self.sasl("SCRAM-SHA-512")):
            self.assertIn("SCRAM only with Kafka up to 3.9", said)


class LastWithScram(Secured):
    version = LAST_WITH_SCRAM

    def test_scram_over_tls(self):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            self.run_a_test_over(self.sasl(mechanism))


if __name__ == "__main__":
    harness.main()
