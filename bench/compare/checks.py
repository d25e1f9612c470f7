#!/usr/bin/env python3
"""Do the programs do the work, and the same? Without regard to time.

    checks.py WEFT-BENCH [PEER...]     compares with expected.json and with each other
    checks.py --update WEFT-BENCH      writes expected.json anew

Runs every benchmark once, with few operations. A peer must not know a name that weft does not know.
"""

import argparse
import json
import os
import subprocess
import sys

EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")
COUNT, PROCS = 30, 2
PATIENCE_S = 120


def checks_of(program):
    """{benchmark's metric: what its work came to}"""
    command = [program, "--count", str(COUNT), "--procs", str(PROCS), "--rounds", "1",
               "--no-warm-up", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode != 0:
        sys.exit(f"status {done.returncode} from {' '.join(command)}\n{done.stdout}{done.stderr}")
    return {each["name"]: each["check"] for each in json.loads(done.stdout)["results"]}


def names_of(program):
    done = subprocess.run([program, "--list"], check=True, capture_output=True, text=True,
                          timeout=PATIENCE_S)
    return set(done.stdout.split())


def differences(name, found, wanted, complete):
    lines = [f"{name}: {metric} came to {found[metric]}, should be {wanted.get(metric)}"
             for metric in found if found[metric] != wanted.get(metric)]
    if complete:
        lines += [f"{name}: no {metric}" for metric in wanted if metric not in found]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weft")
    parser.add_argument("peers", nargs="*")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    found = checks_of(arguments.weft)
    if arguments.update:
        with open(EXPECTED, "w", encoding="utf-8") as out:
            json.dump(found, out, indent=1, sort_keys=True)
            out.write("\n")
        return 0
    with open(EXPECTED, encoding="utf-8") as source:
        wanted = json.load(source)
    lines = differences("weft-bench", found, wanted, complete=True)
    known = names_of(arguments.weft)
    for peer in arguments.peers:
        name = os.path.basename(peer)
        lines += [f"{name}: weft has no {each}" for each in sorted(names_of(peer) - known)
                  if each != "parked"]
        lines += differences(name, checks_of(peer), {**wanted, "parked_create": COUNT},
                             complete=False)
    for line in lines:
        print(line)
    print(f"{len(found)} metrics of weft-bench, {len(arguments.peers)} peers, "
          f"{len(lines)} differences")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
