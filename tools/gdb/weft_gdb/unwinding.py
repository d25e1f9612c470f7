"""Looking at a goroutine that is on no thread, as if it were on one.

A core file's registers cannot be written, and those of a live program had better not be. So gdb is
told that the frame in which the selected thread stands (#0) was called by the frame in which the
goroutine stands (#1): an unwinder gives the stack pointer, the frame pointer and the address that
the goroutine's switch has saved. Everything above follows from the debug information, as always.
The frame filter leaves #0 out.
"""

import gdb
from gdb.unwinder import Unwinder, register_unwinder


class Registers:
    """What a switch saves, and where. See src/port/switch."""

    def __init__(self, pc, sp, fp, above_sp):
        self.pc, self.sp, self.fp, self.above_sp = pc, sp, fp, above_sp


def registers_here():
    name = gdb.selected_inferior().architecture().name()
    if "x86-64" in name:
        return Registers("rip", "rsp", "rbp", 16 + 128)  # two words, then the red zone
    if "aarch64" in name:
        return Registers("pc", "sp", "x29", 16)
    raise gdb.GdbError(f"weft: no context switch is known for {name}.")


class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class _Selected:
    """A goroutine's saved registers, and the thread that they are looked at through."""

    def __init__(self, goroutine):
        self.goroutine = goroutine
        self.registers = registers_here()
        word = gdb.lookup_type("unsigned long")
        saved = gdb.Value(goroutine.stack_pointer).cast(word.pointer())
        self.pc, self.fp = int(saved[0]), int(saved[1])
        self.sp = goroutine.stack_pointer + self.registers.above_sp
        self.thread = gdb.selected_thread()
        frame = gdb.newest_frame()
        self.thread_pc = int(frame.read_register(self.registers.pc))
        self.thread_sp = int(frame.read_register(self.registers.sp))


_selected = None
_in_a_call = False


def selected():
    """The goroutine that is looked at; None: threads are."""
    return _selected.goroutine if _selected is not None else None


def select(goroutine):
    """Its innermost frame of the user's is selected, if it has one."""
    deselect()
    _set(_Selected(goroutine))
    innermost = gdb.newest_frame().older()
    if innermost is None:
        deselect()
        raise gdb.GdbError(f"weft: the stack of {goroutine.label} cannot be read.")
    (user_frame(innermost) or innermost).select()


def deselect():
    if _selected is not None:
        _set(None)
        try:
            gdb.newest_frame().select()
        except gdb.error:
            pass


def _set(to):
    global _selected
    _selected = to
    gdb.invalidate_cached_frames()


class _Visit:
    """Comes back to the thread, the goroutine and the frame that were looked at before."""

    def __enter__(self):
        self._before = _selected
        self._thread = gdb.selected_thread()
        try:
            self._level = gdb.selected_frame().level()
        except gdb.error:
            self._level = 0
        self._go_there()

    def __exit__(self, *_):
        if self._thread is not None and self._thread.is_valid():
            self._thread.switch()
        _set(self._before)
        try:
            frame = gdb.newest_frame()
        except gdb.error:
            return False  # the command has ended the program
        while frame is not None and frame.level() < self._level:
            frame = frame.older()
        if frame is not None:
            frame.select()
        return False


class Selection(_Visit):
    """A goroutine that is on no thread is looked at within a `with`."""

    def __init__(self, goroutine):
        self._goroutine = goroutine

    def _go_there(self):
        select(self._goroutine)


class OnThread(_Visit):
    """A thread is looked at within a `with`, and no goroutine."""

    def __init__(self, thread):
        self._to = thread

    def _go_there(self):
        _set(None)
        self._to.switch()


class GoroutineUnwinder(Unwinder):
    def __init__(self):
        super().__init__("weft goroutines")

    def __call__(self, pending):
        if _selected is None:
            return None
        chosen, names = _selected, _selected.registers
        pc, sp = pending.read_register(names.pc), pending.read_register(names.sp)
        if int(pc) != chosen.thread_pc or int(sp) != chosen.thread_sp:
            return None
        # Inner to the goroutine's frames, or gdb takes the stack for a broken one.
        info = pending.create_unwind_info(
            FrameId(gdb.Value(chosen.goroutine.stack_pointer).cast(sp.type), pc)
        )
        info.add_saved_register(names.pc, gdb.Value(chosen.pc).cast(pc.type))
        info.add_saved_register(names.sp, gdb.Value(chosen.sp).cast(sp.type))
        fp = pending.read_register(names.fp)
        info.add_saved_register(names.fp, gdb.Value(chosen.fp).cast(fp.type))
        return info


class OnlyGoroutineFrames:
    """Leaves out the thread's frame of a goroutine's backtrace, and the end of its stack."""

    def __init__(self):
        self.name = "weft goroutines"
        self.priority = 10_000
        self.enabled = True
        gdb.frame_filters[self.name] = self

    def filter(self, frames):
        return (f for f in frames if self._belongs(f.inferior_frame()))

    @staticmethod
    def _belongs(frame):
        if frame.level() == 0:
            return _selected is None
        return frame.pc() != 0 or frame.older() is not None


def _on_continue(_event):
    """The threads go on: what was looked at does not stand there any more."""
    if not _in_a_call:
        _set(None)


def _on_call(event):
    global _in_a_call
    _in_a_call = isinstance(event, gdb.InferiorCallPreEvent)


def register():
    register_unwinder(None, GoroutineUnwinder(), replace=True)
    OnlyGoroutineFrames()
    gdb.events.cont.connect(_on_continue)
    gdb.events.inferior_call.connect(_on_call)


# --- where a goroutine is ---

_OUR_OWN = ("weft::", "std::", "__gnu_cxx::", "__tsan", "__asan", "__sanitizer", "__interceptor")
_FRAMES_MAX = 64


def _is_users(name):
    return name is not None and not name.startswith(_OUR_OWN)


def user_frame(frame):
    """From this one outwards, the first that is neither weft's nor the library's; None: none."""
    for _ in range(_FRAMES_MAX):
        if frame is None:
            return None
        if _is_users(frame.name()):
            return frame
        try:
            frame = frame.older()
        except gdb.error:
            return None
    return None


def _name_of_lambda(frame):
    """main::{lambda()#1}; inlined, it is known by its line only."""
    if frame.type() == gdb.INLINE_FRAME:
        return "a lambda"
    text = gdb.execute(f"info symbol {frame.pc()}", to_string=True)
    return text.partition("::operator()")[0] if "{lambda" in text else "a lambda"


def words_for(frame):
    """function at file:line"""
    place = frame.find_sal()
    text = frame.name() or hex(frame.pc())
    if text == "operator()":
        text = _name_of_lambda(frame)
    return f"{text} at {place.symtab.filename}:{place.line}" if place.symtab else text


def location(goroutine):
    """Where the user's code of a goroutine is."""
    if goroutine.thread is not None:
        with OnThread(goroutine.thread):
            found = user_frame(gdb.newest_frame())
            return words_for(found) if found else ""
    if goroutine.stack_pointer == 0:
        return ""
    with Selection(goroutine):
        found = gdb.selected_frame()
        return words_for(found) if _is_users(found.name()) else ""
