#!/usr/bin/env python3
"""Checks what this project's style can be checked for by a program.

Layers (tools/layers.txt), banned words, memory orders with their reasons, sizes with a ratchet
(tools/ratchet.txt). Prints `file:line: what to do` and ends with status 1 if anything was found.
"""

import argparse
import os
import sys

from tidy_rules import bans, layers, orders, sizes
from tidy_rules.source import Tree

RULES = (layers, bans, orders, sizes)


def check(root):
    tree = Tree(root)
    return sorted({finding for rule in RULES for finding in rule.check(tree)})


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--root", default=home, help="the tree to check (default: this project)")
    parser.add_argument("--update", action="store_true", help="lower the ratchet where possible")
    options = parser.parse_args(arguments)
    if options.update:
        sizes.update(Tree(options.root))
    findings = check(options.root)
    for finding in findings:
        print(finding)
    if findings:
        print(f"tidy: {len(findings)} found", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
