"""Takes samples: a fresh process for each, the programs in turn."""

import json
import mmap
import os
import subprocess
from dataclasses import dataclass, field

from .peers import MEMORY, MICRO, say

PATIENCE_S = 180
MADV_POPULATE_WRITE = 23  # Linux 5.14; Python has no name for it

# Rows that stand for the others in --quick: some of every kind, none that takes long.
QUICK = (
    "buffered_1p1c", "buffered_4p4c", "condition_ping_pong", "context_cancel", "fib",
    "go_chan_prod_cons_0", "go_chan_sync", "go_cond_8", "go_create_goroutines",
    "go_mutex_slack", "go_rwmutex_write_10", "go_select_sync_contended", "go_timer_start_stop",
    "go_wakeup_parallel_spinning_20us", "mutex_contended_8", "mutex_uncontended", "n_queens_12",
    "parked", "ping_pong", "queued", "select_block_2", "select_ready_2", "sleep_50us",
    "spawn_batch_1000", "task_tree", "wake_under_load", "yield_2",
)
# How often, where the usual number takes long.
QUICK_COUNTS = {"parked": 100_000, "parked_packed": 100_000, "queued": 100_000,
                "mutex_uncontended": 1_000_000,
                "mutex_contended_8": 100_000, "buffered_1p1c": 300_000, "buffered_4p4c": 300_000,
                "condition_ping_pong": 50_000, "sleep_50us": 100, "ping_pong": 100_000,
                "go_chan_sync": 100_000, "go_chan_prod_cons_0": 50_000, "go_cond_8": 3_000}


class Wrong(Exception):
    """weft failed, or somebody's result differs from the others'."""


@dataclass
class Row:
    """What one benchmark came to at one number of processors."""

    name: str
    procs: int
    metrics: dict = field(default_factory=dict)  # name -> {"unit": u, "samples": {peer: [...]}}
    checks: dict = field(default_factory=dict)  # peer -> what its work came to
    failed: dict = field(default_factory=dict)  # peer -> why

    def enter(self, peer, results):
        for each in results:
            metric = self.metrics.setdefault(each["name"], {"unit": each["unit"], "samples": {}})
            metric["samples"].setdefault(peer.key, []).append(each["median"])
            if self.checks.setdefault(peer.key, each["check"]) != each["check"]:
                raise Wrong(f"{self.name}: {peer.title} came to {each['check']} and before to "
                            f"{self.checks[peer.key]}")

    def drop(self, peer, why):
        say(f"{self.name}, {self.procs} processors: {peer.title} failed: {why}")
        self.failed[peer.key] = why
        self.checks.pop(peer.key, None)
        for metric in self.metrics.values():
            metric["samples"].pop(peer.key, None)

    def compare_checks(self):
        if len(set(self.checks.values())) > 1:
            raise Wrong(f"{self.name}, {self.procs} processors: the results differ: {self.checks}")

    def to_json(self):
        return {"name": self.name, "procs": self.procs, "checks": self.checks,
                "failed": self.failed, "metrics": self.metrics}


def sample(peer, kind, name, procs, count):
    """The results of one fresh process, after a round to warm up."""
    command = [*peer.programs[kind], "--only", "=" + name, "--rounds", "1", "--procs", str(procs),
               "--json", "-"]
    if count:
        command += ["--count", str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode != 0:
        raise Wrong(f"status {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}")
    answer = json.loads(done.stdout)
    if answer["program"] not in peer.versions:
        peer.versions.append(answer["program"])
    return answer["results"]


def fetch_memory(count):
    """Has the machine's memory at hand for the next program.

    A virtual machine gives free memory back to its host after a while, and gets it again page by
    page: whoever comes first would pay for all, three times as much as for a page of its own.
    """
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    wanted = min(6 * 1024 * (count or 1_000_000), available * 3 // 4)
    with mmap.mmap(-1, wanted) as memory:
        try:
            memory.madvise(MADV_POPULATE_WRITE)
        except OSError:
            pass  # an older kernel: the first program is slower there


def measure(peers, kind, name, procs, rounds, count):
    """Interleaved rounds of everyone who can."""
    row = Row(name, procs)
    able = [peer for peer in peers if peer.can(kind, name, procs)]
    for _ in range(rounds):
        for peer in able:
            if peer.key in row.failed:
                continue
            if kind == MEMORY:
                fetch_memory(count)
            try:
                row.enter(peer, sample(peer, kind, name, procs, count))
            except (Wrong, OSError, ValueError, KeyError, subprocess.SubprocessError) as why:
                if peer.key == "weft" or isinstance(why, Wrong) and "came to" in str(why):
                    raise Wrong(f"{name}, {procs} processors: {peer.title}: {why}") from why
                row.drop(peer, str(why))
    row.compare_checks()
    return row


def chosen(peers, arguments):
    """(kind, name) of what is to be measured: whatever weft has."""
    for kind in (MICRO, MEMORY):
        for name in peers[0].listed(kind, 1):
            if arguments.quick and not arguments.only and name not in QUICK:
                continue
            if any(name == part[1:] if part.startswith("=") else part in name
                   for part in arguments.only.split(",")):
                yield kind, name


def measure_all(peers, arguments):
    """Returns the rows, and what was wrong: such a row has no numbers, the others are kept."""
    work = [(procs, *each) for procs in arguments.procs for each in chosen(peers, arguments)]
    rows, wrong = [], []
    for at, (procs, kind, name) in enumerate(work, 1):
        say(f"{at} of {len(work)}: {name}, {procs} processors")
        count = QUICK_COUNTS.get(name) if arguments.quick else None
        try:
            rows.append(measure(peers, kind, name, procs, arguments.rounds, count))
        except Wrong as why:
            say(str(why))
            wrong.append(str(why))
    return rows, wrong


def load():
    return os.getloadavg()[0]
