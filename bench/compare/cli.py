"""Compares weft with its peers on the same work: tables, plots and the samples themselves.

    scripts/bench                      every benchmark at 1 and 2 processors, 7 rounds
    scripts/bench --quick              3 rounds of some of every kind: less than 5 minutes
    scripts/bench --only spawn,chan    those with "spawn" or "chan" in their name; =x: just x
    scripts/bench --peers go,floor     only these beside weft
    scripts/bench --pages RUN.json     measures nothing: the tables of README and docs from that run

Peers: Go, Tokio, Boost.Fiber, oneTBB, plain threads, and the floor, which is what the machine alone
takes. What is missing is installed where Debian's packages have it, otherwise named and left out.
Every program checks its results; they are also compared over the peers. The samples (JSON), the
report (Markdown) and the plots (SVG) are kept in bench/results/.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time

from . import peers as who
from . import pages, report, sampling
from .peers import ROOT, say


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, prog="scripts/bench",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="samples of each (default 7)")
    parser.add_argument("--procs", default="1,2", help="processor counts (default 1,2)")
    parser.add_argument("--only", default="", help="benchmarks with one of these in their name")
    parser.add_argument("--peers", default="", help="only these: " + ", ".join(who.BUILDERS))
    parser.add_argument("--quick", action="store_true", help="3 rounds, some of every kind")
    parser.add_argument("--list", action="store_true", help="name the benchmarks and who has them")
    parser.add_argument("--no-install", action="store_true", help="leave out what is missing")
    parser.add_argument("--pages", metavar="RUN.json", help="write the tables of README and docs")
    parser.add_argument("--out", default=os.path.join(ROOT, "bench", "results"))
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 7)
    arguments.peers = [each for each in arguments.peers.split(",") if each]
    if unknown := set(arguments.peers) - set(who.BUILDERS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    try:
        arguments.procs = [int(n) for n in arguments.procs.split(",")]
    except ValueError:
        parser.error("--procs takes numbers, separated by commas")
    if arguments.rounds < 1 or min(arguments.procs) < 1:
        parser.error("--rounds and --procs are positive")
    return arguments


def output(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    except OSError:
        return ""
    return done.stdout.strip()


def cpu_model():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith(("model name", "CPU part")):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def cached(name):
    """What CMake chose."""
    with open(os.path.join(who.BUILD, "CMakeCache.txt"), encoding="utf-8") as lines:
        for line in lines:
            if line.startswith(name + ":"):
                return line.split("=", 1)[1].strip()
    return ""


def describe(arguments, peers, missing, load_before):
    compiler = output([cached("CMAKE_CXX_COMPILER"), "--version"]).splitlines()
    flags = f"{cached('CMAKE_CXX_FLAGS')} {cached('CMAKE_CXX_FLAGS_RELEASE')}".strip()
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"), "machine": platform.machine(), "cpu": cpu_model(),
        "cpus": os.cpu_count(), "linux": platform.release(), "rounds": arguments.rounds,
        "quick": arguments.quick, "commit": output(["git", "describe", "--always", "--dirty"]),
        "compiler": compiler[0] if compiler else "unknown compiler", "flags": flags,
        "load_before": load_before, "load_after": sampling.load(), "missing": missing,
        "peers": {peer.key: {"title": peer.title, "version": ", ".join(peer.versions)}
                  for peer in peers},
    }


def plot(path):
    """By whichever Python has matplotlib: Debian's packages are the system's own."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import matplotlib"], capture_output=True).returncode == 0:
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plot.py")
            return subprocess.run([python, "-B", script, path]).returncode == 0
    say("no plots: there is no matplotlib (python3-matplotlib)")
    return True


def keep(arguments, about, rows):
    os.makedirs(arguments.out, exist_ok=True)
    kept = {"about": about, "results": [row.to_json() for row in rows]}
    stem = os.path.join(arguments.out, time.strftime("%Y%m%d-%H%M%S"))
    with open(stem + ".json", "w", encoding="utf-8") as out:
        json.dump(kept, out, indent=1)
    text = report.to_markdown(kept)
    with open(stem + ".md", "w", encoding="utf-8") as out:
        out.write(text)
    print(text)
    plotted = plot(stem + ".json")
    say(f"kept in {os.path.relpath(stem)}.json, .md" + (" and .svg" if plotted else ""))


def list_all(peers, arguments):
    for kind, name in sampling.chosen(peers, arguments):
        able = [peer.title for peer in peers
                if any(peer.can(kind, name, procs) for procs in arguments.procs)]
        print(f"{name}: {', '.join(able)}")


def main():
    arguments = parse_arguments()
    if arguments.pages:
        say("wrote " + ", ".join(pages.write(arguments.pages, ROOT)))
        return 0
    try:
        if not (arguments.no_install or arguments.list):
            who.install()
        load_before = sampling.load()
        peers, missing = who.build_all(arguments.peers)
        if arguments.list:
            return list_all(peers, arguments)
        if load_before > 0.5:
            say(f"this machine is busy (load {load_before:.1f}): the numbers will tell little")
        rows, wrong = sampling.measure_all(peers, arguments)
        if not rows and not wrong:
            sys.exit(f"scripts/bench: no benchmark has '{arguments.only}' in its name")
        about = describe(arguments, peers, missing, load_before)
        keep(arguments, {**about, "wrong": wrong}, rows)
        return 1 if wrong else 0
    except subprocess.CalledProcessError as failed:
        sys.exit(f"scripts/bench: failed: {' '.join(failed.cmd)}")
    except KeyboardInterrupt:
        sys.exit(130)
