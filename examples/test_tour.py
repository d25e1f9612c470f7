#!/usr/bin/env python3
"""Runs one program of the tour and compares what it prints, line by line.

    test_tour.py PROGRAM

Where several goroutines print, only what their program promises is asked for: each one's own lines
in order, or the same lines in any order.
"""

import os
import re
import subprocess
import sys


def exactly(*wanted):
    return lambda lines: lines == list(wanted)


def in_any_order(*wanted):
    return lambda lines: sorted(lines) == sorted(wanted)


def in_order_for_each(*several):
    """Each list of lines comes in its own order; between the lists there is none."""
    def check(lines):
        return (sorted(lines) == sorted(sum(several, []))
                and all([line for line in lines if line in one] == one for one in several))
    return check


def matching(*patterns):
    def check(lines):
        return (len(lines) == len(patterns)
                and all(re.fullmatch(p, line) for p, line in zip(patterns, lines)))
    return check


def never_more_than_three_places(lines):
    found = [re.fullmatch(r"job (\d+), places taken: ([123])", line) for line in lines]
    return all(found) and sorted(int(f[1]) for f in found) == list(range(1, 11))


def every_count_is_right(lines):
    pattern = r" *(\d+) of (\d+) processors: 216816 primes in [\d.]+ s, speed-up [\d.]+"
    found = [re.fullmatch(pattern, line) for line in lines]
    return all(found) and int(found[0][1]) == 1 and found[-1][1] == found[-1][2]


def primes(count):
    found = []
    n = 2
    while len(found) < count:
        if all(n % p for p in found):
            found.append(n)
        n += 1
    return [str(p) for p in found]


TASKS = in_order_for_each(*([f"Task {t} : {i}" for i in (1, 2, 3)] for t in (1, 2)))
COOKING = ["light the stove", "lay the table"], ["clear the table", "put out the stove"]

PROMISES = {
    "concurrent_tasks": TASKS,
    "parallel_tasks": TASKS,
    "two_tasks": in_order_for_each(*([f"Goroutine-{g} {i}" for i in range(5)] for g in (1, 2))),
    "workers": in_any_order(*(f"Processed: {2 * n}" for n in (1, 2, 3, 4, 5))),
    "speedup": every_count_is_right,
    "pipeline": exactly("1", "4", "9", "16", "25"),
    "rendezvous": exactly(*(f"took the {b} bread, paying" for b in ("rye", "wheat", "spelt")),
                          "sold out"),
    "channel_semaphore": never_more_than_three_places,
    "select_timeout": exactly("nothing there yet", "got a postcard", "gave up", "got a parcel"),
    "prime_sieve": exactly(*primes(100)),
    "ping_pong": matching("ping 1", "pong 2", "ping 3", "pong 4", "ping 5", "pong 6",
                          r"one hit takes \d+\.\d+ ns"),
    "worker_pool": in_any_order(*(f"job {j}: {sum(range(j * 1000 + 1))}" for j in range(1, 10))),
    "fan_in": in_any_order(*(str(n ** 3) for n in range(1, 13))),
    "timers": exactly("20 ms are over", "beat 1", "beat 2", "beat 3", "called back",
                      "stopped the alarm in time"),
    "defer": exactly(*COOKING[0], "eat", *COOKING[1], *COOKING[0], *COOKING[1],
                     "the soup is burnt", "goodbye"),
}


def main():
    program = sys.argv[1]
    done = subprocess.run([program], capture_output=True, text=True)
    kept = PROMISES[os.path.basename(program)](done.stdout.splitlines())
    if done.returncode == 0 and not done.stderr and done.stdout.endswith("\n") and kept:
        return 0
    print(f"{program}: status {done.returncode}, and it printed:\n{done.stdout}{done.stderr}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
