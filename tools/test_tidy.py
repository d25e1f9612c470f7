#!/usr/bin/env python3
"""Plants one violation of every rule of tidy.py in a small tree and sees it found, and no other."""

import contextlib
import io
import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import tidy  # noqa: E402
from tidy_rules.sizes import cpp_functions  # noqa: E402

CLEAN_HEADER = "// A queue.\n#pragma once\n\n"


def function_of(lines, name="f"):
    body = "".join(f"  call({i});\n" for i in range(lines - 2))
    return f"void {name}() {{\n{body}}}\n"


class PlantedTree(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="weft-tidy-")
        self.addCleanup(shutil.rmtree, self.root)
        os.mkdir(os.path.join(self.root, "tools"))
        shutil.copy(os.path.join(HERE, "layers.txt"), os.path.join(self.root, "tools"))
        self.plant("src/base/list.hpp", CLEAN_HEADER + "struct list {};\n")
        self.plant("include/weft/go.hpp", "#pragma once\n\n#include <cstddef>\n")

    def plant(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def found(self):
        return [str(finding) for finding in tidy.check(self.root)]

    def assert_clean(self):
        self.assertEqual(self.found(), [])

    def assert_found(self, place, words):
        """Exactly one finding, at `place` ("path:line"), that says `words`."""
        found = self.found()
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(place + ": "), found[0])
        self.assertIn(words, found[0])

    def plant_line(self, line, path="src/sched/worker.cpp", head="// A worker.\n"):
        self.plant(path, f"{head}{line}\n")


class Layers(PlantedTree):
    def test_down_and_sideways_is_clean(self):
        self.plant_line('#include "port/clock.hpp"\n#include "sched/queue.hpp"')
        self.assert_clean()

    def test_up(self):
        self.plant_line('#include "sched/scheduler.hpp"', "src/port/clock.cpp")
        self.assert_found("src/port/clock.cpp:2", "port includes sched/scheduler.hpp")

    def test_up_in_angle_brackets(self):
        self.plant_line("#include <api/go.hpp>", "src/wait/queue.cpp")
        self.assert_found("src/wait/queue.cpp:2", "wait includes api/go.hpp")

    def test_an_include_in_a_comment_is_none(self):
        self.plant_line('// #include "api/go.hpp"', "src/wait/queue.cpp")
        self.assert_clean()

    def test_dots(self):
        self.plant_line('#include "../api/go.hpp"')
        self.assert_found("src/sched/worker.cpp:2", "write the path as layer/file")

    def test_public_includes_src(self):
        self.plant("include/weft/chan.hpp", '#pragma once\n#include "sync/channel.hpp"\n')
        self.assert_found("include/weft/chan.hpp:2", "a public header includes sync/channel.hpp")

    def test_public_in_quotes(self):
        self.plant("include/weft/chan.hpp", '#pragma once\n#include "go.hpp"\n')
        self.assert_found("include/weft/chan.hpp:2", "write <weft/...>")

    def test_no_layer(self):
        self.plant("src/misc/a.cpp", "// Odds and ends.\n")
        self.assert_found("src/misc/a.cpp:1", "not in a layer")


class Bans(PlantedTree):
    def test_std_atomic(self):
        self.plant_line("std::atomic<int> count;")
        self.assert_found("src/sched/worker.cpp:2", "std::atomic stands only in")

    def test_atomic_header_in_port_too(self):
        self.plant_line("#include <atomic>", "src/port/a.cpp")
        self.assert_found("src/port/a.cpp:2", "std::atomic stands only in")

    def test_std_atomic_at_home(self):
        self.plant("include/weft/detail/atomic.hpp", "#pragma once\n#include <atomic>\n")
        self.assert_clean()

    def test_compiler_atomics(self):
        self.plant_line("__atomic_load(&a, &b, 0);")
        self.assert_found("src/sched/worker.cpp:2", "compiler atomics")

    def test_os_headers(self):
        for header in ("unistd.h", "sys/mman.h", "linux/futex.h", "pthread.h", "sched.h"):
            with self.subTest(header):
                self.plant_line(f"#include <{header}>")
                self.assert_found("src/sched/worker.cpp:2", "an OS header outside src/port")
                self.plant_line("")
                self.plant_line(f"#include <{header}>", "src/port/os.cpp")
                self.assert_clean()

    def test_os_calls(self):
        for call in ("::syscall(1)", "clock_gettime(id, &t)", "pthread_self()", "::madvise(p)"):
            with self.subTest(call):
                self.plant_line(f"auto x = {call};")
                self.assert_found("src/sched/worker.cpp:2", "an OS call outside src/port")

    def test_members_that_share_a_name_with_an_os_call(self):
        self.plant_line("a.fork(); b->mmap(1); port::eventfd();")
        self.assert_clean()

    def test_threads_and_locks(self):
        for code in ("std::thread t;", "std::mutex m;", "#include <thread>"):
            with self.subTest(code):
                self.plant_line(code)
                self.assert_found("src/sched/worker.cpp:2", "stand only in src/port")
        self.plant_line("")
        self.plant_line("#include <thread>\nstd::mutex m;", "src/port/thread.cpp")
        self.assert_clean()

    def test_guards_of_own_locks(self):
        self.plant_line("#include <mutex>\nstd::lock_guard hold(lock);")
        self.assert_clean()

    def test_clocks(self):
        self.plant_line("auto t = std::chrono::steady_clock::now();")
        self.assert_found("src/sched/worker.cpp:2", "clocks are read only in src/port")

    def test_words_in_strings_and_comments_are_free(self):
        self.plant_line('const char* s = "std::thread goto"; // std::mutex, volatile, goto')
        raw = 'auto s = R"(goto x; "volatile)"; char c = \'"\'; int n = 1\'000;'
        self.plant_line(raw, "src/wait/s.cpp")
        self.assert_clean()

    def test_volatile(self):
        self.plant_line("volatile int x;")
        self.assert_found("src/sched/worker.cpp:2", "volatile outside src/port")

    def test_thread_local_in_a_header(self):
        self.plant("src/port/a.hpp", CLEAN_HEADER + "inline thread_local int x;\n")
        self.assert_found("src/port/a.hpp:4", "thread_local in a header")

    def test_goto(self):
        self.plant("examples/a.cpp", "void f() { goto end; end:; }\n")
        self.assert_found("examples/a.cpp:1", "goto")

    def test_using_namespace(self):
        self.plant("tests/a.hpp", "#pragma once\nusing namespace std;\n")
        self.assert_found("tests/a.hpp:2", "using namespace in a header")


class Lines(PlantedTree):
    def test_markers(self):
        for marker in ("TODO", "FIXME", "XXX"):
            with self.subTest(marker):
                self.plant_line(f"// {marker} later")
                self.assert_found("src/sched/worker.cpp:2", "a marker for later")

    def test_marker_in_any_file(self):
        self.plant("docs/a.md", "TODO\n")
        self.assert_found("docs/a.md:1", "a marker for later")

    def test_tab(self):
        self.plant("cmake/a.cmake", "if(x)\n\tset(y 1)\nendif()\n")
        self.assert_found("cmake/a.cmake:2", "a tab")

    def test_tabs_where_the_language_wants_them(self):
        self.plant("bench/peers/a.go", "func f() {\n\tg()\n}\n")
        self.assert_clean()

    def test_trailing_blank(self):
        self.plant_line("int x; ")
        self.assert_found("src/sched/worker.cpp:2", "blanks at the end")

    def test_columns(self):
        self.plant_line("//" + "x" * 98)
        self.assert_clean()
        self.plant_line("//" + "x" * 99)
        self.assert_found("src/sched/worker.cpp:2", "101 columns")

    def test_prose_may_be_wide_and_beyond_ascii(self):
        self.plant("docs/a.md", "\u00e9" * 120 + "\n")
        self.assert_clean()

    def test_not_ascii(self):
        self.plant_line("// na\u00efve")
        self.assert_found("src/sched/worker.cpp:2", "not ASCII")

    def test_machine_paths(self):
        for path in ("/work", "/tmp/"):
            with self.subTest(path):
                self.plant("tests/a.cpp", f'auto p = "{path}/x";\n')
                self.assert_found("tests/a.cpp:1", "a path of one machine")
        os.remove(os.path.join(self.root, "tests/a.cpp"))
        self.plant("scripts/a", "cd /tmp/x\n")
        self.assert_clean()

    def test_no_last_end_of_line(self):
        self.plant("docs/a.md", "end")
        self.assert_found("docs/a.md:1", "no end of line")

    def test_build_folders_are_not_read(self):
        self.plant("build/a.cpp", "goto x; \n")
        self.assert_clean()


class Heads(PlantedTree):
    def test_no_head(self):
        self.plant("src/wait/a.cpp", "int x;\n")
        self.assert_found("src/wait/a.cpp:1", "no head comment")

    def test_assembly_without_head(self):
        self.plant("src/port/a.S", ".text\n")
        self.assert_found("src/port/a.S:1", "no head comment")

    def test_long_head(self):
        self.plant("src/wait/a.cpp", "// more\n" * 16)
        self.assert_found("src/wait/a.cpp:16", "more than 15 lines")

    def test_no_pragma_once(self):
        self.plant("include/weft/a.hpp", "int x();\n")
        self.assert_found("include/weft/a.hpp:1", "#pragma once")


class Orders(PlantedTree):
    PATH = "src/sched/worker.cpp"

    def plant_order(self, code, head=""):
        self.plant_line(code, self.PATH, "// A worker.\n" + head)

    def test_no_comment(self):
        for code in (
            "x.load(relaxed);",
            "x.store(1, release);",
            "x.load(detail::acquire);",
            "x.store(1, weft::detail::memory_order_release);",
            "x.exchange(a, acq_rel);",
            "x.compare_exchange_weak(a, b,\nrelease, relaxed);",
            "y = memory_order::acquire;",
            "atomic_thread_fence(o);",
            "full_fence();",
            "light_barrier();",
            "heavy_barrier();",
        ):
            with self.subTest(code):
                self.plant_order(code)
                self.assert_found(f"{self.PATH}:{2 + code.count(chr(10))}", "Order: <id>")

    def test_words_that_are_no_orders(self):
        self.plant_order("lock.release(); acquire(1);\nvoid full_fence() noexcept;")
        self.assert_clean()

    def test_comment_too_far_above(self):
        self.plant_order("// Order: none. A hint.\n\n\n\nx.load(relaxed);")
        self.assert_found(f"{self.PATH}:6", "Order: <id>")

    def test_comment_on_the_line_or_three_above(self):
        self.plant_order(
            "// Order: none. A hint.\n\n\nx.load(relaxed);\n\n\n"
            "y.load(relaxed);  // Order: none. A hint."
        )
        self.assert_clean()

    def test_none_without_reason(self):
        self.plant_order("x.load(relaxed);  // Order: none.")
        self.assert_found(f"{self.PATH}:2", "why nothing is ordered")

    def test_one_end(self):
        self.plant_order("x.load(acquire);  // Order: publish. Pairs with what?")
        self.assert_found(f"{self.PATH}:2", "order publish has one end")

    def test_two_ends_in_two_files(self):
        self.plant_order("x.load(acquire);  // Order: publish. Pairs with push.")
        self.plant("src/wait/a.cpp", "// A.\nx.store(1, release);  // Order: publish.\n")
        self.assert_clean()

    def test_listed_in_the_head(self):
        head = "// Orders: spin: unlock's release to\n//         the next lock.\n// Locks: none.\n"
        self.plant_order("x.load(acquire);  // Order: spin.", head)
        self.assert_clean()

    def test_listed_but_nowhere_tagged(self):
        self.plant_order("", "// Orders: O1 publish: a -> b\n//   O2 take: c -> d\n")
        found = self.found()
        self.assertEqual(len(found), 2, found)
        self.assertIn(f"{self.PATH}:2: order O1 is listed but", found[0])
        self.assertIn(f"{self.PATH}:3: order O2 is listed but", found[1])

    def test_tests_are_free(self):
        self.plant("tests/a.cpp", "int f() { return x.load(relaxed); }\n")
        self.assert_clean()


class Sizes(PlantedTree):
    PATH = "tests/a.cpp"

    def test_function(self):
        self.plant(self.PATH, function_of(70))
        self.assert_clean()
        self.plant(self.PATH, "\n" + function_of(71))
        self.assert_found(f"{self.PATH}:2", "has 71 lines, the limit is 70")

    def test_python_function(self):
        self.plant("tools/a.py", "def f():\n" + "    pass\n" * 70)
        self.assert_found("tools/a.py:1", "has 71 lines")

    def test_file(self):
        self.plant(self.PATH, "// line\n" * 601)
        self.assert_found(f"{self.PATH}:601", "file tests/a.cpp has 601 lines")

    def test_public_header(self):
        self.plant("include/weft/a.hpp", "#pragma once\n" + "// line\n" * 450)
        self.assert_found("include/weft/a.hpp:451", "the limit is 450")

    def test_assembly(self):
        self.plant("src/port/a.S", "// A switch.\n" + "nop\n" * 120)
        self.assert_found("src/port/a.S:121", "the limit is 120")

    def test_folder(self):
        for i in range(17):
            self.plant(f"docs/a/{i}.md", "a\n")
        self.assert_found("docs/a:1", "folder docs/a has 17 files")

    def test_ratchet_bears_what_it_lists(self):
        self.plant("tools/ratchet.txt", f"# head\nfunction {self.PATH}:f 80\n")
        self.plant(self.PATH, function_of(80))
        self.assert_clean()
        self.plant(self.PATH, function_of(81))
        self.assert_found(f"{self.PATH}:1", "has 81 lines, the limit is 80")

    def test_ratchet_is_stale(self):
        self.plant("tools/ratchet.txt", f"function {self.PATH}:f 80\n")
        self.plant(self.PATH, function_of(75))
        self.assert_found("tools/ratchet.txt:1", "is 75 now, not 80")

    def run_update(self):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            status = tidy.main(["--root", self.root, "--update"])
        with open(os.path.join(self.root, "tools/ratchet.txt"), encoding="utf-8") as file:
            return status, file.read()

    def test_update_lowers_and_removes(self):
        gone = "file tests/gone.cpp 700\n"
        self.plant("tools/ratchet.txt", f"# head\nfunction {self.PATH}:f 80\n{gone}")
        self.plant(self.PATH, function_of(75))
        self.assertEqual(self.run_update(), (0, f"# head\nfunction {self.PATH}:f 75\n"))

    def test_update_never_raises_or_adds(self):
        before = f"function {self.PATH}:f 80\n"
        self.plant("tools/ratchet.txt", before)
        self.plant(self.PATH, function_of(90) + function_of(90, "g"))
        self.assertEqual(self.run_update(), (1, before))
        self.assertEqual(len(self.found()), 2)


class CppFunctions(unittest.TestCase):
    def functions(self, code):
        return [(name, lines) for name, _, lines in cpp_functions(code)]

    def test_what_is_one_and_how_long(self):
        code = """
namespace a::b {
enum class e { x, y };
int table[] = {1, 2};
template <class T> requires(sizeof(T) > 1)
struct s : base<T> {
  s() : a_(1), b_{2} {
    use();
  }
  bool operator()(int x) const noexcept { return x; }
  ~s() = default;
  int value_{3};
};
template <class T>
auto make(T t) -> s<T> {
  auto inner = [&](int i) {
    return i;
  };
  if (t) {
  }
  return inner(1);
}
TEST_F(suite, name) {
}
}
"""
        expected = [("s", 3), ("operator()", 1), ("make", 8 + 1), ("TEST_F(suite,name)", 2)]
        self.assertEqual(self.functions(code), expected)


class Command(PlantedTree):
    def run_tidy(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            return tidy.main(["--root", self.root]), out.getvalue()

    def test_status(self):
        self.assertEqual(self.run_tidy(), (0, ""))
        self.plant_line("goto x;")
        status, out = self.run_tidy()
        self.assertEqual(status, 1)
        self.assertTrue(out.startswith("src/sched/worker.cpp:2: goto"), out)


if __name__ == "__main__":
    unittest.main()
