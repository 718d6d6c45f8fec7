"""What is on the topics, read by programs that nobody here wrote: kcat for the records, protoc for their contents."""

import math
import re
import subprocess

import harness

SUB_BUCKETS = 512


def index_middle(index):
    """Middle of a bucket by the formula in proto/loadtest/v1/measure.proto."""
    if index < SUB_BUCKETS:
        return index
    exponent = index // SUB_BUCKETS - 1
    low = (index - exponent * SUB_BUCKETS) << exponent
    return low + ((1 << exponent) - 1) // 2


def consume(topic):
    """All records of a topic: (key, headers, value)."""
    raw = subprocess.run(["kcat", "-C", "-e", "-q", "-b", harness.kafka_address(), "-t", topic, "-o", "beginning",
                          "-f", "%k\\n%h\\n%S\\n%s"], capture_output=True, timeout=30, check=True).stdout
    records = []
    at = 0
    while at < len(raw):
        fields = []
        for _ in range(3):
            end = raw.index(b"\n", at)
            fields.append(raw[at:end].decode())
            at = end + 1
        size = int(fields[2])
        records.append((fields[0], fields[1], raw[at:at + size]))
        at += size
    return records


def decode(message, value):
    """Text form of a message, by protoc."""
    return subprocess.run(["protoc", f"--decode=loadtest.v1.{message}", "-I", harness.SOURCE / "proto", "loadtest/v1/bus.proto"],
                          input=value, capture_output=True, timeout=30, check=True).stdout.decode()


def histogram_of(text, name):
    """(buckets, count, min, max) of one histogram field in a message's text form."""
    match = re.search(r"^  " + name + r" \{\n(.*?)^  \}", text, re.M | re.S)
    if match is None:
        return {}, 0, 0, 0
    body = match.group(1)
    numbers = lambda field: [int(n) for n in re.findall(rf"^    {field}: (\d+)", body, re.M)]
    buckets = {}
    index = 0
    for delta, count in zip(numbers("index_deltas"), numbers("bucket_counts")):
        index += delta
        buckets[index] = count
    one = lambda field: (numbers(field) or [0])[0]
    return buckets, one("count"), one("min_ns"), one("max_ns")


class KafkaRecordsTest(harness.ProcessTest):
    def test_all_four_topics_have_keyed_records_with_their_type(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(2)
        self.report(orchestrator, "tsunami", target.url + "/ping", "--delay", "10ms", "-n", 150, "--id", "seen")
        for topic, message, keys in (("register", "DriverRegistration", {"driver-1", "driver-2"}),
                                     ("heartbeat", "DriverHeartbeat", {"driver-1", "driver-2"}),
                                     ("metrics", "MetricsReport", {"driver-1", "driver-2"}),
                                     ("trigger", "Trigger", {"seen", "orchestrator"})):
            records = consume(self.prefix + topic)
            self.assertEqual({key for key, _, _ in records}, keys, topic)
            for _, headers, value in records:
                self.assertIn(f"message_type={message}", headers)
                decode(message, value)

    def test_percentiles_of_the_report_are_those_of_the_interval_reports_on_the_topic(self):
        target = self.target()
        orchestrator = self.kafka_orchestrator(3)
        report = self.report(orchestrator, "avalanche", target.url + "/ping", "-c", 8, "-d", "3s")
        merged = {name: {} for name in ("response_time", "service_time", "send_delay")}
        extremes = {name: [math.inf, 0] for name in merged}
        sent = 0
        for _, _, value in consume(self.prefix + "metrics"):
            text = decode("MetricsReport", value)
            sent += int((re.findall(r"^    sent: (\d+)", text, re.M) or ["0"])[0])
            for name in merged:
                buckets, count, low, high = histogram_of(text, name)
                for index, n in buckets.items():
                    merged[name][index] = merged[name].get(index, 0) + n
                if count:
                    extremes[name] = [min(extremes[name][0], low), max(extremes[name][1], high)]
        self.assertEqual(report["totals"]["counts"]["sent"], sent)
        for name, buckets in merged.items():
            total = sum(buckets.values())
            of_report = report["totals"][name]
            index = 0
            same = {}
            for delta, n in zip(of_report["index_deltas"], of_report["bucket_counts"]):
                index += delta
                same[index] = n
            self.assertEqual(same, buckets, f"{name}: bucket for bucket")
            for q, field in ((0.5, "p50_ns"), (0.9, "p90_ns"), (0.99, "p99_ns"), (0.999, "p999_ns"), (0.9999, "p9999_ns")):
                rank = max(1, math.ceil(q * total))
                seen = 0
                for index in sorted(buckets):
                    seen += buckets[index]
                    if seen >= rank:
                        break
                wanted = min(max(index_middle(index), extremes[name][0]), extremes[name][1])
                self.assertEqual(report[name][field], wanted, f"{name} {field}")


if __name__ == "__main__":
    harness.main()
