"""Pace through the whole system on a real Kafka, as a server of the test's own sees it: the kernel stamps each request's arrival.

4 s each; PACE_SECONDS=60 for the long form. The bounds are wide, for the machine may be busy; the figures are printed."""

import heapq
import os
import selectors
import socket
import statistics
import struct
import threading
import time

import harness

SECONDS = int(os.environ.get("PACE_SECONDS", "4"))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
SO_TIMESTAMPNS = 35


class StampingServer:
    """Notes when the kernel received each request, and answers `delay` seconds later. One thread."""

    def __init__(self, delay=0.0):
        self.delay, self.stamps, self.answers, self.stopped = delay, [], [], False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.listener.setblocking(False)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.stopped:
            wait = max(0.0, self.answers[0][0] - time.monotonic()) if self.answers else 0.05
            for key, _ in self.selector.select(wait):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.read(key.fileobj)
            while self.answers and self.answers[0][0] <= time.monotonic():
                self.answer(heapq.heappop(self.answers)[2])

    def accept(self):
        connection, _ = self.listener.accept()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.selector.register(connection, selectors.EVENT_READ)

    def read(self, connection):
        try:
            data, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
        except OSError:
            data = b""
        if not data:
            self.selector.unregister(connection)
            connection.close()
            return
        # A request is one packet here, and a connection has one at a time.
        for level, kind, stamp in control:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("qq", stamp)
                self.stamps.append(seconds * 10**9 + nanoseconds)
        if self.delay:
            heapq.heappush(self.answers, (time.monotonic() + self.delay, len(self.stamps), connection))
        else:
            self.answer(connection)

    def answer(self, connection):
        try:
            connection.send(ANSWER)
        except OSError:
            pass  # the driver has closed it

    def end(self):
        self.stopped = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


class PaceTest(harness.ProcessTest):
    def measure(self, name, drivers, delay_ns, *load, server_delay=0.0):
        """Runs the load and compares the gaps between arrivals with the delay between requests."""
        server = StampingServer(server_delay)
        self.addCleanup(server.end)
        report = self.report(self.kafka_orchestrator(drivers), server.url, *load, "-d", f"{SECONDS}s", seconds=SECONDS + 60)
        counts = report["totals"]["counts"]
        arrivals = sorted(server.stamps)
        requests = SECONDS * 10**9 // delay_ns
        self.assertEqual((counts["sent"], counts["completed"], len(arrivals)), (requests, requests, requests), report["totals"].get("errors"))
        errors = sorted(abs(b - a - delay_ns) for a, b in zip(arrivals, arrivals[1:]))
        drift = arrivals[-1] - arrivals[0] - delay_ns * (requests - 1)
        print(f"\n{name}: {requests} requests, one every {delay_ns / 1e3:.0f} us for {SECONDS} s: error of the gaps p50 "
              f"{statistics.median(errors) / 1e3:.1f} us, p99 {errors[len(errors) * 99 // 100] / 1e3:.1f} us, max {errors[-1] / 1e3:.0f} us; "
              f"drift {drift / 1e3:.0f} us")
        self.assertLess(statistics.median(errors), 0.25 * delay_ns)
        self.assertLess(abs(drift), 50_000_000)
        return report

    def test_a_tsunami_is_even_and_does_not_drift(self):
        self.measure("tsunami", 1, 2_000_000, "--delay", "2ms")

    def test_a_slow_server_does_not_change_the_pace(self):
        report = self.measure("server of 80 ms", 1, 2_000_000, "--delay", "2ms", "-c", 60, server_delay=0.08)
        self.assertGreaterEqual(report["service_time"]["p50_ns"], 80_000_000)

    def test_the_streams_of_three_drivers_make_an_even_one(self):
        report = self.measure("3 drivers", 3, 2_000_000, "--rate", 500)
        sent = [driver["counts"]["sent"] for driver in report["drivers"]]
        self.assertLessEqual(max(sent) - min(sent), 1)


if __name__ == "__main__":
    harness.main()
