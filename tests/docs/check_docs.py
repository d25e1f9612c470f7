#!/usr/bin/env python3
"""Checks that the documentation is true of the tree it stands in.

    check_docs.py [ROOT]

README.md and docs/*.md: every C++ snippet is cut from a file that is compiled; every file, macro
and name of weft that is mentioned exists, and so does every test in the table of conformance; no
page is longer than 250 lines. In them and in the other pages of the root every relative link leads
somewhere.
"""

import os
import re
import sys

LINES_MAX = 250
SKIPPED_FOLDERS = {".git", "build", "results", "__pycache__"}
FILE_ENDINGS = "hpp|cpp|py|md|txt|cmake|json|sh|in|pc"
BUILT_FILES = {"compile_commands.json", "weft.pc"}  # made by the build, named all the same


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def squeeze(lines):
    """Without indentation, so that a snippet may be cut from the inside of a function."""
    return [line.strip() for line in lines]


def contains_run(haystack, needle):
    length = len(needle)
    return any(haystack[i:i + length] == needle for i in range(len(haystack) - length + 1))


class Tree:
    """The files of the project, and what its sources define."""

    def __init__(self, root):
        self.root = root
        self.files = set()
        for folder, folders, files in os.walk(root):
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
            self.files |= {os.path.relpath(os.path.join(folder, f), root) for f in files}
        self.base_names = {os.path.basename(f) for f in self.files}
        self.folders = {os.path.dirname(f) for f in self.files}
        self.folders |= {os.path.dirname(f) for f in self.folders}

    def text_below(self, *folders):
        wanted = sorted(f for f in self.files if f.startswith(tuple(f"{d}/" for d in folders)))
        return "\n".join(read(os.path.join(self.root, f)) for f in wanted
                         if f.endswith((".hpp", ".cpp", ".cmake", ".txt")))

    def pages(self):
        return sorted(f for f in self.files if f == "README.md"
                      or (f.startswith("docs/") and f.endswith(".md")))

    def root_pages(self):
        return sorted(f for f in self.files if "/" not in f and f.endswith(".md"))

    def has(self, path):
        path = path.rstrip("/")
        return path in self.files or path in self.folders

    def is_compiled(self, path):
        """Its folder's CMakeLists.txt, or that of a folder above, names it or all tests."""
        stem = os.path.splitext(os.path.basename(path))[0]
        folder = os.path.dirname(path)
        while folder:
            lists = os.path.join(folder, "CMakeLists.txt")
            if lists in self.files:
                text = read(os.path.join(self.root, lists))
                of_all = stem.endswith("_test") and '"*_test.cpp"' in text
                return of_all or re.search(rf"\b{re.escape(stem)}\b", text)
            folder = os.path.dirname(folder)
        return False


def blocks(lines):
    """Yields (index of the opening fence, language, lines inside)."""
    start = None
    for i, line in enumerate(lines):
        if not line.lstrip().startswith("```"):
            continue
        if start is None:
            start = i
        else:
            yield start, lines[start].strip()[3:].strip(), lines[start + 1:i]
            start = None
    if start is not None:
        yield start, "unfinished", []


def prose(lines):
    """The page without its fenced blocks."""
    inside = False
    kept = []
    for line in lines:
        fence = line.lstrip().startswith("```")
        inside ^= fence
        kept.append("" if inside or fence else line)
    return "\n".join(kept)


def check_snippets(tree, page, lines):
    for start, language, inside in blocks(lines):
        where = f"{page}:{start + 1}"
        if language == "unfinished":
            yield f"{where}: a fence without an end"
        if language not in ("cpp", "c++", "cc", "cxx"):
            continue
        before = next((line for line in reversed(lines[:start]) if line.strip()), "")
        named = re.fullmatch(r"<!-- from: (\S+) -->", before.strip())
        if not named:
            yield f"{where}: a C++ snippet needs <!-- from: FILE --> before it"
        elif named[1] not in tree.files:
            yield f"{where}: {named[1]} does not exist"
        elif not tree.is_compiled(named[1]):
            yield f"{where}: {named[1]} is not compiled"
        elif not any(line.strip() for line in inside):
            yield f"{where}: an empty snippet"
        elif not contains_run(squeeze(read(os.path.join(tree.root, named[1])).splitlines()),
                              squeeze(inside)):
            yield f"{where}: these lines do not stand in {named[1]}"


def anchors(text):
    """The names that the headings of a page get."""
    for heading in re.findall(r"^#+ +(.*)$", prose(text.splitlines()), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def check_links(tree, page, lines):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(lines)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        resolved = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not tree.has(resolved):
            yield f"{page}: the link to {target} leads nowhere"
        elif anchor and anchor not in anchors(read(os.path.join(tree.root, resolved))):
            yield f"{page}: {resolved} has no heading for #{anchor}"


def named_files(lines):
    """Paths in code spans and in commands."""
    text = "\n".join(lines)
    for span in re.findall(r"`([^`\n]+)`", prose(lines)):
        yield from re.findall(r"[\w.+/-]+", span)
    for _, language, inside in blocks(lines):
        if language in ("", "sh", "bash", "text"):
            yield from re.findall(r"(?<![\w/.])(?:scripts|tools)/[\w.-]+", "\n".join(inside))
    yield from re.findall(r"<!-- from: (\S+) -->", text)


def check_files(tree, page, lines):
    tops = {f.split("/")[0] for f in tree.files if "/" in f}
    for name in sorted(set(named_files(lines))):
        plain = name.strip(".") if name.endswith(".") else name
        in_tree = plain.split("/")[0] in tops and "/" in plain
        is_file = re.fullmatch(rf"[\w./-]+\.(?:{FILE_ENDINGS})", plain)
        if not in_tree and not is_file or plain in BUILT_FILES or plain.startswith("/"):
            continue
        if in_tree or "/" in plain:
            known = tree.has(plain) or tree.has("include/" + plain) or tree.has("src/" + plain)
        else:
            known = plain in tree.base_names
        if not known:
            yield f"{page}: there is no file {plain}"


def check_names(tree, page, lines):
    headers = tree.text_below("include")
    for name in sorted(set(re.findall(r"weft::(\w+)", "\n".join(lines)))):
        if name != "weft" and not re.search(rf"\b{name}\b", headers):
            yield f"{page}: the headers have no weft::{name}"
    sources = tree.text_below("src", "cmake", "tests/soak")
    for name in sorted(set(re.findall(r"\bWEFT_[A-Z_]+\b", "\n".join(lines)))):
        if not re.search(rf"\b{name}\b", sources):
            yield f"{page}: nothing reads {name}"


def check_tests(tree, page, lines):
    if "conformance" not in page:
        return
    found = re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\s*\)", tree.text_below("tests"), re.M)
    known = {f"{suite}.{name}" for suite, name in found}
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|") or cells[-1] in ("test", "---"):
            continue
        named = re.findall(r"`(\w+\.\w+)`", cells[-1])
        whole_files = re.findall(r"`tests/[^`]+`", cells[-1])
        if re.match("pass", cells[1]) and not named and not whole_files:
            yield f"{page}:{number}: nothing tests that it passes"
        for test in named:
            if test not in known:
                yield f"{page}:{number}: there is no test {test}"


def check_length(_, page, lines):
    if len(lines) > LINES_MAX:
        yield f"{page}: {len(lines)} lines, more than {LINES_MAX}"


CHECKS = (check_snippets, check_links, check_files, check_names, check_tests, check_length)


def complaints(root):
    tree = Tree(root)
    pages = tree.pages()
    if "README.md" not in pages or len(pages) < 2:
        yield "README.md and docs/*.md are not here"
    for page in pages:
        lines = read(os.path.join(root, page)).splitlines()
        for check in CHECKS:
            yield from check(tree, page, lines)
    for page in set(tree.root_pages()) - set(pages):
        yield from check_links(tree, page, read(os.path.join(root, page)).splitlines())


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(here))
    found = list(complaints(root))
    for complaint in found:
        print(complaint)
    print(f"{len(Tree(root).pages())} pages, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
