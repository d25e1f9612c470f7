#!/usr/bin/env python3
"""Runs one example and compares what it prints with the comment at the end of its source.

    test_example.py PROGRAM SOURCE

The comment begins with `// Prints:`, or `// Prints, in any order:`; each further line is `// `
and a line of output.
"""

import subprocess
import sys

HEADS = {"// Prints:": False, "// Prints, in any order:": True}


def promised(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines):
        if line in HEADS:
            output = [text.removeprefix("//").removeprefix(" ") for text in lines[number + 1:]]
            return output, HEADS[line]
    sys.exit(f"{path}: no `// Prints:` at the end")


def main():
    program, source = sys.argv[1:]
    wanted, any_order = promised(source)
    done = subprocess.run([program], capture_output=True, text=True, timeout=120)
    printed = done.stdout.splitlines()
    if any_order:
        wanted, printed = sorted(wanted), sorted(printed)
    if done.returncode != 0 or done.stderr or printed != wanted:
        sys.exit(f"status {done.returncode}\nprinted: {printed}\nwanted:  {wanted}\n{done.stderr}")


if __name__ == "__main__":
    main()
