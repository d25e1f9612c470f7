"""Pretty printers: what `print` and `info locals` show of weft's objects."""

import gdb
import gdb.printing

from . import goroutines, objects


class _Printer:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        try:
            return self.words()
        except (gdb.error, gdb.GdbError) as e:
            return f"(cannot be read: {e})"


class _ChannelPrinter(_Printer):
    def _channel(self):
        pointer = self.value["core_"]
        if int(pointer) == 0:
            return None
        kind = self.value.type.strip_typedefs()
        element = kind.template_argument(0)
        return objects.Channel(pointer, None if element.code == gdb.TYPE_CODE_VOID else element)

    def words(self):
        channel = self._channel()
        return channel.words() if channel else "nil channel"

    def children(self):
        try:
            channel = self._channel()
            for i, element in enumerate(channel.elements() if channel else ()):
                yield f"[{i}]", element
        except (gdb.error, gdb.GdbError):
            return


def _of_core(words):
    """For a type that holds its state in `core_`."""

    class CorePrinter(_Printer):
        def words(self):
            return words(self.value["core_"])

    return CorePrinter


def _of_pointer(words, name, null):
    """For a handle with a pointer."""

    class PointerPrinter(_Printer):
        def words(self):
            pointer = self.value[name]
            return words(pointer) if int(pointer) else null

    return PointerPrinter


class _GoroutinePrinter(_Printer):
    def words(self):
        g = goroutines.Goroutine(self.value)
        return "a block without a goroutine" if g.state == "unused" else f"{g.label} [{g.standing}]"


_HANDLES = "chan|recv_chan|send_chan|oneshot|unbounded_chan|subscription"

_PRINTERS = (
    ("channel", rf"^weft::({_HANDLES})<.*>$", _ChannelPrinter),
    ("mutex", "^weft::mutex$", _of_core(objects.mutex_words)),
    ("shared_mutex", "^weft::shared_mutex$", _of_core(objects.shared_mutex_words)),
    ("wait_group", "^weft::wait_group$", _of_pointer(objects.wait_group_words, "core_", "moved")),
    ("condition_variable", "^weft::condition_variable$", _of_core(objects.condition_words)),
    ("semaphore", "^weft::semaphore$", _of_core(objects.semaphore_words)),
    ("once", "^weft::once$", _of_core(objects.once_words)),
    ("latch", "^weft::latch$", _of_core(objects.latch_words)),
    ("barrier", "^weft::barrier<.*>$", _of_core(objects.barrier_words)),
    ("event", "^weft::event$", _of_core(objects.event_words)),
    ("context", "^weft::context$", _of_pointer(objects.context_words, "node_", "nil context")),
    ("task", "^weft::task<.*>$", _of_pointer(objects.task_words, "block_", "no task")),
    ("goroutine", "^weft::detail::goroutine$", _GoroutinePrinter),
)


def register():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("weft")
    for name, pattern, printer in _PRINTERS:
        collection.add_printer(name, pattern, printer)
    gdb.printing.register_pretty_printer(None, collection, replace=True)


