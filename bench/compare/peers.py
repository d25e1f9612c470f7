"""Who is measured, and how each is built. Who is missing is named and never an error."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "bench")
PEERS = os.path.join(ROOT, "build", "peers")
FLAGS = ("-DCMAKE_BUILD_TYPE=Release", "-DWEFT_BUILD_BENCH=ON", "-DWEFT_BUILD_PEERS=ON",
         "-DWEFT_BUILD_TESTS=OFF", "-DWEFT_BUILD_EXAMPLES=OFF")
MICRO, MEMORY = "micro", "memory"  # programs; the latter's do one benchmark in a process
HEADERS = ("/usr/include", "/usr/local/include")
# A command or a header, and Debian's package for it. What weft needs, scripts/setup installs.
PACKAGES = {"go": "golang-go", "cargo": "cargo", "boost/fiber/all.hpp": "libboost-fiber1.81-dev",
            "tbb/tbb.h": "libtbb-dev"}
BUILD_PATIENCE_S = 1800
LIST_PATIENCE_S = 20


class Missing(Exception):
    """A peer cannot be measured on this machine; says why."""


@dataclass
class Peer:
    """A column of the report, and the program for each kind of benchmark."""

    key: str
    title: str
    programs: dict
    procs_only: int = 0  # 0: any number
    versions: list = field(default_factory=list)  # as the program itself says
    names: dict = field(default_factory=dict)  # kind and processors -> benchmarks

    def can(self, kind, name, procs):
        if kind not in self.programs or self.procs_only not in (0, procs):
            return False
        return name in self.listed(kind, procs)

    def listed(self, kind, procs):
        if (kind, procs) not in self.names:
            command = [*self.programs[kind], "--list", "--procs", str(procs)]
            done = subprocess.run(command, check=True, capture_output=True, text=True,
                                  timeout=LIST_PATIENCE_S)
            self.names[kind, procs] = done.stdout.split()
        return self.names[kind, procs]


def say(text):
    print(f"scripts/bench: {text}", file=sys.stderr)


def run(command, **options):
    print("+ " + " ".join(command), file=sys.stderr)
    subprocess.run(command, check=True, stdout=sys.stderr, timeout=BUILD_PATIENCE_S, **options)


def there_is(need):
    if need.endswith((".h", ".hpp")):
        return any(os.path.exists(os.path.join(folder, need)) for folder in HEADERS)
    return shutil.which(need) is not None


def install():
    """What Debian has and this machine lacks; what cannot be had is named later."""
    packages = [package for need, package in PACKAGES.items() if not there_is(need)]
    if not packages or shutil.which("apt-get") is None:
        return
    as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    for package in packages:
        try:
            run([*as_root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
                env=dict(os.environ, DEBIAN_FRONTEND="noninteractive"))
        except (OSError, subprocess.SubprocessError) as failed:
            say(f"{package} could not be installed: {failed}")


def configure():
    run(["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", *FLAGS])
    targets = subprocess.run(["cmake", "--build", BUILD, "--target", "help"], capture_output=True,
                             text=True).stdout
    return {line.split(":")[0] for line in targets.splitlines()}


def cmake_target(targets, name, needs):
    if name not in targets:
        raise Missing(f"there is no {needs} here")
    run(["cmake", "--build", BUILD, "--target", name])
    found = (os.path.join(BUILD, "bench", folder, name) for folder in ("", "peers"))
    return next(path for path in found if os.access(path, os.X_OK))


def build_weft(targets):
    micro = cmake_target(targets, "weft-bench", "weft")
    memory = cmake_target(targets, "weft-bench-memory", "weft")
    return [Peer("weft", "weft", {MICRO: [micro], MEMORY: [memory]})]


def build_go(_):
    if shutil.which("go") is None:
        raise Missing("there is no `go` in the PATH")
    program = os.path.join(PEERS, "weftbench")
    environment = dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-mod=mod")
    run(["go", "build", "-o", program, "."], env=environment,
        cwd=os.path.join(ROOT, "bench", "peers", "go"))
    return [Peer("go", "Go", {MICRO: [program], MEMORY: [program, "--memory"]})]


def build_tokio(_):
    if shutil.which("cargo") is None:
        raise Missing("there is no `cargo` in the PATH")
    target = os.path.join(PEERS, "tokio")
    run(["cargo", "build", "--release", "--locked", "--quiet"],
        env=dict(os.environ, CARGO_TARGET_DIR=target),
        cwd=os.path.join(ROOT, "bench", "peers", "tokio"))
    program = os.path.join(target, "release", "weftbench-tokio")
    programs = {MICRO: [program], MEMORY: [program, "--memory"]}
    alone = {kind: [*command, "--current-thread"] for kind, command in programs.items()}
    return [Peer("tokio", "Tokio", programs),
            Peer("tokio_current", "Tokio, current_thread", alone, procs_only=1)]


def build_boost(targets):
    program = cmake_target(targets, "weft-bench-boost", "Boost.Fiber (libboost-fiber-dev)")
    return [Peer("boost", "Boost.Fiber", {MICRO: [program]})]


def build_tbb(targets):
    program = cmake_target(targets, "weft-bench-tbb", "oneTBB (libtbb-dev)")
    return [Peer("tbb", "oneTBB", {MICRO: [program]})]


def build_threads(targets):
    program = cmake_target(targets, "weft-bench-threads", "threads")
    return [Peer("threads", "std::thread", {MICRO: [program]})]


def build_floor(targets):
    program = cmake_target(targets, "weft-bench-floor", "floor")
    return [Peer("floor", "floor", {MICRO: [program], MEMORY: [program]})]


# The order of the columns; weft is built first and must be there.
BUILDERS = {"go": build_go, "tokio": build_tokio, "boost": build_boost, "tbb": build_tbb,
            "threads": build_threads, "floor": build_floor}
FLOOR = "floor"


def build_all(wanted):
    """Returns the peers in the order of the columns, and {peer: why it is missing}."""
    targets = configure()
    peers, missing = build_weft(targets), {}
    for key, build in BUILDERS.items():
        if wanted and key not in wanted:
            continue
        try:
            built = build(targets)
            for peer in built:  # one that cannot even list its work is not there
                for kind in peer.programs:
                    peer.listed(kind, 1)
            peers += built
        except Missing as why:
            missing[key] = str(why)
        except (OSError, subprocess.SubprocessError) as failed:
            missing[key] = f"it could not be built or run: {failed}"
    for key, why in missing.items():
        say(f"{key} is not measured: {why}")
    return peers, missing
