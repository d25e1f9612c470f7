"""Runs the gate's program under callgrind and sums the instructions of each of its runs.

Counted is what the program itself executes, the library included, on whichever thread. Left out are
the C and C++ runtime libraries, which differ from machine to machine, and functions that wait for
the clock.
"""

import glob
import json
import os
import re
import statistics
import subprocess
import tempfile

MARK = "gate_mark"
WAITS = "gate_wait_for_clock"

_NAME = re.compile(r"(c?)(ob|fn)=(?:\((\d+)\))?\s*(.*)")
_COST = re.compile(r"[-+*\d]\S* (\d+)$")


def clean_environment():
    """Without what would change how weft runs."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("WEFT_", "LD_"))}


def instructions_in(lines, program):
    """The cost of one dump that lies in the object `program`."""
    names, place = {}, {"ob": "", "fn": ""}
    total, of_callee = 0, False
    for line in lines:
        if name := _NAME.match(line):
            of_call, kind, number, text = name.groups()
            if text:  # a number stands for the name that came with it first
                names[kind, number] = text
            if not of_call:
                place[kind] = text or names.get((kind, number), "")
        elif line.startswith("calls="):
            of_callee = True
        elif cost := _COST.match(line):
            if not of_callee and place["ob"].endswith(program) and WAITS not in place["fn"]:
                total += int(cost[1])
            of_callee = False
    return total


def per_operation(samples, times):
    """From the costs of runs of n, 2n, n, 2n ... operations: the median, since the monitor may have
    come in between (a goroutine that goes on on another thread takes its costs there)."""
    return statistics.median(b - a for a, b in zip(samples[0::2], samples[1::2])) / times


class Dumps:
    """What callgrind wrote: one file for each mark (and thread), numbered from 1."""

    def __init__(self, folder, program):
        self.folder, self.program = folder, program

    def cost_up_to(self, mark):
        files = glob.glob(os.path.join(glob.escape(self.folder), f"out.{mark}-*"))
        total = 0
        for path in files:
            with open(path, encoding="utf-8", errors="replace") as file:
                total += instructions_in(map(str.rstrip, file), self.program)
        return total


def count(program, timeout_s=50):
    """Returns {row: instructions per operation}."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--quiet", "--tool=callgrind", "--separate-threads=yes",
                   f"--dump-before={MARK}", f"--callgrind-out-file={folder}/out",
                   "--main-stacksize=8388608", program]
        done = subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE,
                              text=True, timeout=timeout_s, check=True)
        dumps = Dumps(folder, "/" + os.path.basename(program))
        result, mark = {}, 0
        for row in json.loads(done.stdout)["rows"]:
            mark += 1  # the row's first mark ends what came before
            runs = len(row["allocated"])
            samples = [dumps.cost_up_to(mark + i) for i in range(1, runs + 1)]
            if min(samples) == 0:
                raise RuntimeError(f"callgrind counted nothing for {row['name']}")
            mark += runs
            result[row["name"]] = per_operation(samples, row["times"])
        return result
