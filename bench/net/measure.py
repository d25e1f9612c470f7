"""Runs servers and what loads them, in turn; returns the samples."""

import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
import urllib.request

PATIENCE_S = 60  # beyond the time that a program was told to run
WORK = 50  # thousand steps: microseconds, about


class Failed(Exception):
    """A program was missing, or did not do its work."""


def say(text):
    print(f"scripts/bench-net: {text}", file=sys.stderr)


def on(cpus):
    """For Popen: the program may run on these processors only."""
    return lambda: os.sched_setaffinity(0, cpus)


class Server:
    """A server that prints its port when it is ready, and runs until the end of the block."""

    def __init__(self, command, cpus):
        self.command, self.cpus = command, cpus

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE,
                                        preexec_fn=on(self.cpus))
        try:
            if not select.select([self.process.stdout], [], [], 10)[0]:
                raise Failed(f"says nothing: {' '.join(self.command)}")
            line = self.process.stdout.readline().decode()
            ports = re.findall(r"\d+", line)
            if not ports:
                raise Failed(f"does not say its port: {' '.join(self.command)}: {line!r}")
            self.port, self.pid = int(ports[-1]), self.process.pid
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, value, trace):
        status = self.process.poll()
        self.stop()
        if status is not None and kind is None:
            raise Failed(f"ended by itself, status {status}: {' '.join(self.command)}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def run_on(cpus, command, seconds):
    try:
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=on(cpus),
                              timeout=seconds + PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise Failed(f"no end: {' '.join(command)}") from None
    if done.returncode != 0:
        raise Failed(f"status {done.returncode}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def add(samples, peer, values):
    """samples: {metric: {peer: [value of each round]}}"""
    for metric, value in values.items():
        samples.setdefault(metric, {}).setdefault(peer, []).append(value)


class Bench:
    def __init__(self, arguments):
        self.arguments = arguments
        self.cpus = sorted(os.sched_getaffinity(0))
        if len(self.cpus) < 2:
            raise Failed("two processors are needed: for the server, and for what loads it")
        self.load_program = self.find("weft-net-load")
        self.peers = {"weft": [self.find("weft-net-echo")], "epoll": [self.find("weft-net-epoll")]}
        asio = self.path("weft-net-asio")  # where there is Boost
        if os.access(asio, os.X_OK):
            self.peers["asio"] = [asio]
        go = os.path.join(arguments.peers, "echo_go")
        if os.access(go, os.X_OK) and shutil.which("go"):
            self.peers["go"] = [go]

    def path(self, name):
        return os.path.join(self.arguments.build, "bench", "net", name)

    def find(self, name):
        path = self.path(name)
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is not built")
        return path

    def rounds(self, peers):
        for number in range(self.arguments.rounds):
            # Another one first each time: what a server leaves to the next is shared out.
            turn = number % len(peers)
            yield from [*peers, *peers][turn:turn + len(peers)]

    def load(self, server, cpus, *options):
        seconds = self.arguments.seconds
        command = [self.load_program, "--port", str(server.port), "--pid", str(server.pid),
                   "--seconds", str(seconds), *(str(o) for o in options)]
        return json.loads(run_on(cpus, command, seconds))

    def load_one(self, peer, *options):
        """The server on one processor, the load on another. Returns metrics."""
        with Server(self.peers[peer] + ["--procs", "1"], self.cpus[:1]) as server:
            return self.load(server, self.cpus[1:2], "--spin", *options)

    def echo(self):
        results = []
        for connections in self.arguments.connections:
            say(f"echo, {connections} connections")
            samples = {}
            for peer in self.rounds(list(self.peers)):
                seen = self.load_one(peer, "--connections", connections)
                seen["server_us"] = seen["server_busy"] * seen["seconds"] / seen["messages"] * 1e6
                seen["load_us"] = seen["load_busy"] * seen["seconds"] / seen["messages"] * 1e6
                add(samples, peer, seen)
            results.append({"connections": connections, "samples": samples})
        return results

    def idle(self):
        connections = self.arguments.idle_connections
        say(f"{connections} idle connections")
        samples = {}
        for peer in self.rounds(list(self.peers)):
            with Server(self.peers[peer] + ["--procs", "1"], self.cpus[:1]) as server:
                add(samples, peer, self.load(server, self.cpus[1:2], "--idle", "--connections",
                                             connections))
        return {"connections": connections, "samples": samples}

    def two(self):
        """One processor against two. With two in all, the second is shared with the load."""
        alone = len(self.cpus) > 2
        results = {"work": WORK, "shared": not alone, "samples": {}}
        peers = [peer for peer in self.peers if peer != "epoll"]  # which has one thread
        say("one and two processors")
        for peer in self.rounds(peers):
            for procs in (1, 2):
                command = [*self.peers[peer], "--procs", str(procs), "--work", str(WORK)]
                with Server(command, self.cpus[:procs]) as server:
                    cpu = self.cpus[2:3] if alone else self.cpus[1:2]
                    seen = self.load(server, cpu, "--connections", 100)
                add(results["samples"], peer, {f"rate_{procs}": seen["rate"],
                                               f"load_busy_{procs}": seen["load_busy"]})
        return results

    def open(self):
        """Rates up to what the epoll loop can do."""
        rounds, connections = min(self.arguments.rounds, 3), 100
        say("latency against load")
        most = max(self.load_one("epoll", "--connections", connections)["rate"] for _ in "12")
        points = []
        for percent in (5, 20, 40, 60, 70, 80, 90, 100):
            rate = most * percent / 100
            samples = {}
            for peer in list(self.peers) * rounds:
                add(samples, peer, self.load_one(peer, "--connections", connections, "--rate",
                                                 round(rate)))
            points.append({"rate": rate, "samples": samples})
        return {"connections": connections, "most": most, "points": points}

    def http(self):
        servers = self.http_servers()
        if "weft" not in servers or not shutil.which("wrk"):
            say("http is not measured: it needs Boost >= 1.78 and wrk")
            return None
        results = []
        for connections in self.arguments.connections:
            say(f"http, {connections} connections")
            samples = {}
            for peer in self.rounds(list(servers)):
                add(samples, peer, self.wrk(servers[peer], connections))
            results.append({"connections": connections, "samples": samples})
        return results

    def http_servers(self):
        build = self.arguments.build
        found = {
            "weft": [os.path.join(build, "bench", "net", "weft-net-http"), "--procs", "1"],
            "example": [os.path.join(build, "examples", "net", "example_net_http_server"),
                        "--port", "0", "--no-log"],
            "go": [os.path.join(self.arguments.peers, "http_go"), "--procs", "1"],
        }
        return {peer: command for peer, command in found.items() if os.access(command[0], os.X_OK)}

    def wrk(self, command, connections):
        seconds = max(1, round(self.arguments.seconds))
        with Server(command, self.cpus[:1]) as server:
            url = f"http://127.0.0.1:{server.port}/hello"
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status != 200 or not answer.read():
                    raise Failed(f"no hello from {url}")
            time.sleep(0.1)
            text = run_on(self.cpus[1:2], ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                                           "--latency", url], seconds)
        return read_wrk(text)


UNITS_US = {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}


def read_wrk(text):
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    if not rate or "Non-2xx" in text:
        raise Failed(f"wrk says:\n{text}")
    seen = {"rate": float(rate[1])}
    for percent, number, unit in re.findall(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s|m)\s*$", text, re.M):
        seen[f"p{percent}_us"] = float(number) * UNITS_US[unit]
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
                       text)
    seen["errors"] = sum(int(n) for n in errors.groups()) if errors else 0
    return seen
