#!/usr/bin/env python3
"""Compares weft's network with a hand-written epoll loop and with Go, and prints Markdown tables.

    scripts/bench-net                  everything, 5 rounds of 3 s each
    scripts/bench-net --quick          3 rounds of 1 s
    scripts/bench-net --only idle      echo, idle, two, http, open: those named, comma-separated
    scripts/bench-net --plot           also plots (SVG) of latency against load, by matplotlib

echo  64 B to and fro, one message a connection on the way: the server on one processor, the load
      generator (bench/net/load.cpp, the same for all) on another, polling
idle  memory for each of 10,000 connections that have once sent a message, and CPU time while idle
two   the same servers on one and on two processors, each message some 50 us of work
http  a few words to wrk: Boost.Beast on weft (bare, and the example http_server with its limits,
      deadlines and routes) against Go's net/http
open  messages at random times of a given rate: latency against load

Everything is on loopback. A sample is a fresh server, and servers take turns, so that a machine
that gets slower hits all. Cells are medians with the smallest and the largest sample.
"""

import argparse
import json
import os
import platform
import subprocess
import sys

sys.dont_write_bytecode = True

import measure  # noqa: E402
import report  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECTIONS = ("echo", "idle", "two", "http", "open")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, prog="scripts/bench-net",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="samples of each (default 5)")
    parser.add_argument("--seconds", type=float, help="of a sample (default 3)")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s")
    parser.add_argument("--only", default=",".join(SECTIONS), help="what to measure")
    parser.add_argument("--connections", default="1,100,1000", help="of echo (default 1,100,1000)")
    parser.add_argument("--idle-connections", type=int, default=10_000)
    parser.add_argument("--plot", action="store_true", help="draw latency against load")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--peers", default=os.path.join(ROOT, "build", "peers"))
    parser.add_argument("--out", default=os.path.join(ROOT, "bench", "results"))
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (1.0 if arguments.quick else 3.0)
    arguments.only = arguments.only.split(",")
    if unknown := set(arguments.only) - set(SECTIONS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    try:
        arguments.connections = [int(n) for n in arguments.connections.split(",")]
    except ValueError:
        parser.error("--connections takes numbers, separated by commas")
    counts = [arguments.rounds, arguments.idle_connections, *arguments.connections]
    if min(counts) < 1 or arguments.seconds <= 0:
        parser.error("rounds, seconds and connections are positive")
    return arguments


def describe(arguments, peers):
    go = "not measured"
    if "go" in peers:
        go = subprocess.run(["go", "version"], capture_output=True, text=True).stdout.strip()
    return {
        "cpus": os.cpu_count(), "machine": platform.machine(), "linux": platform.release(),
        "go": go.removeprefix("go version "), "rounds": arguments.rounds,
        "seconds": arguments.seconds,
    }


def keep(results, folder):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "net.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(results, out, indent=1)
    print(f"scripts/bench-net: samples in {os.path.relpath(path, ROOT)}", file=sys.stderr)


def main():
    arguments = parse_arguments()
    bench = measure.Bench(arguments)
    results = {"about": describe(arguments, bench.peers)}
    for section in SECTIONS:
        if section in arguments.only:
            results[section] = getattr(bench, section)()
    report.print_all(results)
    keep(results, arguments.out)
    if arguments.plot and results.get("open"):
        import plot

        plot.draw(results, arguments.out)


if __name__ == "__main__":
    try:
        main()
    except measure.Failed as failed:
        sys.exit(f"scripts/bench-net: {failed}")
    except KeyboardInterrupt:
        sys.exit(130)
