"""Words that may not stand in certain places, and how a line of text must look."""

import re
from dataclasses import dataclass
from typing import Callable

from .source import Finding

ATOMIC_HOME = "include/weft/detail/atomic.hpp"
TOLD_ATOMIC = "include/weft/detail/told_atomic.hpp"  # its stand-in, included by nobody else
CV_STATUS_USER = "include/weft/sync/condition_variable.hpp"  # std::cv_status has no other header
COLUMNS_MAX = 100
TABBED = (".go", "go.mod", "Makefile")  # their own tools want tabs
# These name what they ban.
OWN_FILES = ("tools/tidy_rules/", "tools/test_tidy.py")


def _library(source):
    return source.is_library


def _library_but_port(source):
    return source.is_library and not source.path.startswith("src/port/")


def _library_but_atomic(source):
    return source.is_library and source.path not in (ATOMIC_HOME, TOLD_ATOMIC)


def _library_but_port_and_cv_status(source):
    return _library_but_port(source) and source.path != CV_STATUS_USER


def _header(source):
    return source.is_header


def _library_header(source):
    return source.is_header and source.is_library


def _any(source):
    return True


@dataclass(frozen=True)
class Ban:
    pattern: re.Pattern
    where: Callable
    message: str


def _ban(pattern, where, message):
    return Ban(re.compile(pattern), where, message)


OS_HEADERS = (
    r"unistd\.h|sys/|linux/|asm/|pthread\.h|sched\.h|poll\.h|fcntl\.h|signal\.h|csignal|dlfcn\.h"
    r"|execinfo\.h|ucontext\.h|sanitizer/|valgrind/"
)
THREAD_HEADERS = "thread|condition_variable|semaphore|latch|barrier|future"
# The guards of <mutex> are free: they work with any lock.
THREAD_NAMES = (
    r"(j?thread|this_thread|(shared_|recursive_|timed_)*mutex|condition_variable\w*"
    r"|counting_semaphore|binary_semaphore|latch|barrier|future|promise|async)"
)
OS_CALLS = (
    r"(syscall|clock_gettime|nanosleep|usleep|mmap|munmap|madvise|mprotect|sched_\w+|pthread_\w+"
    r"|epoll_\w+|eventfd|sigaction|fork)"
)

CPP_BANS = [
    _ban(
        r"\bstd::atomic|#\s*include\s*<atomic>",
        _library_but_atomic,
        f"std::atomic stands only in {ATOMIC_HOME}: use weft::detail::atomic from there",
    ),
    _ban(
        r"\b__(atomic|sync)_\w+",
        _library_but_port,
        "compiler atomics hide from the model checker: use weft::detail::atomic",
    ),
    _ban(
        rf"#\s*include\s*<({OS_HEADERS})",
        _library_but_port,
        "an OS header outside src/port: put the call behind a function of src/port",
    ),
    _ban(
        rf"(?<![\w.>])(?<!\w::){OS_CALLS}\s*\(",
        _library_but_port,
        "an OS call outside src/port: put it behind a function of src/port",
    ),
    _ban(
        rf"#\s*include\s*<({THREAD_HEADERS})>|\bstd::{THREAD_NAMES}\b",
        _library_but_port_and_cv_status,
        "threads and locks of the standard library stand only in src/port: use what port offers",
    ),
    _ban(
        r"\b((steady|system|high_resolution)_)?clock::now\s*\(",
        _library_but_port,
        "clocks are read only in src/port: ask the scheduler's now(), which tests can replace",
    ),
    _ban(
        r"\bvolatile\b",
        _library_but_port,
        "volatile outside src/port: use weft::detail::atomic, or move it to src/port",
    ),
    _ban(
        r"\bthread_local\b",
        _library_header,
        "thread_local in a header: its address may be kept across a migration; define it in a"
        " .cpp behind a function that is not inlined",
    ),
    _ban(r"\bgoto\b", _any, "goto: make it a loop or a function"),
    # Indented, it stands in a function body, where it harms nobody.
    _ban(r"^using\s+namespace\b", _header, "using namespace in a header: name what you use"),
]

_MARKER = re.compile(r"\b(TODO|FIXME|XXX)\b")
_MACHINE_PATH = re.compile(r"(?<![\w.~})>-])(/work\b|/tmp/)")


def _check_words(source):
    for number, line in enumerate(source.code_lines, 1):
        for ban in CPP_BANS:
            if ban.where(source) and ban.pattern.search(line):
                yield Finding(source.path, number, ban.message)


def _line_problems(source, line):
    own = source.path.startswith(OWN_FILES)
    if "\t" in line and not source.path.endswith(TABBED):
        yield "a tab: indent with spaces"
    if line != line.rstrip():
        yield "blanks at the end of the line: remove them"
    if not source.is_prose and len(line) > COLUMNS_MAX and source.path != "LICENSE":
        yield f"{len(line)} columns: break the line at {COLUMNS_MAX}"
    if not source.is_prose and not line.isascii():
        yield "not ASCII: write it with ASCII letters or as an escape"
    if not own and _MARKER.search(line):
        yield "a marker for later: do it now, or write it to the issue tracker"
    if not own and not source.path.startswith("scripts/") and _MACHINE_PATH.search(line):
        yield "a path of one machine: ask the system for a temporary folder, or use a relative path"


def _check_lines(source):
    for number, line in enumerate(source.lines, 1):
        for problem in _line_problems(source, line):
            yield Finding(source.path, number, problem)
    if source.text and not source.text.endswith("\n"):
        yield Finding(source.path, len(source.lines), "no end of line at the end of the file")


def _check_heads(source):
    if source.path.startswith("src/") and (source.is_cpp or source.is_assembly):
        if not source.head:
            yield Finding(
                source.path, 1, "no head comment: start with `// ` and what this file is for"
            )
        if len(source.head) > 15:
            yield Finding(source.path, 16, "the head comment has more than 15 lines: shorten it")
    if source.is_header and "#pragma once" not in source.code_lines:
        yield Finding(source.path, 1, "no `#pragma once`")


def check(tree):
    for source in tree.sources:
        yield from _check_lines(source)
        yield from _check_heads(source)
        if source.is_cpp:
            yield from _check_words(source)
