"""The commands: `info goroutines` and `goroutine`."""

import re

import gdb

from . import goroutines, objects, unwinding

_UNITS = ((3600, "h"), (60, "min"), (1, "s"))


def _waited(nanoseconds):
    """Go's dumps speak of minutes; here seconds matter, too."""
    if nanoseconds is None:
        return ""
    seconds = nanoseconds // 1_000_000_000
    for size, unit in _UNITS:
        if seconds >= size:
            return f", {seconds // size} {unit}"
    return ""


def _description(g, with_place):
    """The lines for one goroutine."""
    tied = ", locked to thread" if int(g.block["locked_to"]) != 0 else ""
    thread = f" on thread {g.thread.num}" if g.thread is not None else ""
    head = f"{g.label} [{g.standing}{_waited(g.waited_ns())}{tied}]{thread}"
    lines = [head]
    on = objects.waited_on(g)
    if on:
        lines.append(f"    waits on {on}")
    if with_place:
        place = unwinding.location(g)
        if place:
            lines.append(f"    at {place}")
        elif g.stack_pointer == 0 and g.thread is None:
            lines.append("    has not run yet")
    created = g.created_at
    if created:
        lines.append(f"    started at {created}")
    return lines


class InfoGoroutines(gdb.Command):
    """Every goroutine: its number and name, why it waits, on what, where it is, who started it.

    Usage: info goroutines [-brief] [REGEX]

    With a regular expression: those whose lines match it. -brief leaves out where they are, which
    needs no stack to be read: for very many goroutines. A `*` marks the one that the selected
    thread runs, or that `goroutine N` has selected.
    """

    def __init__(self):
        super().__init__("info goroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        brief = "-brief" in words
        pattern = re.compile(" ".join(w for w in words if w != "-brief"))
        everything = goroutines.all_goroutines()
        if not everything:
            print("There are no goroutines.")
        chosen = unwinding.selected()
        thread = gdb.selected_thread()
        shown = 0
        for g in everything:
            lines = _description(g, not brief)
            if not pattern.search("\n".join(lines)):
                continue
            current = g.id == chosen.id if chosen else g.thread and g.thread.num == thread.num
            print(("* " if current else "  ") + "\n  ".join(lines))
            shown += 1
        if shown < len(everything):
            print(f"({shown} of {len(everything)} goroutines)")


class GoroutineCommand(gdb.Command):
    """Looks at goroutines as `thread` does at threads.

    Usage: goroutine               which one is selected
           goroutine N             selects goroutine N: bt, up, frame, info locals ... are about it
           goroutine N COMMAND     runs a command of gdb there, and comes back
           goroutine all COMMAND   the same for each
           goroutine off           back to the thread

    A goroutine that is on no thread is shown above the thread that is selected: its innermost frame
    is #1, and nothing is changed in the program. It works on core files, too. The selection ends
    when the program goes on.
    """

    def __init__(self):
        super().__init__("goroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        which, _, command = argument.strip().partition(" ")
        command = command.strip()
        if not which:
            _tell_selected()
        elif which == "off":
            unwinding.deselect()
        elif which == "all":
            _run_on_all(command or "bt")
        elif not which.isdigit():
            raise gdb.GdbError("Usage: goroutine [N | all | off] [COMMAND]")
        elif command:
            _run_on(goroutines.find(int(which)), command)
        else:
            _select(goroutines.find(int(which)))


def _tell_selected():
    chosen = unwinding.selected()
    if chosen is None:
        thread = gdb.selected_thread()
        here = [g for g in goroutines.all_goroutines() if g.thread and g.thread.num == thread.num]
        chosen = here[0] if here else None
    print(f"[{chosen.label}]" if chosen else "No goroutine is selected, and the thread runs none.")


def _select(g):
    if g.thread is not None:
        unwinding.deselect()
        g.thread.switch()
    else:
        _require_stack(g)
        unwinding.select(g)
    print(f"[{g.label} [{g.standing}]]")
    gdb.execute("frame")


def _require_stack(g):
    if g.stack_pointer == 0:
        raise gdb.GdbError(f"weft: {g.label} has no stack to look at: it is {g.standing}.")


def _run_on(g, command):
    if g.thread is not None:
        with unwinding.OnThread(g.thread):
            gdb.execute(command)
        return
    _require_stack(g)
    with unwinding.Selection(g):
        gdb.execute(command)


def _run_on_all(command):
    for g in goroutines.all_goroutines():
        print(f"\n{g.label} [{g.standing}]:")
        try:
            _run_on(g, command)
        except gdb.error as e:
            print(e)
        except gdb.GdbError as e:
            print(str(e).replace("weft: ", ""))


def register():
    InfoGoroutines()
    GoroutineCommand()
