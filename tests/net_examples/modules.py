"""Python's modules that a test needs and a machine may lack."""

import importlib
import os
import sys

SKIPPED = 77  # ctest's SKIP_RETURN_CODE
SYSTEM_PYTHON = "/usr/bin/python3"  # has the distribution's packages, whatever else there is


def need(*names):
    """The modules; without them the test is skipped. The system's Python is tried, too."""
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as missing:
        if os.path.exists(SYSTEM_PYTHON) and "WEFT_TEST_PYTHON" not in os.environ:
            os.environ["WEFT_TEST_PYTHON"] = SYSTEM_PYTHON
            os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, "-B", *sys.argv])
        skip(f"{missing.name} is not there (scripts/setup installs it)")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)
