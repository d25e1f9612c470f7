"""Draws a run that was kept as JSON: `plot.py FILE.json`. Needs matplotlib.

For each number of processors two pictures beside the file: the rows that most people ask for as
bars, and all rows as points, each peer's time relative to weft's.
"""

import json
import os
import statistics
import sys

FLOOR = "floor"
HEADLINE = (
    "yield_2", "spawn_batch_1000", "spawn_one", "ping_pong", "buffered_1p1c", "buffered_4p4c",
    "select_ready_2", "select_block_2", "mutex_uncontended", "mutex_yield_inside_8", "skynet",
    "fib", "go_chan_sync", "go_create_goroutines", "prime_sieve_5000",
)
COLOURS = {"go": "#00a7d0", "tokio": "#b7410e", "tokio_current": "#e8a15c", "boost": "#7a5ea8",
           "tbb": "#4b8b3b", "threads": "#888888"}
WEFT, MORE_IS_BETTER = "#111111", "x"


def relative(metric, peer):
    """The peer's time over weft's, by rounds: (median, least, most), or None."""
    weft, other = (metric["samples"].get(each) or () for each in ("weft", peer))
    found = [o / w for w, o in zip(weft, other) if w > 0 and o > 0]
    if not found:
        return None
    if metric["unit"] == MORE_IS_BETTER:
        found = [1 / value for value in found]
    return statistics.median(found), min(found), max(found)


def caption(about):
    known = (peer["version"] for key, peer in about["peers"].items()
             if key not in ("weft", FLOOR) and peer["version"])
    versions = ", ".join(dict.fromkeys(known))
    return (f"{about['cpu']}, {about['cpus']} processors, Linux {about['linux']}, "
            f"{about['date']}\nweft {about['commit']}, {about['compiler']}, {about['flags']}\n"
            f"{versions}\n{about['rounds']} rounds, medians of the rounds' ratios, and their range")


def metrics_of(kept, procs):
    return {name: metric for row in kept["results"] if row["procs"] == procs
            for name, metric in row["metrics"].items()}


def axes_of(pyplot, about, rows, title):
    figure, axes = pyplot.subplots(figsize=(8.5, 1.6 + 0.34 * len(rows)))
    axes.set_xscale("log")
    axes.axvline(1, color=WEFT, linewidth=1.4)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("time relative to weft's: right of the line weft is faster", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(True, axis="x", which="both", alpha=0.25)
    figure.text(0.01, 0.005, caption(about), fontsize=6, color="#444444")
    return figure, axes


def draw(pyplot, kept, metrics, title, path):
    about, rows = kept["about"], list(metrics)
    rivals = [key for key in about["peers"] if key not in ("weft", FLOOR)
              and any(relative(metric, key) for metric in metrics.values())]
    if not rivals:
        return
    figure, axes = axes_of(pyplot, about, rows, title)
    height = 0.8 / len(rivals)
    for at, key in enumerate(rivals):
        points = [(y, relative(metrics[name], key)) for y, name in enumerate(rows)]
        points = [(y + (at + 0.5) * height - 0.4, *each) for y, each in points if each]
        ys, middles, least, most = zip(*points)
        axes.barh(ys, [m - 1 for m in middles], height * 0.9, left=1,
                  color=COLOURS.get(key, "#cccccc"), label=about["peers"][key]["title"])
        axes.hlines(ys, least, most, color="#333333", linewidth=0.8)
    axes.legend(fontsize=7, loc="lower right")
    inches = figure.get_size_inches()[1]
    figure.tight_layout(rect=(0, 0.62 / inches, 1, 1))
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    print(f"scripts/bench: {os.path.basename(path)}", file=sys.stderr)


def draw_all(kept, stem):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "weft"  # the same numbers give the same file
    from matplotlib import pyplot

    for procs in sorted({row["procs"] for row in kept["results"]}):
        metrics = metrics_of(kept, procs)
        on = "one processor" if procs == 1 else f"{procs} processors"
        headline = {name: metrics[name] for name in HEADLINE if name in metrics}
        if headline:
            draw(pyplot, kept, headline, f"weft and others, {on}", f"{stem}-procs{procs}.svg")
        draw(pyplot, kept, metrics, f"every benchmark, {on}", f"{stem}-procs{procs}-all.svg")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as source:
        draw_all(json.load(source), os.path.splitext(sys.argv[1])[0])
