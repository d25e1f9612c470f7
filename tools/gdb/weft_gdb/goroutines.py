"""All goroutines of the program, and which thread runs which.

The control blocks are made in chunks that the runtime keeps for ever, so that all are found without
knowing who holds them. Which thread runs a goroutine is told by the threads' stack pointers: that
is right for stuck and detached workers, too.
"""

import time

import gdb

from . import memory

STACK_BYTES_MIN = 16 * 1024
CHUNK_COUNT = 64
COARSE_TICK_NS = 1 << 22
ON_ITS_STACK = 1  # execution::elsewhere()

# Go's words. A reason that is not here is told by its name; the tests compare with the library's.
REASONS = {
    "none": "",
    "chan_receive": "chan receive",
    "chan_send": "chan send",
    "chan_receive_nil": "chan receive (nil chan)",
    "chan_send_nil": "chan send (nil chan)",
    "select": "select",
    "select_no_cases": "select (no cases)",
    "sleep": "sleep",
    "wait_group": "sync.WaitGroup.Wait",
    "mutex_lock": "sync.Mutex.Lock",
    "shared_mutex_lock": "sync.RWMutex.Lock",
    "shared_mutex_lock_shared": "sync.RWMutex.RLock",
    "condition": "sync.Cond.Wait",
    "once": "sync.Once.Do",
    "semaphore": "semacquire",
    "latch": "latch",
    "barrier": "barrier",
    "event": "event",
    "single_flight": "singleflight",
    "task_join": "task join",
    "task_group": "task group wait",
    "parallel": "parallel wait",
    "io_read": "IO wait",
    "io_write": "IO wait",
}


class Goroutine:
    """One control block, read when it is asked."""

    def __init__(self, block):
        self.block = block
        self.thread = None  # the gdb.InferiorThread that runs it
        self.id = int(block["id"])
        self.state = self._state()
        self.name = memory.c_string(block["own"]["name"]) if self.state != "unused" else ""

    def _state(self):
        states = {f.enumval & 3: f.name.rsplit("::", 1)[-1] for f in _state_type().fields()}
        return states[memory.number(self.block["state"]) & 3]

    @property
    def label(self):
        """goroutine 7 'reader'"""
        return f"goroutine {self.id}" + (f" '{self.name}'" if self.name else "")

    @property
    def reason(self):
        """Why it waits, in Go's words."""
        name = memory.enumerator(self.block["reason"])
        return REASONS.get(name, name.replace("_", " "))

    @property
    def standing(self):
        """What Go writes into the brackets: its state, or the reason why it waits."""
        if self.thread is not None:
            return "running"
        if self.state == "waiting":
            return self.reason or "waiting"
        return self.state

    @property
    def waits_on(self):
        if self.state != "waiting" or not memory.has_field(self.block, "waits_on"):
            return 0
        return memory.number(self.block["waits_on"])

    @property
    def stack_pointer(self):
        """Where it stands; 0: it has no stack yet, or it is on it."""
        pointer = int(self.block["context"]["stack_pointer"])
        return 0 if pointer == ON_ITS_STACK else pointer

    @property
    def stack_range(self):
        low = int(self.block["memory"]["bits_"]) & ~1
        return low, low + (STACK_BYTES_MIN << int(self.block["size"]) if low else 0)

    @property
    def created_at(self):
        """Where it was started: "file:line (function)", or a function's name."""
        site = self.block["site"]
        source = site["where"]["_M_impl"] if memory.has_field(site["where"], "_M_impl") else None
        if source is not None and int(source) != 0 and int(source["_M_line"]) != 0:
            file = memory.c_string(source["_M_file_name"])
            function = memory.c_string(source["_M_function_name"])
            return f"{file}:{int(source['_M_line'])} ({function})"
        return place_of(int(site["address"]))

    def waited_ns(self):
        """None: it does not wait, or this version does not know."""
        if self.state != "waiting" or not memory.has_field(self.block, "since"):
            return None
        ticks = _ticks_now() - memory.number(self.block["since"])
        return max(ticks, 0) * COARSE_TICK_NS


def place_of(address):
    """ "file:line (function)" of a code address that a call returns to."""
    if address == 0:
        return ""
    line = gdb.find_pc_line(address - 1)
    block = gdb.block_for_pc(address - 1)
    while block is not None and block.function is None:
        block = block.superblock
    function = str(block.function) if block is not None else hex(address)
    return f"{line.symtab.filename}:{line.line} ({function})" if line.symtab else function


def _state_type():
    return memory.weft_type("goroutine_state")


def is_core_file():
    connection = getattr(gdb.selected_inferior(), "connection", None)
    return connection is not None and connection.type == "core"


def _ticks_now():
    """The clock of the process: this machine's; of a core file, what weft last noted."""
    if not is_core_file():
        return time.monotonic_ns() // COARSE_TICK_NS & 0xFFFFFFFF
    try:
        return memory.number(gdb.parse_and_eval("weft::detail::coarse_clock"))
    except gdb.error:
        return 0


def _runtime():
    if gdb.selected_thread() is None:
        raise gdb.GdbError("weft: no program runs, and no core file is loaded.")
    address = memory.address_of_static("weft::detail::runtime::make()::room")
    if address == 0:
        memory.weft_type("runtime")
        raise gdb.GdbError("weft: this program does not use weft, or has not loaded it yet.")
    kind = memory.weft_type("runtime")
    return gdb.Value(address).cast(kind.pointer()).dereference()


def all_goroutines():
    """In the order of their numbers, with the threads that run them."""
    chunks = _runtime()["pool_"]["chunks_"]
    block_type = memory.weft_type("goroutine")
    # A std::unique_ptr<goroutine[]> is one pointer.
    found = []
    for chunk in memory.vector(chunks, block_type.pointer()):
        for index in range(CHUNK_COUNT):
            g = Goroutine(chunk[index])
            if g.state != "unused":
                found.append(g)
    found.sort(key=lambda g: g.id)
    _assign_threads(found)
    return found


def _assign_threads(goroutines):
    pointers = thread_stack_pointers()
    for g in goroutines:
        low, high = g.stack_range
        if g.stack_pointer != 0 or low == 0:
            continue
        for thread, pointer in pointers:
            if low <= pointer < high:
                g.thread = thread


def thread_stack_pointers():
    """Of every thread that is stopped."""
    pointers = []
    with Place():
        for thread in gdb.selected_inferior().threads():
            try:
                thread.switch()
                pointers.append((thread, int(gdb.newest_frame().read_register("sp"))))
            except gdb.error:
                continue  # it runs
    return pointers


class Place:
    """Comes back to the thread and the frame that were selected."""

    def __enter__(self):
        self._thread = gdb.selected_thread()
        try:
            self._frame = gdb.selected_frame()
        except gdb.error:
            self._frame = None
        return self

    def __exit__(self, *_):
        if self._thread is not None and self._thread.is_valid():
            self._thread.switch()
        if self._frame is not None and self._frame.is_valid():
            self._frame.select()
        return False


def by_block_address():
    return {int(g.block.address): g for g in all_goroutines()}


def find(number):
    for g in all_goroutines():
        if g.id == number:
            return g
    raise gdb.GdbError(f"weft: there is no goroutine {number}. See `info goroutines`.")
