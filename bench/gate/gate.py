#!/usr/bin/env python3
"""Compares what hot operations cost, in numbers that do not depend on time, with expected.json.

    gate.py [--instructions | --memory] [--update] [PROGRAM]

PROGRAM is weft-gate of a Release build; without it, that of build/release.
--memory        the bytes of objects and blocks, and the allocations of each operation: exactly
--instructions  what callgrind counts: to 2 % or 5 instructions, whichever is more
--update        writes what is found into expected.json and docs/performance/counts.md

Without --instructions or --memory both are looked at. Ends with 1 if something costs more (of
bytes and allocations: if they differ at all), with 77 if there is nothing to compare with.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys

import callgrind
import page

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXPECTED = os.path.join(HERE, "expected.json")
SKIPPED = 77
SHARE, FEW = 0.02, 5.0  # the tolerance for instructions


def read_expected():
    with open(EXPECTED, encoding="utf-8") as file:
        return json.load(file)


def write_expected(expected):
    with open(EXPECTED, "w", encoding="utf-8") as file:
        json.dump(expected, file, indent=2, sort_keys=True)
        file.write("\n")


def run(program):
    """What the program says of itself: its compiler, its sizes, the allocations of its runs."""
    done = subprocess.run([program], env=callgrind.clean_environment(), stdout=subprocess.PIPE,
                          text=True, timeout=100, check=True)
    return json.loads(done.stdout)


def memory_of(report):
    """{what: bytes or number}, all of it exact."""
    found = {f"bytes of {name}": size for name, size in report["sizes"].items()}
    for row in report["rows"]:
        for kind, words in enumerate(("allocations", "bytes allocated")):
            samples = [sample[kind] for sample in row["allocated"]]
            each = callgrind.per_operation(samples, row["times"])
            found[f"{words} per {row['name']}"] = round(each, 2)
    return found


def tolerance(wanted):
    return max(FEW, SHARE * wanted)


def verdict(wanted, found, allowed):
    if wanted is None:
        return "new"
    if found is None:
        return "gone"
    if abs(found - wanted) <= allowed:
        return ""
    return "DEARER" if found > wanted else "cheaper"


def compare(wanted, found, allowed):
    """[(name, wanted or None, found or None, verdict)]"""
    names = list(found) + [name for name in wanted if name not in found]
    return [(name, wanted.get(name), found.get(name),
             verdict(wanted.get(name), found.get(name), allowed(wanted.get(name) or 0)))
            for name in names]


def show(rows, only_differences):
    width = max(len(row[0]) for row in rows)
    text = {True: lambda n: "-" if n is None else f"{n:g}",
            False: lambda n: "-" if n is None else f"{n:.1f}"}[only_differences]
    print(f"{'':{width}}  {'expected':>9} {'found':>9} {'difference':>20}")
    for name, wanted, found, said in rows:
        if only_differences and not said:
            continue
        change = ""
        if wanted is not None and found is not None:
            share = f" {100 * (found / wanted - 1):+6.1f} %" if wanted else ""
            change = f"{found - wanted:+.1f}{share}"
        print(f"{name:{width}}  {text(wanted):>9} {text(found):>9} {change:>20} {said}".rstrip())


def judge(rows, faults, program):
    """Prints what follows from the verdicts. Returns: whether it is a failure."""
    said = [row[3] for row in rows]
    command = f"bench/gate/gate.py --update {os.path.relpath(program, ROOT)}"
    failed = any(each in faults for each in said)
    if failed:
        counts = ", ".join(f"{said.count(fault)} {fault}" for fault in faults if fault in said)
        print(f"FAILED: {counts}. If that is meant: {command}")
    elif "cheaper" in said:
        print(f"{said.count('cheaper')} cheaper. The next loss hides behind it until: {command}")
    else:
        print(f"all {len(rows)} as expected")
    return failed


def check_memory(program, report, expected):
    wanted = expected["memory"].get(report["machine"])
    if wanted is None:
        print(f"skipped: no sizes are expected for {report['machine']}")
        return SKIPPED
    rows = compare(wanted, memory_of(report), lambda _: 0)
    if any(row[3] for row in rows):
        show(rows, only_differences=True)
    return int(judge(rows, ("DEARER", "cheaper", "new", "gone"), program))


def reason_to_skip(report, expected):
    if not shutil.which("valgrind"):
        return "there is no valgrind here"
    if report["build"] not in expected["instructions"]:
        known = "; ".join(expected["instructions"])
        return f"other compiler: {report['build']} (instructions are kept for {known})"
    return None


def check_instructions(program, report, expected):
    reason = reason_to_skip(report, expected)
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    wanted = expected["instructions"][report["build"]]
    rows = compare(wanted, callgrind.count(program), tolerance)
    if any(row[3] == "DEARER" for row in rows):  # then in both of two countings, or it was noise
        found = {row[0]: row[2] for row in rows if row[2] is not None}
        again = callgrind.count(program)
        rows = compare(wanted, {name: min(found[name], again[name]) for name in found}, tolerance)
    print(f"instructions per operation, {report['build']}")
    show(rows, only_differences=False)
    return int(judge(rows, ("DEARER", "new", "gone"), program))


def update(program, report, expected, memory, instructions):
    if memory:
        expected["memory"][report["machine"]] = memory_of(report)
    if instructions:
        found, again = callgrind.count(program), callgrind.count(program)
        unsteady = [row[0] for row in compare(found, again, tolerance) if row[3]]
        if unsteady:
            sys.exit(f"nothing is written: two countings differ in {', '.join(unsteady)}")
        expected["instructions"][report["build"]] = {k: round(v, 1) for k, v in found.items()}
    write_expected(expected)
    page.write(expected)
    print(f"{os.path.relpath(EXPECTED)} is up to date with {report['build']}")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--memory", action="store_true")
    what.add_argument("--instructions", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("program", nargs="?",
                        default=os.path.join(ROOT, "build/release/bench/gate/weft-gate"))
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    program = os.path.abspath(arguments.program)
    if not os.path.exists(program):
        sys.exit(f"{arguments.program} is not there: cmake --preset release && "
                 "cmake --build --preset release --target weft-gate")
    report, expected = run(program), read_expected()
    memory, instructions = not arguments.instructions, not arguments.memory
    if arguments.update:
        update(program, report, expected, memory, instructions)
        return
    statuses = []
    if memory:
        statuses.append(check_memory(program, report, expected))
    if instructions:
        statuses.append(check_instructions(program, report, expected))
    sys.exit(1 if 1 in statuses else max(statuses))


if __name__ == "__main__":
    main()
