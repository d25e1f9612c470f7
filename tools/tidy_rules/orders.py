"""Every memory order weaker than seq_cst, and every fence, says which order it is an end of."""

import re
from collections import defaultdict

from .source import Finding

_WEAK = r"(?:memory_order_|memory_order::)?(?:relaxed|acquire|release|acq_rel|consume)"
# As an argument: `load(acquire)`, `store(1, release)`, also at the start of a continued line.
_ARGUMENT = re.compile(rf"(?:[(,]|^)\s*(?:\w+::)*{_WEAK}\s*[,)]")
_NAMED = re.compile(r"\bmemory_order(?:_|::)(?:relaxed|acquire|release|acq_rel|consume)\b")
_FENCE = re.compile(r"\b(?:atomic_thread_fence|full_fence|light_barrier|heavy_barrier)\s*\(")
_FENCE_DECLARED = re.compile(r"\bvoid\s+(?:\w+::)*(?:full_fence|light_barrier|heavy_barrier)\s*\(")
# Where the fences are made, one may be built from another.
FENCE_HOME = "src/port/sync/barrier."
# In atomic.hpp the short names are made from the long ones; that orders nothing yet.
_ALIAS = re.compile(r"\bconstexpr\s+(?:auto|std::memory_order)\s+\w+\s*=")

_COMMENT = re.compile(r"//+\s*Order:\s*(?P<id>[\w-]+)(?P<dot>\.?)(?P<rest>.*)")
_HEAD_ORDERS = re.compile(r"//\s*Orders:(.*)")
_HEAD_OTHER = re.compile(r"//\s*(?:Threads|Invariants|Locks|Tested by):|//$")
_HEAD_ENTRY = re.compile(r"\s*([\w-]+)(?:\s[\w-]+)?:")
LINES_ABOVE = 3


def _needs_comment(source, line):
    if _ALIAS.search(line):
        return False
    if _ARGUMENT.search(line) or _NAMED.search(line):
        return True
    if source.path.startswith(FENCE_HOME):
        return False
    return bool(_FENCE.search(line)) and not _FENCE_DECLARED.search(line)


def _comments_for(source, index):
    for each in range(index, max(-1, index - LINES_ABOVE - 1), -1):
        match = _COMMENT.search(source.comment_lines[each])
        if match:
            return match
    return None


def _head_orders(source):
    """{id: line number} of what the head comment lists after `Orders:`.

    An entry starts a line with its id, perhaps a name, and a colon, as in
    `publish: tail store in push -> tail load in take` or `O1 publish: ...`.
    """
    found, reading = {}, False
    for number, line in enumerate(source.head, 1):
        start = _HEAD_ORDERS.match(line)
        if start:
            reading, rest = True, start.group(1)
        elif reading and not _HEAD_OTHER.match(line):
            rest = line[2:]
        else:
            reading = False
            continue
        entry = _HEAD_ENTRY.match(rest)
        if entry:
            found[entry.group(1)] = number
    return found


def _collect_ends(sources):
    ends = defaultdict(list)
    for source in sources:
        for number, line in enumerate(source.comment_lines, 1):
            match = _COMMENT.search(line)
            if match:
                ends[match.group("id")].append((source.path, number))
    return ends


def _check_use(source, index):
    match = _comments_for(source, index)
    if match is None:
        yield Finding(
            source.path,
            index + 1,
            "a weak memory order or a fence without its reason: add `// Order: <id>. ...` here or"
            f" within the {LINES_ABOVE} lines above (`none.` and why, if it orders nothing)",
        )


def _check_comment(source, number, match, ends, listed):
    identifier = match.group("id")
    if identifier == "none":
        if not match.group("dot") or not match.group("rest").strip():
            yield Finding(source.path, number, "write `// Order: none.` and why nothing is ordered")
    elif len(ends[identifier]) < 2 and identifier not in listed:
        yield Finding(
            source.path,
            number,
            f"order {identifier} has one end: tag its partner with `// Order: {identifier}`, or"
            " list it under `Orders:` in the head of this file",
        )


def check(tree):
    sources = tree.cpp("src/", "include/")
    ends = _collect_ends(sources)
    for source in sources:
        listed = _head_orders(source)
        for index, line in enumerate(source.code_lines):
            if _needs_comment(source, line):
                yield from _check_use(source, index)
        for number, line in enumerate(source.comment_lines, 1):
            match = _COMMENT.search(line)
            if match:
                yield from _check_comment(source, number, match, ends, listed)
        for identifier, number in listed.items():
            if identifier not in ends:
                yield Finding(
                    source.path,
                    number,
                    f"order {identifier} is listed but no line is tagged `// Order: {identifier}`",
                )
