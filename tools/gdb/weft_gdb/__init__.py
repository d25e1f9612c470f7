"""weft's extension of gdb. The entry is weft-gdb.py, one folder up.

memory      reading C++ values whose exact layout is not known
goroutines  all goroutines of the program, and which thread runs which
unwinding   looking at a goroutine that is on no thread, as if it were on one
objects     channels, locks and the rest, in words
printers    the same as pretty printers
commands    what the user types
"""


def install():
    """Registers everything; again, and the former is replaced."""
    from . import commands, printers, unwinding

    unwinding.register()
    printers.register()
    commands.register()
