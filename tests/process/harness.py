"""Starts and ends real processes for the process tests: target, orchestrator with drivers, nginx.

Every process is ended by its id, also when a test fails. Kafka is the one in LOADTEST_TEST_KAFKA (tools/kafka up); each
cluster uses a topic prefix of its own, so tests do not see each other.
"""

import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("LOADTEST_BIN", SOURCE / "build" / "release" / "bin"))


def kafka_address():
    """Address of the real Kafka; a test without it fails, it is never skipped."""
    address = os.environ.get("LOADTEST_TEST_KAFKA", "")
    if not address:
        raise AssertionError("LOADTEST_TEST_KAFKA is not set: run tools/kafka up and set it to HOST:PORT")
    return address


def wait_for(what, condition, seconds=20.0):
    """Polls until condition() gives something true, and returns it."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:.0f} s: no {what}")
        time.sleep(0.02)


def process_is_there(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def get(url, seconds=10):
    """Body of an HTTP GET; errors of status 400 and above included."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


class Process:
    """A child process with its output in a file."""

    def __init__(self, args, folder, name, env=None):
        self.log_path = pathlib.Path(folder) / f"{name}.log"
        self.args = [str(a) for a in args]
        self.log = open(self.log_path, "ab")
        self.child = subprocess.Popen(self.args, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                      env={**os.environ, **(env or {})}, cwd=folder)

    @property
    def pid(self):
        return self.child.pid

    def output(self):
        return self.log_path.read_text(errors="replace")

    def end(self, sig=signal.SIGTERM, seconds=15.0):
        """Sends a signal and waits; returns the exit code."""
        if self.child.poll() is None:
            self.child.send_signal(sig)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError(f"{self.args[0]} did not end on signal {sig}:\n{self.output()[-2000:]}")
        finally:
            self.log.close()


class Target(Process):
    def __init__(self, folder):
        ready = pathlib.Path(folder) / f"target-{uuid.uuid4().hex}.ready"
        super().__init__([BIN / "target", "--port", "0", "--ready_file", ready], folder, "target")
        wait_for("target", lambda: ready.exists() or self.child.poll() is not None)
        if not ready.exists():
            raise AssertionError(f"the target ended:\n{self.output()}")
        text = ready.read_text()
        self.port = int(re.search(r":(\d+)", text).group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def received(self):
        """Requests it has counted so far, those for /metrics not among them."""
        return int(re.search(r"^target_requests_received_total (\d+)", get(self.url + "/metrics"), re.M).group(1))


class Nginx(Process):
    """A server that nobody here wrote. Its access log has a line a request: arrival time (s), connection, status."""

    def __init__(self, folder, listen="", server="", keepalive_requests=100000000):
        """`listen`: what follows the address, such as "ssl http2"; `server`: lines of the server's block."""
        self.folder = pathlib.Path(folder) / f"nginx-{uuid.uuid4().hex[:6]}"
        self.folder.mkdir()
        self.port, ready_port = free_port(), free_port()
        self.url = f"{'https' if 'ssl' in listen else 'http'}://127.0.0.1:{self.port}"
        self.access_log = self.folder / "access.log"
        (self.folder / "nginx.conf").write_text(f"""
daemon off; pid {self.folder}/pid; error_log {self.folder}/error.log; worker_processes 1;
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
  log_format times '$msec $connection $status $request_length $server_protocol $request_method'; access_log {self.access_log} times;
  client_body_temp_path {self.folder}; proxy_temp_path {self.folder}; fastcgi_temp_path {self.folder};
  uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
  keepalive_requests {keepalive_requests};
  server {{ listen 127.0.0.1:{self.port} {listen} backlog=4096; {server}
    location / {{ return 200 "hello\\n"; }} }}
  server {{ listen 127.0.0.1:{ready_port}; access_log off; location / {{ return 200; }} }}
}}
""")
        super().__init__(["/usr/sbin/nginx", "-p", self.folder, "-c", self.folder / "nginx.conf"], folder, "nginx")
        wait_for("nginx", lambda: try_get(f"http://127.0.0.1:{ready_port}/") is not None)

    def requests(self):
        """(time in seconds, connection) of each request, in the order of their times."""
        lines = [line.split() for line in self.access_log.read_text().splitlines()]
        return sorted((float(line[0]), int(line[1])) for line in lines)

    def log_fields(self):
        """(status, bytes of the request, protocol, method) of each request."""
        return [tuple(line.split()[2:]) for line in self.access_log.read_text().splitlines()]


def try_get(url):
    try:
        return get(url, 1)
    except OSError:
        return None


def free_kafka_port():
    """A port with the ones that tools/kafka takes after it, below those that the system gives to clients: these come and go."""
    import random
    while True:
        port = random.randrange(20000, 30000)
        try:
            for offset in (0, 1, 5, 10, 11, 15, 20, 21, 25):
                with socket.socket() as s:
                    s.bind(("0.0.0.0", port + offset))
            return port
        except OSError:
            continue


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Kafka:
    """A real Kafka of a test's own, to be killed. Brokers are numbered from 1."""

    def __init__(self, folder, brokers=1, address=None, proxy_port=None, session_ms=1500):
        self.session_ms = session_ms
        self.run = pathlib.Path(folder) / f"kafka-{uuid.uuid4().hex[:6]}"
        args = ["up", "--brokers", str(brokers), "--port", str(free_kafka_port())]
        if address:
            args += ["--address", address]
        if proxy_port:
            args += ["--proxy", str(proxy_port)]
        up = self.tool(*args, check=False)
        if up.returncode != 0:
            self.tool("wipe", check=False)
            raise AssertionError(up.stderr)
        self.bootstrap = re.search(r"^bootstrap=(.*)$", up.stdout, re.M).group(1)
        remote = re.search(r"^remote=(.*)$", up.stdout, re.M)
        self.remote = remote and remote.group(1)

    def tool(self, *args, check=True):
        return subprocess.run([SOURCE / "tools/kafka", *args], env={**os.environ, "KAFKA_RUN": str(self.run), "KAFKA_SESSION": str(self.session_ms)},
                              capture_output=True, text=True, timeout=120, check=check)

    def leader(self, topic):
        """The broker that leads the first partition of a topic."""
        listed = subprocess.run(["kcat", "-L", "-J", "-b", self.bootstrap, "-t", topic], capture_output=True, text=True, timeout=30, check=True)
        return json.loads(listed.stdout)["topics"][0]["partitions"][0]["leader"]

    def kill(self, broker):
        self.tool("kill", str(broker))

    def start(self, broker):
        self.tool("start", str(broker))

    def signal(self, broker, sig):
        os.kill(int((self.run / f"n{broker}" / "pid").read_text()), sig)

    def wipe(self):
        for pid in self.run.glob("n*/pid"):
            try:
                os.kill(int(pid.read_text()), signal.SIGCONT)
            except OSError:
                pass
        self.tool("wipe", check=False)


class SlowProxy:
    """Passes connections on to a port of 127.0.0.1, and each byte `delay` seconds later, in both directions."""

    def __init__(self, delay):
        self.delay = delay
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.to_port = None  # must be set before the first connection
        self.passed = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                if self.listener.fileno() < 0:
                    return
                near.close()
                continue
            for source, sink in ((near, far), (far, near)):
                pieces = queue.Queue()
                threading.Thread(target=self.read, args=(source, pieces), daemon=True).start()
                threading.Thread(target=self.write, args=(pieces, sink), daemon=True).start()

    def read(self, source, pieces):
        piece = b"-"
        while piece:
            try:
                piece = source.recv(65536)
            except OSError:
                piece = b""
            pieces.put((time.monotonic() + self.delay, piece))

    def write(self, pieces, sink):
        while True:
            due, piece = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            self.passed += len(piece)
            try:
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(piece)
            except OSError:
                return

    def close(self):
        self.listener.close()


class Orchestrator(Process):
    """An orchestrator with N drivers, ready to take tests."""

    def __init__(self, folder, drivers, kafka=None, prefix="", data=None, grpc="127.0.0.1:0", http="127.0.0.1:0", extra=(), descriptors=None):
        """`descriptors`: how many it may have."""
        self.data = pathlib.Path(data or pathlib.Path(folder) / f"data-{uuid.uuid4().hex[:6]}")
        ready = pathlib.Path(folder) / f"orchestrator-{uuid.uuid4().hex[:6]}.ready"
        args = [BIN / "orchestrator", drivers, "--kafka", kafka or "embedded", "--grpc", grpc, "--http", http, "--data", self.data,
                "--ready_file", ready]
        if prefix:
            args += ["--set", f"kafka.topic_prefix={prefix}"]
        if descriptors:
            args = ["bash", "-c", f'ulimit -n {descriptors}; exec "$@"', "bash"] + args
        super().__init__(args + list(extra), folder, "orchestrator")
        try:
            wait_for("orchestrator", lambda: ready.exists() or self.child.poll() is not None, 90)
        except AssertionError:
            self.end(signal.SIGKILL)  # nobody else knows of it yet
            raise
        if not ready.exists():
            raise AssertionError(f"the orchestrator ended:\n{self.output()}")
        addresses = json.loads(ready.read_text())
        self.grpc = addresses["grpc_address"]
        self.http = "http://" + addresses["http_address"]
        self.kafka = addresses["kafka"]

    def driver_pids(self):
        """Process ids of its children."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[1]) == self.pid and fields[0] != "Z":
                found.append(int(entry.name))
        return sorted(found)

    def rest(self, path):
        return json.loads(get(self.http + path))

    def create(self, test_id, spec):
        """Creates a test of a spec in JSON."""
        request = urllib.request.Request(f"{self.http}/v1/loadTests?load_test_id={test_id}", json.dumps(spec).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error


class Driver(Process):
    """A driver that no orchestrator started."""

    def __init__(self, folder, driver_id, kafka, prefix="", extra=()):
        super().__init__([BIN / "driver", "--kafka", kafka, "--id", driver_id, "--set", f"kafka.topic_prefix={prefix}", *extra], folder, driver_id)


class ProcessTest(unittest.TestCase):
    """A temporary folder and processes that are ended after each test, the last one first."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="loadtest-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def started(self, process):
        self.addCleanup(lambda: process.child.poll() is None and process.end())
        return process

    def target(self):
        return self.started(Target(self.folder))

    def nginx(self, **options):
        return self.started(Nginx(self.folder, **options))

    def orchestrator(self, drivers, **options):
        return self.started(Orchestrator(self.folder, drivers, **options))

    def own_kafka(self, brokers=1, **options):
        kafka = Kafka(self.folder, brokers, **options)
        self.addCleanup(kafka.wipe)
        return kafka

    def kafka_orchestrator(self, drivers, **options):
        """Over the real Kafka, with topics of its own."""
        self.prefix = options.pop("prefix", None) or f"t{uuid.uuid4().hex[:8]}."
        return self.orchestrator(drivers, kafka=kafka_address(), prefix=self.prefix, **options)

    def driver(self, driver_id, extra=()):
        """A separate driver of the cluster that kafka_orchestrator began."""
        return self.started(Driver(self.folder, driver_id, kafka_address(), self.prefix, extra))

    def loadctl(self, *args, seconds=60, env=None, stdin=None):
        """Runs loadctl to its end; result has returncode, stdout, stderr."""
        return subprocess.run([str(BIN / "loadctl"), *[str(a) for a in args]], capture_output=True, text=True, timeout=seconds,
                              env={**os.environ, **(env or {})}, cwd=self.folder, stdin=subprocess.DEVNULL, check=False)

    def report(self, orchestrator, *args, seconds=60, codes=(0, 4)):
        """Runs a test by loadctl and returns its report. A verdict INVALID (exit code 4) is accepted: the machine may be busy."""
        done = self.loadctl("--server", orchestrator.grpc, "run", *args, "-o", "json", seconds=seconds)
        self.assertIn(done.returncode, codes, done.stderr + orchestrator.output()[-3000:])
        return json.loads(done.stdout)

    def assert_adds_up(self, counts):
        c = {key: counts.get(key, 0) for key in ("due", "sent", "completed", "failed", "dropped", "waiting", "in_flight")}
        self.assertEqual(c["due"], c["sent"] + c["dropped"] + c["waiting"], c)
        self.assertEqual(c["sent"], c["completed"] + c["failed"] + c["in_flight"], c)


def main():
    unittest.main(verbosity=2, argv=[sys.argv[0]] + sys.argv[1:])
