"""Channels, locks and the rest, in words: what the printers and `info goroutines` say of them."""

import gdb

from . import goroutines, memory

_WORDS_FOR_KIND = (
    ("growing_channel", "unbounded channel"),
    ("one_value_channel", "oneshot"),
    ("timer_channel", "timer channel"),
    ("subscriber", "subscription"),
    ("done_channel", "done channel"),
    ("closed_channel_core", "done channel"),
)

_STACK_TOKEN_SHIFT = 12
_STACK_TOKEN_MARK = 1 << 31


def typed(pointer, name):
    """What it points to, as one of the library's types: the user's file may only know the name."""
    return gdb.Value(int(pointer)).cast(memory.weft_type(name).pointer()).dereference()


def waiter_words(pointer):
    """'goroutine 7' or 'a thread'"""
    waiter = typed(pointer, "waiter")
    if memory.enumerator(waiter["is"]) == "thread":
        return "a thread"
    return goroutines.Goroutine(typed(pointer, "goroutine")).label


def deque_nodes(queue):
    """The nodes of a wait_queue, a wait_list or any other list of waiting nodes."""
    while memory.has_field(queue, "nodes_"):
        queue = queue["nodes_"]
    first = memory.scalar(queue["first"] if memory.has_field(queue, "first") else queue["first_"])
    return memory.linked(first.cast(memory.weft_type("wait_node").pointer()))


def waiters_of(queue):
    return [waiter_words(node["who"]) for node in deque_nodes(queue)]


def line_waiters(waiting_line):
    """Of once, latch, event and barrier: a lock and a queue in a room of bytes."""
    return waiters_of(memory.seen_as(waiting_line, memory.weft_type("line"))["waiters"])


def waiting_words(waiters, doing="waiting"):
    return f"{', '.join(waiters)} {doing}" if waiters else ""


def joined(*parts):
    return ", ".join(p for p in parts if p)


# --- channels ---


class Channel:
    def __init__(self, pointer, element_type=None):
        self.core = typed(pointer, "channel_core")
        self.address = int(pointer)
        self.element_type = element_type
        self.capacity = int(self.core["capacity_"])
        self.count = memory.number(self.core["count_"])
        self.closed = self._is_closed()

    def _is_closed(self):
        if memory.has_field(self.core, "mode_"):
            return bool(memory.number(self.core["mode_"]) & 1)
        return bool(memory.field_number(self.core, "closed_"))

    @property
    def kind(self):
        try:
            dynamic = str(self.core.dynamic_type)
        except gdb.error:
            dynamic = ""
        for part, words in _WORDS_FOR_KIND:
            if part in dynamic:
                return words
        return "channel"

    def words(self):
        kind = self.kind
        room = f"{self.count} of {self.capacity} in its buffer" if self.capacity else "unbuffered"
        if kind == "unbounded channel":
            room = f"{self.count} inside"
        elif kind != "channel":
            room = f"{self.count} inside" if self.count else "empty"
        return f"{kind} 0x{self.address:x}: " + joined(
            room,
            "closed" if self.closed else "open",
            waiting_words(waiters_of(self.core["receivers"]), "receiving"),
            waiting_words(waiters_of(self.core["senders"]), "sending"),
        )

    def elements(self):
        """What is in the buffer, oldest first, as far as its type is known."""
        ops = self.core["ops_"]
        size, buffer = int(ops["size"]), int(self.core["buffer_"])
        if self.element_type is None or buffer == 0 or self.capacity == 0:
            return
        kind, boxed = self.element_type, self._is_boxed(ops)
        if not boxed and kind.sizeof != size:
            return
        first = int(self.core["head_"])
        for i in range(self.count):
            place = gdb.Value(buffer + (first + i) % self.capacity * size)
            pointer = place.cast(kind.pointer().pointer() if boxed else kind.pointer())
            yield pointer.dereference().dereference() if boxed else pointer.dereference()

    @staticmethod
    def _is_boxed(ops):
        """An element whose move may throw travels as a std::unique_ptr, which is one pointer."""
        symbol = gdb.execute(f"info symbol {int(ops.address)}", to_string=True)
        return "boxed<" in symbol


# --- locks ---


def holder_words(token):
    """Who holds a lock, from the page of its stack that is kept in the lock."""
    if token & _STACK_TOKEN_MARK == 0:
        return ""
    page = token & (_STACK_TOKEN_MARK - 1)
    for g in goroutines.all_goroutines():
        low, high = g.stack_range
        pages = (high - low) >> _STACK_TOKEN_SHIFT
        first = (low >> _STACK_TOKEN_SHIFT) & (_STACK_TOKEN_MARK - 1)
        if low and (page - first) % _STACK_TOKEN_MARK < pages:
            return f"by {g.label}"
    return "by a thread, or by a goroutine that has ended"


def mutex_words(core):
    held = memory.number(core["held"])
    state = joined("locked " + holder_words(held)).strip() if held else "unlocked"
    return f"mutex: {joined(state, waiting_words(waiters_of(core['waiters'])))}"


def shared_mutex_words(core):
    state = memory.number(core["state"])
    if state & 1:
        token = memory.field_number(core, "writer_stack")
        words = ("locked for writing " + holder_words(token)).strip()
    elif state >> 2:
        readers = state >> 2
        words = f"locked by {readers} reader" + ("s" if readers > 1 else "")
    else:
        words = "unlocked"
    return "shared_mutex: " + joined(
        words,
        waiting_words(waiters_of(core["writers"]), "waiting to write"),
        waiting_words(waiters_of(core["readers"]), "waiting to read"),
    )


def wait_group_words(pointer):
    core = typed(pointer, "wait_group_core")
    count = memory.number(core["word"]) >> 32
    return f"wait_group 0x{int(pointer):x}: " + joined(
        f"count {count}", waiting_words(waiters_of(core["waiters"]))
    )


def condition_words(core):
    waiters = waiters_of(core["waiters"])
    return "condition_variable: " + (waiting_words(waiters) or "nobody waits")


def semaphore_words(core):
    free, size = memory.number(core["word_"]) >> 1, int(core["size_"])
    waiters = []
    try:
        kind = memory.weft_type("semaphore_core::requests")
        line = memory.seen_as(core["line_"], kind)["line"]
        for node in memory.linked(memory.scalar(line["first_"])):
            waiters.append(f"{waiter_words(node['who'])} for {int(node['need'])}")
    except gdb.error:
        pass
    return "semaphore: " + joined(f"{free} of {size} free", waiting_words(waiters))


def once_words(core):
    state = memory.enumerator(core["state_"])
    words = {"idle": "not called", "running": "its function runs", "done": "done"}
    waiters = waiting_words(line_waiters(core["line_"]))
    return "once: " + joined(words.get(state, state), waiters)


def latch_words(core):
    left = memory.number(core["word_"]) >> 1
    words = f"{left} to be counted down" if left else "open"
    return "latch: " + joined(words, waiting_words(line_waiters(core["line_"])))


def barrier_words(core):
    expected, missing = int(core["expected_"]), int(core["missing_"])
    return "barrier: " + joined(
        f"phase {memory.number(core['phase_'])}",
        f"{missing} of {expected} still to come",
        waiting_words(line_waiters(core["line_"])),
    )


def event_words(core):
    is_set = memory.number(core["word_"]) == 2
    waiters = waiting_words(line_waiters(core["line_"]))
    return "event: " + joined("set" if is_set else "not set", waiters)


# --- contexts and tasks ---


def context_words(pointer):
    node = typed(pointer, "context_node")
    kind = memory.enumerator(node["is"]).replace("_", " ")
    if int(node["cancels_"]) == 0:
        return f"context 0x{int(pointer):x}: {kind}, is never cancelled"
    cancels = typed(node["cancels_"], "cancellable_node")
    cancelled = memory.number(cancels["state"]["cancelled_"])
    state = "cancelled" if cancelled else "not cancelled"
    return f"context 0x{int(pointer):x}: {kind}, {state}"


def task_words(pointer):
    core = typed(pointer, "task_core")
    if not memory.number(core["word_"]) & 1:
        started = int(core["goroutine_"])
        return "task: not ready" + (f", goroutine {int(core['id_'])}" if started else "")
    outcome = memory.enumerator(core["outcome_"])
    words = {"value": "has a value", "error": "ended by an exception", "exited": "exited"}
    taken = ", taken" if int(core["taken_"]) else ""
    return "task: " + words.get(outcome, outcome) + taken


# --- what a goroutine waits on ---


def _select_words(pointer):
    request = typed(pointer, "select_request")
    cases = request["cases"]
    if memory.has_field(cases, "_M_ptr"):
        first, count = cases["_M_ptr"], int(cases["_M_extent"]["_M_extent_value"])
    else:
        first, count = cases["__data_"], int(cases["__size_"])
    words = []
    for i in range(min(count, 8)):
        case = first[i]
        way = memory.enumerator(case["way"])
        if way == "cancel":
            words.append("a cancellation")
        else:
            preposition = "from" if way == "receive" else "to"
            channel = int(case["channel"])
            words.append(f"{way} {preposition} " + (f"0x{channel:x}" if channel else "nil"))
    return "; ".join(words + (["..."] if count > 8 else []))


def symbol_at(address):
    """'the_lock' if a static object of that name stands there."""
    text = gdb.execute(f"info symbol {address}", to_string=True).strip()
    if text.startswith("No symbol"):
        return ""
    return text.split(" in section")[0]


def waited_on(goroutine):
    """What it waits on, short."""
    address = goroutine.waits_on
    if address == 0:
        return ""
    reason = memory.enumerator(goroutine.block["reason"])
    try:
        if reason == "select":
            return _select_words(address)
        if reason.startswith("chan_"):
            return Channel(address).kind + f" 0x{address:x}"
    except (gdb.error, gdb.GdbError):
        pass
    name = symbol_at(address)
    return f"0x{address:x}" + (f" <{name}>" if name else "")
