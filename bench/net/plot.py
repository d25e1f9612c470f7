"""Draws latency against load, one SVG for each percentile."""

import os
import statistics
import sys

from report import NAMES

PERCENTILES = (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p99.9"))


def draw(results, folder):
    try:
        import matplotlib
    except ImportError:
        print("scripts/bench-net: no plot: there is no matplotlib (python3-matplotlib)",
              file=sys.stderr)
        return
    matplotlib.use("svg")
    from matplotlib import pyplot

    points = results["open"]["points"]
    for metric, title in PERCENTILES:
        figure, axes = pyplot.subplots(figsize=(7, 4.2))
        for peer in (peer for peer in NAMES if peer in points[0]["samples"][metric]):
            middles = [statistics.median(p["samples"][metric][peer]) for p in points]
            axes.plot([p["rate"] / 1000 for p in points], middles, marker="o", label=NAMES[peer])
        axes.set_yscale("log")
        axes.set_xlabel("thousand messages of 64 B a second, due at random times")
        axes.set_ylabel(f"{title} latency, us")
        axes.set_title(f"{results['open']['connections']} connections, server on one processor")
        axes.grid(True, which="both", alpha=0.3)
        axes.legend()
        path = os.path.join(folder, f"net-{title.replace('.', '')}.svg")
        figure.tight_layout()
        figure.savefig(path)
        pyplot.close(figure)
        print(f"scripts/bench-net: {os.path.basename(path)}", file=sys.stderr)
