"""The Markdown report of a run, from what the run kept as JSON."""

import statistics

MORE_IS_BETTER = {"x"}  # units; everything else is a time or a size
FLOOR = "floor"


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio_number(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.4f}"


def spread(values, text):
    return f"{text(statistics.median(values))} ({text(min(values))} .. {text(max(values))})"


def ratios(metric, peer):
    """weft's sample divided by the peer's, round by round; below 1 weft is better."""
    weft, other = (metric["samples"].get(each) or () for each in ("weft", peer))
    pairs = [(w, o) for w, o in zip(weft, other) if w > 0 and o > 0]
    if metric["unit"] in MORE_IS_BETTER:
        return [o / w for w, o in pairs]
    return [w / o for w, o in pairs]


def ratio(metric, peer):
    found = ratios(metric, peer)
    return statistics.median(found) if found else None


def ratio_text(metric, peer):
    found = ratios(metric, peer)
    text = spread(found, ratio_number)
    return f"**{text}**" if statistics.median(found) > 1 else text


def cell(metric, peer):
    """The samples of one, and of a rival the ratio below them."""
    values = metric["samples"].get(peer)
    if not values:
        return "-"
    text = spread(values, number)
    if peer in ("weft", FLOOR) or not ratios(metric, peer):
        return text
    return f"{text}<br>{ratio_text(metric, peer)}"


def columns(rows, peers):
    """Those who have anything to say in these rows, weft first and the floor last."""
    there = {peer for row in rows for metric in row["metrics"].values()
             for peer in metric["samples"]}
    return [peer for peer in peers if peer in there]


def table(rows, peers):
    keys = columns(rows, peers)
    titles = ["benchmark", "unit"]
    for key in keys:
        title = peers[key]["title"]
        titles.append(title if key in ("weft", FLOOR) else f"{title}<br>weft / {title}")
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    for row in rows:
        for name, metric in row["metrics"].items():
            cells = [name, metric["unit"]]
            cells += [cell(metric, key) for key in keys]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def losses(rows, peers):
    """[(ratio, line)] of what somebody else does better, the worst first."""
    found = []
    for row in rows:
        for name, metric in row["metrics"].items():
            for key in peers:
                value = None if key in ("weft", FLOOR) else ratio(metric, key)
                if value is not None and value > 1:
                    text = f"| {name} | {row['procs']} | {peers[key]['title']} | {value:.2f} |"
                    found.append((value, text))
    return [text for _, text in sorted(found, reverse=True)]


def counted(rows, peers):
    """How often weft is ahead of each, a line for each peer."""
    lines = []
    for key in peers:
        if key in ("weft", FLOOR):
            continue
        found = [ratio(metric, key) for row in rows for metric in row["metrics"].values()]
        found = [value for value in found if value is not None]
        if found:
            ahead = sum(value <= 1 for value in found)
            middle = statistics.geometric_mean(found)
            lines.append(f"| {peers[key]['title']} | {len(found)} | {ahead} | {middle:.2f} |")
    return lines


def heading(about):
    lines = [
        f"{about['cpu']}, {about['cpus']} processors, {about['machine']}, Linux {about['linux']}; "
        f"{about['date']}; weft {about['commit']}, {about['compiler']}, {about['flags']}.",
        "",
        f"{about['rounds']} rounds{', quick' if about['quick'] else ''}; every sample is a fresh "
        "process, the programs take turns. A cell is the median with the smallest and the largest "
        "sample; a ratio is the median of the rounds' ratios, below 1 weft is faster or smaller, "
        "**above 1 in bold it is not**. The load was "
        f"{about['load_before']:.1f} before and {about['load_after']:.1f} after.",
        "",
    ]
    for key, peer in about["peers"].items():
        if key not in ("weft", FLOOR) and peer["version"]:
            lines.append(f"- {peer['title']}: {peer['version']}")
    for key, why in about["missing"].items():
        lines.append(f"- not measured: {key}: {why}")
    return lines


def to_markdown(kept):
    about, rows = kept["about"], kept["results"]
    peers = about["peers"]
    lines = heading(about)
    for procs in sorted({row["procs"] for row in rows}):
        title = "One processor" if procs == 1 else f"{procs} processors"
        lines += ["", f"### {title}", ""]
        lines += table([row for row in rows if row["procs"] == procs], peers)
    lines += ["", "### In all", "", "| against | rows | weft ahead | mean ratio (geometric) |",
              "|---|---|---|---|", *counted(rows, peers)]
    if lost := losses(rows, peers):
        lines += ["", "### Where weft loses", "", "| benchmark | procs | against | ratio |",
                  "|---|---|---|---|", *lost]
    failed = [f"- {row['name']}, {row['procs']} processors: {peers[key]['title']}: {why}"
              for row in rows for key, why in row["failed"].items()]
    if failed:
        lines += ["", "### Who failed", "", *failed]
    if about["wrong"]:
        lines += ["", "### Wrong results", "", *(f"- {each}" for each in about["wrong"])]
    return "\n".join(lines) + "\n"
