#!/usr/bin/env python3
"""Runs a litmus program and looks at what ThreadSanitizer says of it.

A clean program must end without a report. Of a racy one at least one run must be reported for each
number of processors, and every report must be about what was planted.
"""

import argparse
import os
import platform
import re
import subprocess
import sys

REPORT = re.compile(r"^WARNING: ThreadSanitizer: (.*?) \(pid=\d+\)$(.*?)^SUMMARY: ", re.M | re.S)
TOP_FRAME = re.compile(r"^    #0 (.*)$", re.M)
PLANTED = ("litmus::planted_write", "litmus::planted_read", "litmus::planted_add")
REPORTED = 66  # TSan's exit status
RACY_ROUNDS = 5


def no_randomisation(binary):
    """Some versions of TSan do not start where the kernel randomises addresses widely."""
    wrapped = ["setarch", platform.machine(), "-R"]
    for prefix in ([], wrapped):
        try:
            probe = subprocess.run(prefix + [binary], capture_output=True, timeout=60)
        except OSError:
            continue
        if probe.returncode == 2 and b"usage: litmus" in probe.stderr:
            return prefix
    sys.exit("the litmus binary does not start, with or without address randomisation")


def run(command, processors):
    environment = dict(os.environ, WEFT_MAXPROCS=str(processors))
    options = ("halt_on_error=0", "report_bugs=1", "atexit_sleep_ms=0", "history_size=4")
    environment["TSAN_OPTIONS"] = ":".join((f"exitcode={REPORTED}", *options))
    for name in ("WEFT_FORCE_MIGRATE", "WEFT_GUARDS", "WEFT_MAX_THREADS"):
        environment.pop(name, None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr


def is_planted(kind, body):
    """Both accesses, if TSan still knows where they were."""
    frames = TOP_FRAME.findall(re.split(r"^  (?:Location|Thread) ", body, flags=re.M)[0])
    return kind == "data race" and frames and all(f.startswith(PLANTED) for f in frames)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("program", help="clean.<name> or racy.<name>")
    arguments = parser.parse_args()
    racy = arguments.program.startswith("racy.")
    prefix = no_randomisation(arguments.binary)
    for processors, place in ((1, ""), (2, ""), (4, ""), (2, "thread")):
        command = prefix + [arguments.binary, arguments.program] + ([place] if place else [])
        where = f"{processors} processors, on {'the main thread' if place else 'a goroutine'}"
        for _ in range(RACY_ROUNDS if racy else 1):
            status, text = run(command, processors)
            reports = REPORT.findall(text)
            strange = [r for r in reports if not (racy and is_planted(*r))]
            if strange or status != (REPORTED if reports else 0):
                print(text, file=sys.stderr)
                sys.exit(f"{arguments.program}, {where}: wrongly reported, or status {status}")
            if not racy or reports:
                break
        else:
            sys.exit(f"{arguments.program}, {where}: not reported in {RACY_ROUNDS} runs")


if __name__ == "__main__":
    main()
