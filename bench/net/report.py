"""Markdown tables of samples, and what was to be reached."""

import statistics

NAMES = {"weft": "weft", "epoll": "epoll", "asio": "Asio", "example": "http_server", "go": "Go"}
ECHO_ROWS = (
    ("rate", "messages/s"), ("p50_us", "p50, us"), ("p99_us", "p99, us"), ("p999_us", "p99.9, us"),
    ("server_us", "CPU of the server, us a message"), ("server_busy", "server busy"),
    ("load_busy", "load generator busy"),
)
IDLE_ROWS = (
    ("resident_each", "memory (RSS), B a connection"),
    ("page_tables_each", "page tables, B a connection"), ("cpu_ms", "CPU while idle, ms"),
)
HTTP_ROWS = (
    ("rate", "requests/s"), ("p50_us", "p50, us"), ("p99_us", "p99, us"), ("errors", "errors"),
)
TWO_ROWS = (
    ("rate_1", "messages/s, 1 processor"), ("rate_2", "messages/s, 2 processors"),
    ("load_busy_2", "load generator busy meanwhile"),
)


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cell(values):
    if not values:
        return "-"
    low, high = number(min(values)), number(max(values))
    return f"**{number(statistics.median(values))}** ({low} .. {high})"


def median(samples, metric, peer):
    values = samples.get(metric, {}).get(peer)
    return statistics.median(values) if values else None


def ratio(samples, metric, peer):
    weft, other = median(samples, metric, "weft"), median(samples, metric, peer)
    return weft / other if weft is not None and other else None


def ratio_cell(value):
    return "-" if value is None else f"{value:.2f}"


def print_rows(groups, rows, first):
    """groups: [(text of the first column, samples)]"""
    peers = [peer for peer in NAMES if any(peer in s for _, g in groups for s in g.values())]
    others = [peer for peer in peers if peer != "weft"]
    titles = [first, "", *(NAMES[peer] for peer in peers)]
    titles += [f"weft / {NAMES[peer]}" for peer in others]
    print(f"| {' | '.join(titles)} |\n{'|---' * len(titles)}|")
    for text, samples in groups:
        for metric, title in rows:
            row = [text, title, *(cell(samples.get(metric, {}).get(peer)) for peer in peers)]
            row += [ratio_cell(ratio(samples, metric, peer)) for peer in others]
            print(f"| {' | '.join(row)} |")
    print()


def by_connections(results):
    return [(str(each["connections"]), each["samples"]) for each in results]


def print_two(two):
    if two["shared"]:
        print("The second processor is the load generator's, too: the server has two but for the"
              " part that this is busy.\n")
    else:
        print("The load generator has a third processor.\n")
    print_rows([(f"{two['work']},000 steps of work", two["samples"])], TWO_ROWS, "each message")


def print_open(found):
    rows = [(f"{point['rate']:,.0f}", point["samples"]) for point in found["points"]]
    print(f"{found['connections']} connections; the epoll loop's closed loop reaches "
          f"{found['most']:,.0f} messages/s.\n")
    print_rows(rows, ECHO_ROWS[:4], "messages/s that are due")


class Aims:
    """What is wanted, and whether it was reached."""

    def __init__(self):
        self.rows = []

    def at_least(self, what, value, wanted):
        self.note(what, value, f">= {wanted}", lambda: value >= wanted)

    def at_most(self, what, value, wanted):
        self.note(what, value, f"<= {wanted}", lambda: value <= wanted)

    def note(self, what, value, wanted, holds):
        if value is not None:
            self.rows.append((what, wanted, number(value), "yes" if holds() else "**no**"))

    def print_table(self):
        if not self.rows:
            return
        print("| aim | wanted | found | reached |\n|---|---|---|---|")
        for row in self.rows:
            print(f"| {' | '.join(row)} |")


def echo_aims(aims, each):
    samples, crowd = each["samples"], f"{each['connections']} connections"
    aims.at_most(f"p50, weft / epoll, {crowd}", ratio(samples, "p50_us", "epoll"), 1.05)
    if each["connections"] > 1:
        aims.at_least(f"throughput, weft / epoll, {crowd}", ratio(samples, "rate", "epoll"), 0.95)
    aims.at_least(f"throughput, weft / Go, {crowd}", ratio(samples, "rate", "go"), 1.25)


def two_factor(two, peer="weft"):
    one = median(two["samples"], "rate_1", peer)
    both = median(two["samples"], "rate_2", peer)
    return both / one if one and both else None


def collect_aims(results):
    aims = Aims()
    for each in results.get("echo") or ():
        echo_aims(aims, each)
    if idle := results.get("idle"):
        aims.at_most("B of memory a connection", median(idle["samples"], "resident_each", "weft"),
                     6144)
        aims.at_most("ms of CPU while idle", median(idle["samples"], "cpu_ms", "weft"), 1)
    if two := results.get("two"):
        aims.at_least("throughput, 2 processors / 1", two_factor(two), 1.6)
    for each in results.get("http") or ():
        crowd = f"{each['connections']} connections"
        aims.at_least(f"HTTP, weft / Go, {crowd}", ratio(each["samples"], "rate", "go"), 1.2)
        aims.at_most(f"HTTP p99, weft / Go, {crowd}", ratio(each["samples"], "p99_us", "go"), 1.0)
    return aims


def print_all(results):
    about = results["about"]
    print(f"{about['cpus']} processors, {about['machine']}, Linux {about['linux']}; Go: "
          f"{about['go']}; {about['rounds']} rounds of {about['seconds']:g} s, fresh servers in "
          "turn.\n")
    if results.get("echo"):
        print("The server that is not busy all the time waited for the load generator: then its CPU"
              " time a message tells more than the rate.\n")
        print_rows(by_connections(results["echo"]), ECHO_ROWS, "connections")
    if idle := results.get("idle"):
        print_rows([(f"{idle['connections']:,}", idle["samples"])], IDLE_ROWS, "idle connections")
    if results.get("two"):
        print_two(results["two"])
    if results.get("http"):
        print_rows(by_connections(results["http"]), HTTP_ROWS, "HTTP connections")
    if results.get("open"):
        print_open(results["open"])
    collect_aims(results).print_table()
