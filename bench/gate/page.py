"""The table of docs/performance/counts.md, made of expected.json."""

import os

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs/performance/counts.md")
BEGIN, END = "<!-- gate:begin -->\n", "<!-- gate:end -->\n"
MACHINE = "x86_64"


def table(titles, rows):
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def operations(expected):
    """A row for each operation: its instructions by compiler, its allocations, their bytes."""
    builds = sorted(expected["instructions"], reverse=True)
    memory = expected["memory"][MACHINE]
    names = sorted({name for build in builds for name in expected["instructions"][build]})
    rows = []
    for name in names:
        counts = [expected["instructions"][build].get(name) for build in builds]
        rows.append([name, *("-" if n is None else f"{n:.0f}" for n in counts),
                     f"{memory[f'allocations per {name}']:g}",
                     f"{memory[f'bytes allocated per {name}']:g}"])
    return table(["operation", *builds, "allocations", "bytes allocated"], rows)


def sizes(expected):
    of = "bytes of "
    memory = expected["memory"][MACHINE]
    rows = [[f"`{what[len(of):]}`" if "block" not in what else what[len(of):], f"{size}"]
            for what, size in sorted(memory.items()) if what.startswith(of)]
    return table(["what", "bytes"], rows)


def with_tables(text, expected):
    """The page's text, its tables those of `expected`."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}{operations(expected)}\n{sizes(expected)}{END}{after}"


def read():
    with open(PAGE, encoding="utf-8") as file:
        return file.read()


def write(expected):
    text = with_tables(read(), expected)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)
