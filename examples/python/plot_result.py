"""Runs a ramp and plots what came of it: rate and latency over time, and the latency distribution. No notebook.

  examples/python/plot [URL] [FILE]     FILE ends with .png, .svg or .pdf; ramp.png if it is not given
"""

import sys

import loadtest
import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8081/ping"
FILE = sys.argv[2] if len(sys.argv) > 2 else "ramp.png"


def plot(result, file):
    intervals = result.report.intervals
    edges = [0] + [i.end_offset_ns / 1e9 for i in intervals]
    middles = [(i.start_offset_ns + i.end_offset_ns) / 2e9 for i in intervals]
    rates = [i.counts.completed / ((i.end_offset_ns - i.start_offset_ns) / 1e9) for i in intervals]

    figure, (rate, latency, distribution) = pyplot.subplots(3, 1, figsize=(8, 9), layout="constrained")
    rate.stairs(rates, edges, color="tab:blue", fill=True)
    rate.set(ylabel="answered per second", xlabel="seconds", xlim=(0, edges[-1]), ylim=0, title=f"{URL}: verdict {result.verdict}")
    for name in ("p50", "p99", "max"):
        latency.plot(middles, [getattr(i.response_time, f"{name}_ns") / 1e6 for i in intervals], label=name, marker="o")
    latency.set(ylabel="response time, ms", xlabel="seconds", xlim=(0, edges[-1]), ylim=0)
    latency.legend()

    # Share of slower requests on a logarithmic axis: 1 % slower is p99, 0.1 % is p99.9.
    count, seen, slower, times = result.response_time.count, 0, [], []
    for middle, number in result.response_time.buckets():
        slower.append(100 * (count - seen) / count)
        times.append(middle)
        seen += number
    distribution.step(slower, times, where="post", color="tab:red")
    distribution.set(xscale="log", xlabel="% of requests that were slower", ylabel="response time, ms", ylim=0)
    distribution.xaxis.set_major_formatter("{x:g}")
    distribution.invert_xaxis()
    figure.savefig(file)


def main():
    result = loadtest.run(URL, stages=[(0, 400, "2s"), (400, 400, "1s")])
    print(result)
    plot(result, FILE)
    print(f"plotted to {FILE}")


if __name__ == "__main__":
    try:
        main()
    except loadtest.LoadTestError as error:
        sys.exit(str(error))
