"""Functions, files and folders stay small; what is larger may only shrink (tools/ratchet.txt)."""

import ast
import os
import re
from collections import Counter
from dataclasses import dataclass

from .source import Finding

FUNCTION_MAX = 70
FILE_MAX = 600
PUBLIC_HEADER_MAX = 450
ASSEMBLY_MAX = 120
FOLDER_MAX = 16
RATCHET = "tools/ratchet.txt"

CODE_ENDINGS = (".cpp", ".hpp", ".h", ".S", ".py", ".cmake", ".sh", "CMakeLists.txt")


@dataclass(frozen=True)
class Size:
    kind: str  # function, file or folder
    what: str  # a path, for a function path:name
    number: int
    limit: int
    path: str
    line: int

    @property
    def key(self):
        return (self.kind, self.what)


# --- C++ functions, roughly: by matching braces ---

_FUNCTION_TAIL = re.compile(
    r"\)\s*(?:const|noexcept|override|final|mutable|constexpr|try|&&?|\s|->[^;{}]*"
    r"|\[\[[^\]]*\]\]|requires\b.*)*$",
    re.DOTALL,
)
_SCOPE = re.compile(r"\b(?:namespace|class|struct|union|enum|extern\s*\"[^\"]*\")(?![\w)])")
_INITIALIZERS = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)")
_NAME = re.compile(
    r"\b(?!requires\b|explicit\b|alignas\b|decltype\b|noexcept\b|__attribute__\b)"
    r"(operator\s*\(\s*\)|operator\s*\S+?|(?:\w+::)*~?\w+)\s*\(([^)]*)\)?"
)


def _without_template(text):
    """Drops `template <...>` prefixes, whose `class` is no class."""
    match = re.match(r"\s*template\s*<", text)
    while match:
        depth, end = 1, match.end()
        while depth and end < len(text):
            depth += {"<": 1, ">": -1}.get(text[end], 0)
            end += 1
        text = text[end:]
        match = re.match(r"\s*template\s*<", text)
    return text


def _kind_of_brace(text):
    """What a `{` after `text` opens outside functions: scope, function or value."""
    bare = _without_template(text)
    tail = bare.rstrip()
    if tail.endswith(("=", ",", "(", "return")):
        return "value"
    in_initializers = _INITIALIZERS.search(bare)
    if in_initializers:
        return "value" if tail and (tail[-1].isalnum() or tail[-1] in "_>") else "function"
    if _SCOPE.search(bare) and not re.match(r".*\)\s*(?:const|noexcept|\s)*$", bare, re.DOTALL):
        return "scope"
    if "(" in bare and (_FUNCTION_TAIL.search(bare) or ")" in bare):
        return "function"
    return "scope" if not tail else "value"


def _name_of(text):
    match = _NAME.search(_without_template(text))
    if not match:
        return "?"
    name, parameters = match.groups()
    if name.isupper():  # a macro such as TEST_F(suite, name): its arguments are the name
        name = f"{name}({parameters})"
    return re.sub(r"\s+", "", name)


def _skip_braces(code, start):
    """The index after the `}` that closes the `{` at `start`."""
    depth = 0
    for index in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[index], 0)
        if depth == 0:
            return index + 1
    return len(code)


def cpp_functions(code):
    """Yields (name, first line, lines) of every function that is not inside another."""
    code = re.sub(r"(?m)^[ ]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: " " * len(m.group()), code)
    start = index = 0  # code[start:index] is the statement that has begun
    while index < len(code):
        char = code[index]
        index += 1
        if char in ";}":
            start = index
        elif char == "{":
            text = code[start : index - 1]
            kind = _kind_of_brace(text)
            if kind == "scope":
                start = index
                continue
            index = _skip_braces(code, index - 1)
            if kind == "function":
                begin = start + len(text) - len(text.lstrip())
                first = code.count("\n", 0, begin) + 1
                last = code.count("\n", 0, index - 1) + 1
                yield _name_of(text), first, last - first + 1
                start = index


def _python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


# --- measuring ---


def _functions(source):
    if source.is_cpp:
        return cpp_functions(source.code)
    if source.path.endswith(".py"):
        return _python_functions(source.text)
    return ()


def _file_limit(source):
    if source.is_assembly:
        return ASSEMBLY_MAX
    if source.path.startswith("include/") and source.is_header:
        return PUBLIC_HEADER_MAX
    return FILE_MAX


def measure(tree):
    """Every size that has a limit, also those within it."""
    for source in tree.sources:
        if not source.path.endswith(CODE_ENDINGS):
            continue
        length = source.text.count("\n")
        yield Size("file", source.path, length, _file_limit(source), source.path, length)
        for name, line, lines in _functions(source):
            what = f"{source.path}:{name}"
            yield Size("function", what, lines, FUNCTION_MAX, source.path, line)
    folders = Counter(source.folder for source in tree.sources)
    for folder, count in folders.items():
        if folder and not os.path.basename(folder).startswith("."):
            yield Size("folder", folder, count, FOLDER_MAX, folder, 1)


def _largest(sizes):
    """Overloads share a name: the largest of each counts."""
    found = {}
    for size in sizes:
        if size.key not in found or found[size.key].number < size.number:
            found[size.key] = size
    return found


# --- the ratchet ---


def _read_ratchet(root):
    """Returns (lines, {key: (line number, allowed number)})."""
    path = os.path.join(root, RATCHET)
    if not os.path.exists(path):
        return [], {}
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    allowed = {}
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            kind, what, count = line.split()
            allowed[(kind, what)] = (number, int(count))
    return lines, allowed


def _check_ratchet(sizes, allowed):
    for key, (line, number) in allowed.items():
        size = sizes.get(key)
        if size is None or size.number < number:
            now = f"is {size.number} now" if size else "is gone"
            message = f"{key[1]} {now}, not {number}: run tools/tidy.py --update"
            yield Finding(RATCHET, line, message)


def check(tree):
    _, allowed = _read_ratchet(tree.root)
    sizes = _largest(measure(tree))
    for size in sizes.values():
        number = allowed.get(size.key, (0, 0))[1]
        if size.number > max(size.limit, number):
            unit = "files" if size.kind == "folder" else "lines"
            yield Finding(
                size.path,
                size.line,
                f"{size.kind} {size.what} has {size.number} {unit}, the limit is"
                f" {max(size.limit, number)}: split it by question",
            )
    yield from _check_ratchet(sizes, allowed)


def update(tree):
    """Lowers the ratchet to today's sizes and drops what has come within its limit."""
    lines, allowed = _read_ratchet(tree.root)
    sizes = _largest(measure(tree))
    for key, (number, count) in allowed.items():
        size = sizes.get(key)
        if size is None or size.number <= size.limit:
            lines[number - 1] = None
        elif size.number < count:
            lines[number - 1] = f"{key[0]} {key[1]} {size.number}"
    if lines:
        with open(os.path.join(tree.root, RATCHET), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines if line is not None)
