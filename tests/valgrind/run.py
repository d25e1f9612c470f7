#!/usr/bin/env python3
"""Runs a program under memcheck, which must find nothing, or (--status 9) what is planted in it."""

import argparse
import os
import shutil
import subprocess
import sys

SKIPPED = 77
FOUND = 9


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--status", type=int, required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        print("skipped: there is no valgrind here")
        sys.exit(SKIPPED)
    valgrind = ["valgrind", "--quiet", f"--error-exitcode={FOUND}", "--main-stacksize=8388608"]
    # Two processors: goroutines change threads, and Valgrind, which runs one at a time, keeps up.
    environment = dict(os.environ, WEFT_MAXPROCS="2")
    environment.pop("WEFT_FORCE_MIGRATE", None)
    done = subprocess.run(valgrind + arguments.command, env=environment, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=110)
    complaints = [line for line in done.stderr.splitlines() if line.startswith("==")]
    if done.returncode != arguments.status or bool(complaints) != (arguments.status == FOUND):
        print(done.stderr, file=sys.stderr)
        sys.exit(f"status {done.returncode}, {len(complaints)} lines of complaints")


if __name__ == "__main__":
    main()
