#!/usr/bin/env python3
"""Does the gate notice what it is there for? Planted losses, gains, dumps; nothing is compiled."""

import contextlib
import io
import unittest

import callgrind
import gate
import page

DUMP = """\
version: 1
events: Ir
fn=(1) before any object is named
0 1000
ob=(1) /somewhere/libc.so.6
fn=(2) malloc
0 500
ob=(2) /build/weft-gate
fl=(1) ???
fn=(3) weft::yield()
0 30
+3 12
cob=(1)
cfn=(2)
calls=7 0
0 500
* 8
fn=(4) gate_wait_for_clock
0 999
fn=(3)
0 5
ob=(1)
fn=(2)
0 77
"""


def verdicts(wanted, found, allowed=gate.tolerance):
    return {row[0]: row[3] for row in gate.compare(wanted, found, allowed)}


class CallgrindTest(unittest.TestCase):
    def test_only_the_program_counts_and_callees_and_waits_do_not(self):
        found = callgrind.instructions_in(DUMP.splitlines(), "/weft-gate")
        self.assertEqual(found, 30 + 12 + 8 + 5)

    def test_the_start_cancels_and_so_does_a_disturbed_run(self):
        start, each, times = 700, 20, 100
        samples = [start + each * times * (1 + i % 2) for i in range(6)]
        samples[0] += 5_000
        samples[3] += 9_000
        self.assertEqual(callgrind.per_operation(samples, times), each)


class VerdictTest(unittest.TestCase):
    def test_a_cheap_operation_may_move_by_five(self):
        self.assertEqual(verdicts({"lock": 19.0}, {"lock": 24.0})["lock"], "")
        self.assertEqual(verdicts({"lock": 19.0}, {"lock": 24.2})["lock"], "DEARER")
        self.assertEqual(verdicts({"lock": 19.0}, {"lock": 13.9})["lock"], "cheaper")

    def test_a_dear_one_by_two_in_a_hundred(self):
        self.assertEqual(verdicts({"select": 1000.0}, {"select": 1019.0})["select"], "")
        self.assertEqual(verdicts({"select": 1000.0}, {"select": 1021.0})["select"], "DEARER")

    def test_what_is_exact_may_not_move(self):
        wanted = {"allocations per send": 0}
        found = {"allocations per send": 0.01}
        self.assertEqual(list(verdicts(wanted, found, lambda _: 0).values()), ["DEARER"])

    def test_rows_that_come_and_go_are_seen(self):
        self.assertEqual(verdicts({"old": 1.0}, {"fresh": 1.0}), {"fresh": "new", "old": "gone"})


class JudgementTest(unittest.TestCase):
    def judge(self, *said):
        rows = [(f"row {i}", 1.0, 2.0, each) for i, each in enumerate(said)]
        with contextlib.redirect_stdout(io.StringIO()) as text:
            failed = gate.judge(rows, ("DEARER", "new", "gone"), "weft-gate")
        return failed, text.getvalue()

    def test_a_loss_fails_and_says_how_to_accept_it(self):
        failed, text = self.judge("", "DEARER", "cheaper")
        self.assertTrue(failed)
        self.assertIn("1 DEARER", text)
        self.assertIn("gate.py --update", text)

    def test_a_gain_is_told_and_does_not_fail(self):
        failed, text = self.judge("", "cheaper")
        self.assertFalse(failed)
        self.assertIn("gate.py --update", text)

    def test_nothing_is_nothing(self):
        self.assertEqual(self.judge("", ""), (False, "all 2 as expected\n"))

    def test_a_row_without_an_expectation_fails(self):
        self.assertTrue(self.judge("new")[0])


class MemoryTest(unittest.TestCase):
    def test_allocations_are_those_of_one_operation(self):
        runs = [[7 + n, 64 * (7 + n)] for n in (10, 20, 10, 20)]
        report = {"sizes": {"waiter": 32},
                  "rows": [{"name": "spawn", "times": 10, "allocated": runs}]}
        self.assertEqual(gate.memory_of(report), {
            "bytes of waiter": 32, "allocations per spawn": 1, "bytes allocated per spawn": 64})


class PageTest(unittest.TestCase):
    def test_the_documentation_says_what_is_expected(self):
        expected = gate.read_expected()
        self.assertEqual(page.with_tables(page.read(), expected), page.read(),
                         "docs/performance/counts.md is old: gate.py --update writes it")


if __name__ == "__main__":
    unittest.main()
