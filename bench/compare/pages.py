"""The tables in README and docs, written anew from what a run has kept."""

import json
import os
import re
import statistics

from . import report
from .report import FLOOR

BEGIN, END = "<!-- bench:begin -->\n", "<!-- bench:end -->"
NUMBERS = "docs/performance/numbers.md"
LOSSES = "docs/performance/numbers/losses.md"
OF_PROCS = {1: ("one", "one processor"), 2: ("two", "two processors")}

# What stands in the README: what people do most, and some of what weft loses.
IN_README = (
    ("yield_2", 1), ("spawn_batch_1000", 1), ("spawn_one", 1), ("ping_pong", 1),
    ("buffered_1p1c", 1), ("select_ready_2", 1), ("mutex_uncontended", 1),
    ("mutex_yield_inside_8", 1), ("wait_group_add_done", 1), ("context_timeout", 1),
    ("skynet", 1), ("fib", 1), ("parked_wake", 1), ("parked_create", 1), ("parked_resident", 1),
    ("queued_resident", 1), ("sleep_storm_cpu", 1), ("sleep_under_load_late_p50", 1),
    ("latest_tick_behind_a_call", 1), ("pool_by_value", 1), ("ping_pong", 2),
    ("buffered_4p4c", 2), ("go_chan_contended", 2), ("go_chan_prod_cons_work_10", 2),
    ("go_wakeup_parallel_spinning_20us", 2), ("mutex_contended_8", 2),
    ("shared_mutex_mixed_8", 2), ("go_mutex_work_slack", 2), ("skynet", 2), ("fib", 2),
    ("sleep_storm_cpu", 2),
)

HEAD = ("What each row is, the machine, the versions: [numbers](../numbers.md). weft: the median,",
        "its smallest and largest sample; of the others the median, below it weft's sample divided",
        "by theirs (median over the rounds; in bold where weft loses). Floor: what the machine",
        "alone takes.")


def rivals(peers):
    return [key for key in peers if key not in ("weft", FLOOR)]


def short_cell(metric, key):
    """The median of one, and of a rival the ratio below it."""
    values = metric["samples"].get(key)
    if not values:
        return "-"
    text = report.number(statistics.median(values))
    found = report.ratio(metric, key)
    if key == FLOOR or found is None:
        return text
    below = report.ratio_number(found)
    return f"{text}<br>{f'**{below}**' if found > 1 else below}"


def all_numbers(rows, peers, title):
    there = report.columns(rows, peers)
    keys = [key for key in there if key != "weft"]
    titles = ["benchmark", "unit", "weft", *(peers[key]["title"] for key in keys)]
    lines = [f"# The numbers: {title}", "", *HEAD, "", f"| {' | '.join(titles)} |",
             "|---" * len(titles) + "|"]
    for row in sorted(rows, key=lambda each: each["name"]):
        for name, metric in row["metrics"].items():
            if weft := metric["samples"].get("weft"):
                cells = [name, metric["unit"], report.spread(weft, report.number)]
                cells += [short_cell(metric, key) for key in keys]
                lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def loss_table(lines):
    return ["| benchmark | procs | against | weft / other |", "|---|---|---|---|", *lines]


def split_losses(rows, peers):
    found = report.losses(rows, peers)
    go = [line for line in found if line.split(" | ")[2] == peers.get("go", {}).get("title")]
    return go, [line for line in found if line not in go]


def machine(about):
    """Without what tells apart two kernels of one kind."""
    version = re.match(r"\d+\.\d+", about["linux"])
    return (f"{about['cpu']}, {about['cpus']} processors, {about['machine']}, Linux "
            f"{version[0] if version else about['linux']}; {about['compiler']}, {about['flags']}.")


def numbers_section(about, rows):
    peers = about["peers"]
    go, _ = split_losses(rows, peers)
    versions = [peers[key]["version"] for key in rivals(peers) if peers[key]["version"]]
    return "\n".join([
        machine(about),
        "; ".join(dict.fromkeys(versions)) + ".",
        f"One run of `scripts/bench --rounds {about['rounds']}`, {about['date'][:10]}:",
        "[one processor](numbers/one.md), [two processors](numbers/two.md).", "",
        "| against | rows | weft ahead | mean ratio (geometric) |", "|---|---|---|---|",
        *report.counted(rows, peers), "",
        "### What weft loses", "",
        "Against Go; against the others: [losses](numbers/losses.md).", "",
        *loss_table(go)]) + "\n"


def losses_page(about, rows):
    _, others = split_losses(rows, about["peers"])
    return "\n".join(["# What weft loses to others than Go", "",
                      "From the run in [numbers](../numbers.md#the-numbers).", "",
                      *loss_table(others)]) + "\n"


def readme_section(rows):
    metrics = {(name, row["procs"]): metric for row in rows
               for name, metric in row["metrics"].items()}
    lines = ["| benchmark | procs | unit | weft | Go | weft / Go |", "|---|---|---|---|---|---|"]
    for name, procs in IN_README:
        metric = metrics.get((name, procs))
        if not metric or report.ratio(metric, "go") is None:
            continue
        cells = [name, str(procs), metric["unit"]]
        for key in ("weft", "go"):
            median, rest = report.spread(metric["samples"][key], report.number).split(" ", 1)
            cells.append(f"**{median}** {rest}")
        lines.append(f"| {' | '.join(cells)} | {report.ratio_number(report.ratio(metric, 'go'))} |")
    return "\n".join(lines) + "\n"


def put_between_marks(path, text):
    with open(path, encoding="utf-8") as page:
        before, rest = page.read().split(BEGIN)
    with open(path, "w", encoding="utf-8") as page:
        page.write(before + BEGIN + text + END + rest.split(END, 1)[1])


def write(kept_path, root):
    """Returns: the pages that were written."""
    with open(kept_path, encoding="utf-8") as kept:
        run = json.load(kept)
    about, rows = run["about"], run["results"]
    put_between_marks(os.path.join(root, "README.md"), readme_section(rows))
    put_between_marks(os.path.join(root, NUMBERS), numbers_section(about, rows))
    pages = {LOSSES: losses_page(about, rows)}
    for procs, (name, title) in OF_PROCS.items():
        some = [row for row in rows if row["procs"] == procs]
        pages[f"docs/performance/numbers/{name}.md"] = all_numbers(some, about["peers"], title)
    for path, text in pages.items():
        with open(os.path.join(root, path), "w", encoding="utf-8") as page:
            page.write(text)
    return ["README.md", NUMBERS, *pages]
