"""weft for gdb: `info goroutines`, `goroutine N COMMAND`, and printers for weft's types.

In gdb, or in ~/.gdbinit: source /path/to/weft-gdb.py
It needs gdb 12 or later, and the debug information of the weft library: CMAKE_BUILD_TYPE Debug or
RelWithDebInfo, or -g. Programs that run and core files will both do.
"""

import importlib
import os
import sys

_HOME = os.path.dirname(os.path.realpath(__file__))
if _HOME not in sys.path:
    sys.path.insert(0, _HOME)

import weft_gdb  # noqa: E402  (its folder had to be found first)

# Sourced again, it takes what is on disk now.
for _part in ("memory", "goroutines", "unwinding", "objects", "printers", "commands"):
    importlib.reload(importlib.import_module("weft_gdb." + _part))
weft_gdb.install()
