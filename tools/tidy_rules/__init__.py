"""The rules of tools/tidy.py, one family a module; each has check(tree) -> findings."""
