#!/usr/bin/env python3
"""Drives gdb with weft's extension on a small program, alive and as a core file.

The program (subject.cpp) calls `everybody_rests` again and again; gdb lets it go on until every
goroutine waits for what it is to wait for. Nothing depends on time.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EXTENSION = os.path.join(ROOT, "tools", "gdb", "weft-gdb.py")
options = None

# Who is to wait for what, before the program is looked at.
WAITING = {
    "receiver": "chan receive",
    "locker": "sync.Mutex.Lock",
    "chooser": "select",
    "sleeper": "sleep",
    "grouped": "sync.WaitGroup.Wait",
    "reader": "sleep",
    "acquirer": "semacquire",
    "conditional": "sync.Cond.Wait",
    "eventual": "event",
    "latched": "latch",
}

# Run in gdb: goes on until all wait, then defines $of_receiver and the like.
UNTIL_ALL_REST = """
python
import gdb
from weft_gdb import goroutines
wanted = %r
for _ in range(9000):
    found = {g.name: g for g in goroutines.all_goroutines()}
    if all(n in found and found[n].standing == w for n, w in wanted.items()):
        break
    gdb.execute('continue', to_string=True)
else:
    raise gdb.GdbError('they do not come to rest')
end
"""

NUMBERS = """
python
from weft_gdb import goroutines
for g in goroutines.all_goroutines():
    gdb.set_convenience_variable('of_' + g.name.replace(' ', '_'), g.id)
def goroutine(name, command):
    number = int(gdb.convenience_variable('of_' + name.replace(' ', '_')))
    gdb.execute('goroutine %d %s' % (number, command))
end
"""

LOOKS = [
    ("info", "info goroutines"),
    ("brief", "info goroutines -brief"),
    ("filtered", "info goroutines chan receive"),
    ("backtrace", "python goroutine('receiver', 'bt')"),
    ("locals", "python goroutine('receiver', 'info locals')"),
    ("up", "python goroutine('receiver', 'up')"),
    ("all", "goroutine all bt"),
    ("running", "python goroutine('runner', 'bt')"),
    ("never", "python goroutine('never run', 'bt')"),
    ("none", "goroutine 999999999 bt"),
    ("afterwards", "bt 1"),
    ("select", "python goroutine('chooser', '')"),
    ("selected", "goroutine"),
    ("selected bt", "bt"),
    ("off", "goroutine off"),
    ("off bt", "bt 1"),
    ("lock", "print the_lock"),
    ("shared", "print the_shared_lock"),
    ("condition", "print the_condition"),
    ("semaphore", "print the_semaphore"),
    ("event", "print the_event"),
    ("latch", "print the_latch"),
    ("once", "print the_once"),
    ("requests", "print requests"),
    ("answers", "print answers"),
    ("fragiles", "print fragiles"),
    ("group", "print the_group"),
    ("runner frame", "python goroutine('runner', 'frame function run_on')"),
    ("context", "python goroutine('runner', 'frame function everybody_rests')"),
]


def run_gdb(arguments, commands, guards="mprotect"):
    """What each named command printed."""
    script = ["set pagination off", "set width 0", "set confirm off", "source " + EXTENSION]
    for command in commands:
        if isinstance(command, str):
            script.append(command)
        else:
            name, line = command
            # An error ends a script, but not what `python` has caught.
            script.append(f"echo \\n@@@ {name}\\n")
            script.append("python\ntry:\n    gdb.execute(%r)" % line)
            script.append("except gdb.error as e:\n    print('error:', e)\nend")
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as file:
        file.write("\n".join(script) + "\n")
        file.flush()
        # gdb's own core files lose what is behind a guard of another kind.
        environment = dict(os.environ, WEFT_GUARDS=guards, LC_ALL="C")
        done = subprocess.run(
            [options.gdb, "-nx", "-batch", "-x", file.name] + arguments,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, timeout=120, text=True, check=False)
    parts = re.split(r"(?m)^@@@ (.*)\n", done.stdout)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}


def look_at_live(program, core=None):
    commands = ["break everybody_rests", "run > /dev/null", UNTIL_ALL_REST % WAITING, NUMBERS]
    commands += LOOKS
    if core:
        commands.append(("core", f"generate-core-file {core}"))
    return run_gdb([program], commands + ["kill"])


class Looks:
    """What must be seen; alive and in a core file, however it was compiled."""

    optimized = False

    def said(self, name):
        self.assertIn(name, self.seen, "gdb said: " + self.seen[""])
        return self.seen[name]

    def entry(self, goroutine):
        """The lines of `info goroutines` for one."""
        match = re.search(rf"(?m)^[* ] goroutine \d+ '{goroutine}' .*(\n      .*)*",
                          self.said("info"))
        self.assertTrue(match, self.said("info"))
        return match.group()

    def test_every_goroutine_has_its_name_and_go_s_words_for_its_reason(self):
        for name, words in WAITING.items():
            self.assertRegex(self.entry(name), rf"'{name}' \[{re.escape(words)}[],]")

    def test_the_one_that_runs_is_marked_with_its_thread(self):
        self.assertRegex(self.entry("runner"), r"^\* goroutine \d+ 'runner' \[running\] on thread")

    def test_one_that_never_ran_says_so(self):
        self.assertIn("[runnable]", self.entry("never run"))
        self.assertIn("has not run yet", self.entry("never run"))
        self.assertIn("has no stack to look at", self.said("never"))

    def test_the_place_is_the_users_frame(self):
        self.assertRegex(self.entry("receiver"), r"at .*receive_one at .*subject\.cpp:\d+")
        self.assertRegex(self.entry("locker"), r"at .*wait_for_the_lock at .*subject\.cpp:\d+")
        self.assertRegex(self.entry("chooser"), r"at .*choose at .*subject\.cpp:\d+")

    def test_it_is_said_where_each_was_started(self):
        for name in WAITING:
            self.assertRegex(self.entry(name), r"started at .*subject\.cpp:\d+ .*start_those")
        self.assertRegex(self.entry("runner"), r"started at .*subject\.cpp:\d+ .*main")

    def test_it_is_said_what_each_waits_on(self):
        self.assertRegex(self.entry("receiver"), "waits on channel 0x")
        self.assertRegex(self.entry("locker"), "waits on 0x.*the_lock>")
        self.assertRegex(self.entry("acquirer"), "waits on 0x.*the_semaphore>")
        self.assertRegex(self.entry("chooser"), "waits on (receive|send).*; (receive|send)")

    def test_brief_says_no_places(self):
        self.assertIn("'receiver' [chan receive", self.said("brief"))
        self.assertNotIn("receive_one", self.said("brief"))

    def test_a_filter_chooses(self):
        self.assertIn("'receiver'", self.said("filtered"))
        self.assertNotIn("'sleeper'", self.said("filtered"))
        self.assertRegex(self.said("filtered"), r"\(1 of \d+ goroutines\)")

    def test_a_backtrace_goes_from_the_switch_to_the_users_frames(self):
        text = self.said("backtrace")
        self.assertRegex(text, r"(?s)switch_context.*receive_one.*\(depth=2\)"
                               r".*outer_of_receiver.*\(depth=1\).*goroutine_main")
        self.assertNotIn("everybody_rests", text)
        self.assertNotIn("corrupt", text)

    def test_locals_are_those_of_the_users_frame(self):
        self.assertIn("local_of_receiver = ", self.said("locals"))
        if not self.optimized:
            self.assertIn("local_of_receiver = 4713", self.said("locals"))

    def test_up_goes_to_the_caller(self):
        self.assertIn("outer_of_receiver", self.said("up"))

    def test_all_have_their_backtraces(self):
        for function in ("receive_one", "wait_for_the_lock", "choose", "everybody_rests"):
            self.assertIn(function, self.said("all"))

    def test_one_that_runs_is_looked_at_on_its_thread(self):
        self.assertRegex(self.said("running"), r"(?s)#0 .*everybody_rests.*#1 .*run_on")

    def test_a_number_that_does_not_exist_is_an_error(self):
        self.assertIn("there is no goroutine 999999999", self.said("none"))

    def test_afterwards_the_thread_is_as_it_was(self):
        self.assertRegex(self.said("afterwards"), "^#0 .*everybody_rests")

    def test_a_goroutine_can_be_selected_and_left(self):
        self.assertRegex(self.said("selected"), r"\[goroutine \d+ 'chooser'\]")
        self.assertRegex(self.said("selected bt"), r"(?s)#1 .*switch_context.*choose")
        self.assertRegex(self.said("off bt"), "^#0 .*everybody_rests")

    def test_locks_say_who_holds_them_and_who_waits(self):
        self.assertRegex(self.said("lock"), r"mutex: locked.*goroutine \d+ 'locker' waiting")
        self.assertIn("shared_mutex: locked by 1 reader", self.said("shared"))
        self.assertRegex(self.said("condition"), r"goroutine \d+ 'conditional' waiting")

    def test_gates_say_what_is_left_and_who_waits(self):
        self.assertRegex(self.said("semaphore"), r"1 of 3 free, goroutine \d+ 'acquirer' for 2")
        self.assertRegex(self.said("event"), r"not set, goroutine \d+ 'eventual' waiting")
        self.assertRegex(self.said("latch"), r"2 to be counted down, goroutine \d+ 'latched' wait")
        self.assertRegex(self.said("group"), r"count 2, goroutine \d+ 'grouped' waiting")
        self.assertIn("once: done", self.said("once"))

    def test_channels_show_what_is_in_them(self):
        self.assertRegex(self.said("requests"), r"3 of 4 in its buffer, open = \{.*11.*22.*33\}")
        self.assertRegex(self.said("answers"), r"unbuffered, open, goroutine \d+ 'receiver' recei")
        self.assertRegex(self.said("fragiles"), r"1 of 2 in its buffer, open = \{.*number = 99")

    def test_contexts_say_whether_they_are_cancelled(self):
        if not self.optimized:
            self.assertIn(": cancel, cancelled", self.said("context"))


class AliveMixin(Looks):
    @classmethod
    def setUpClass(cls):
        cls.seen = look_at_live(cls.program())


class CoreMixin(Looks):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            core = os.path.join(folder, "core")
            alive = look_at_live(cls.program(), core)
            if not os.path.exists(core):
                raise AssertionError("no core file: " + alive.get("core", alive[""]))
            cls.seen = run_gdb([cls.program(), core], [NUMBERS] + LOOKS)


class AlivePlain(AliveMixin, unittest.TestCase):
    program = staticmethod(lambda: options.plain)


class AliveOptimized(AliveMixin, unittest.TestCase):
    optimized = True
    program = staticmethod(lambda: options.optimized)


class CorePlain(CoreMixin, unittest.TestCase):
    program = staticmethod(lambda: options.plain)


class CoreOptimized(CoreMixin, unittest.TestCase):
    optimized = True
    program = staticmethod(lambda: options.optimized)


class Words(unittest.TestCase):
    def test_the_words_for_reasons_are_the_librarys(self):
        with open(os.path.join(ROOT, "src", "fiber", "waiter.cpp"), encoding="utf-8") as file:
            pairs = re.findall(r'wait_reason::(\w+):\s*return "(.*?)";', file.read())
        path = os.path.join(ROOT, "tools", "gdb", "weft_gdb", "goroutines.py")
        with open(path, encoding="utf-8") as file:
            table = dict(re.findall(r'(?m)^    "(\w+)": "(.*)",$', file.read()))
        self.assertEqual(dict(pairs), table)


class WithoutDebugInformation(unittest.TestCase):
    def test_it_says_what_to_do(self):
        said = run_gdb([options.stripped], ["break main", "run", ("info", "info goroutines")])
        self.assertIn("there is no debug information for the weft library", said["info"])
        self.assertIn("RelWithDebInfo", said["info"])

    def test_without_a_program_it_says_so(self):
        said = run_gdb([], [("info", "info goroutines")])
        self.assertIn("no program runs", said["info"])


def main():
    global options
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gdb", default="gdb")
    parser.add_argument("--plain", required=True, help="the subject, compiled with -O0 -g")
    parser.add_argument("--optimized", required=True, help="compiled with -O2 -g")
    parser.add_argument("--stripped", required=True, help="compiled without -g for the library")
    options, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0]] + rest)


if __name__ == "__main__":
    main()
