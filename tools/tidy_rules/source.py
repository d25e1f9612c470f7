"""What every rule reads: the tree of files, and C++ split into code and comments."""

import os
import re
from dataclasses import dataclass, field
from functools import cached_property

SKIPPED_FOLDERS = {"results", ".git", "build", "__pycache__"}
BINARY_ENDINGS = (".png", ".svg", ".gif", ".jpg", ".pdf", ".ico", ".pyc")

# The parts of C++ in which a brace, a word or a quote does not mean itself.
_LEXEMES = re.compile(
    r"""(?P<comment>//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/)
      | (?P<raw>\bR"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)")
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<number>\b\d(?:'?[\w.])*)
      | (?P<char>'(?:[^'\\\n]|\\.)+')""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def _split(text):
    """Returns (code, comments): each as long as the text, with the rest blanked out.

    Code keeps the path of an #include and loses what stands in other strings.
    """
    code, comments, end = [], [], 0
    for match in _LEXEMES.finditer(text):
        between = text[end : match.start()]
        code.append(between)
        comments.append(_blank(between))
        lexeme, end = match.group(), match.end()
        if match.lastgroup == "comment" or match.group("comment"):
            code.append(_blank(lexeme))
            comments.append(lexeme)
            continue
        comments.append(_blank(lexeme))
        line_start = text.rfind("\n", 0, match.start()) + 1
        included = re.match(r"\s*#\s*include\b", text[line_start : match.start()])
        if match.group("number") or included:
            code.append(lexeme)
        else:
            code.append('"' + _blank(lexeme[1:-1]) + '"')
    code.append(text[end:])
    comments.append(_blank(text[end:]))
    return "".join(code), "".join(comments)


@dataclass
class Source:
    path: str  # from the root, with forward slashes
    text: str
    problems: list = field(default_factory=list)

    @property
    def folder(self):
        return os.path.dirname(self.path)

    @property
    def is_cpp(self):
        return self.path.endswith((".cpp", ".hpp", ".h", ".cc"))

    @property
    def is_header(self):
        return self.path.endswith((".hpp", ".h"))

    @property
    def is_assembly(self):
        return self.path.endswith(".S")

    @property
    def is_library(self):
        return self.path.startswith(("src/", "include/"))

    @property
    def is_prose(self):
        return self.path.startswith("docs/") or self.path.endswith(".md")

    @cached_property
    def lines(self):
        return self.text.split("\n")

    @cached_property
    def _halves(self):
        return _split(self.text)

    @cached_property
    def code(self):
        return self._halves[0]

    @cached_property
    def code_lines(self):
        return self.code.split("\n")

    @cached_property
    def comment_lines(self):
        return self._halves[1].split("\n")

    @cached_property
    def head(self):
        """The lines of the comment that the file starts with."""
        taken = []
        for line in self.lines:
            if not line.startswith("//"):
                break
            taken.append(line)
        return taken

    @cached_property
    def includes(self):
        """[(line number, path)] of every #include."""
        pattern = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)[>"]')
        found = ((i, pattern.match(line)) for i, line in enumerate(self.code_lines, 1))
        return [(i, match.group(1)) for i, match in found if match]


class Tree:
    """Every text file of the project below `root`."""

    def __init__(self, root):
        self.root = root
        self.sources = [self._read(path) for path in sorted(self._paths())]

    def _paths(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(
                each
                for each in folders
                if each not in SKIPPED_FOLDERS and not each.startswith("build-")
            )
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.root)
                if not name.endswith(BINARY_ENDINGS):
                    yield path.replace(os.sep, "/")

    def _read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            return Source(path, file.read())

    def cpp(self, *tops):
        """The C++ files, in the named top folders only if any are named."""
        return [s for s in self.sources if s.is_cpp and (not tops or s.path.startswith(tops))]
