#!/usr/bin/env python3
"""Does scripts/bench say the truth about samples? Run by ctest."""

import json
import os
import sys
import tempfile
import unittest
from types import SimpleNamespace

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from compare import pages, report, sampling  # noqa: E402
from compare.peers import MEMORY, MICRO, Peer  # noqa: E402

PEERS = {"weft": {"title": "weft"}, "go": {"title": "Go"}, "floor": {"title": "floor"}}


def metric(unit="ns", **samples):
    return {"unit": unit, "samples": samples}


def row(name="x", procs=1, **metrics):
    return {"name": name, "procs": procs, "metrics": metrics, "checks": {}, "failed": {}}


class ratios(unittest.TestCase):
    def test_the_median_of_the_rounds_is_not_the_ratio_of_the_medians(self):
        # The machine was slow in the last two rounds, for both.
        both = metric(weft=[1, 10, 20], go=[2, 30, 10])
        self.assertAlmostEqual(report.ratio(both, "go"), 0.5)

    def test_where_more_is_better_the_ratio_is_turned_round(self):
        self.assertEqual(report.ratio(metric("x", weft=[4], go=[2]), "go"), 0.5)

    def test_a_peer_that_has_no_samples_has_no_ratio(self):
        self.assertIsNone(report.ratio(metric(weft=[1]), "go"))
        self.assertEqual(report.cell(metric(weft=[1]), "go"), "-")


class tables(unittest.TestCase):
    def test_a_row_that_weft_loses_is_marked_and_listed(self):
        lost = row(x=metric(weft=[3, 3, 3], go=[2, 2, 2]))
        self.assertIn("**1.50 (1.50 .. 1.50)**", "\n".join(report.table([lost], PEERS)))
        self.assertEqual(report.losses([lost], PEERS), ["| x | 1 | Go | 1.50 |"])

    def test_a_row_that_weft_wins_is_neither(self):
        won = row(x=metric(weft=[1], go=[2]))
        self.assertNotIn("**", "\n".join(report.table([won], PEERS)))
        self.assertEqual(report.losses([won], PEERS), [])

    def test_the_floor_is_the_last_column_and_no_rival(self):
        low = row(x=metric(weft=[3], go=[4], floor=[1]))
        titles = report.table([low], PEERS)[0]
        self.assertTrue(titles.endswith("| weft | Go<br>weft / Go | floor |"))
        self.assertEqual(report.losses([low], PEERS), [])


class written_pages(unittest.TestCase):
    ABOUT = {"cpu": "a CPU", "cpus": 2, "machine": "x86_64", "linux": "6.18.1-some",
             "compiler": "g++ 12", "flags": "-O3", "rounds": 3, "date": "2026-01-02 03:04",
             "peers": {"weft": {"title": "weft", "version": "weft 1"},
                       "go": {"title": "Go", "version": "go1.26"},
                       "other": {"title": "Other", "version": "other 2"},
                       "floor": {"title": "floor", "version": ""}}}

    def written(self, rows):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "docs/performance/numbers"))
            for path in ("README.md", pages.NUMBERS):
                with open(os.path.join(root, path), "w", encoding="utf-8") as page:
                    page.write(f"before\n{pages.BEGIN}old\n{pages.END}\nafter\n")
            run = os.path.join(root, "run.json")
            with open(run, "w", encoding="utf-8") as kept:
                json.dump({"about": self.ABOUT, "results": rows}, kept)
            found = {}
            for path in pages.write(run, root):
                with open(os.path.join(root, path), encoding="utf-8") as page:
                    found[path] = page.read()
            return found

    def test_stand_between_the_marks_and_leave_the_rest_alone(self):
        text = self.written([row("fib", fib=metric(weft=[1, 3, 2], go=[10, 30, 20]))])["README.md"]
        self.assertEqual(text.split(pages.BEGIN)[0], "before\n")
        self.assertTrue(text.endswith(pages.END + "\nafter\n"))
        self.assertNotIn("old", text)
        self.assertIn("| fib | 1 | ns | **2.00** (1.00 .. 3.00) | **20.0** (10.0 .. 30.0) | 0.10 |",
                      text)

    def test_put_what_go_does_better_apart_from_what_others_do(self):
        lost = self.written([row("fib", fib=metric(weft=[4], go=[2], other=[1]))])
        self.assertIn("| fib | 1 | Go | 2.00 |", lost[pages.NUMBERS])
        self.assertNotIn("| Other | 4.00 |", lost[pages.NUMBERS])
        self.assertIn("| fib | 1 | Other | 4.00 |", lost[pages.LOSSES])
        self.assertNotIn("| Go |", lost[pages.LOSSES])

    def test_have_a_page_for_each_number_of_processors(self):
        both = self.written([row("fib", 1, fib=metric(weft=[4], go=[2])),
                             row("fib", 2, fib=metric(weft=[3], go=[6], floor=[1]))])
        self.assertIn("| fib | ns | 4.00 (4.00 .. 4.00) | 2.00<br>**2.00** |",
                      both["docs/performance/numbers/one.md"])
        self.assertIn("| fib | ns | 3.00 (3.00 .. 3.00) | 6.00<br>0.50 | 1.00 |",
                      both["docs/performance/numbers/two.md"])


class checks(unittest.TestCase):
    @staticmethod
    def result(value, check):
        return [{"name": "x", "unit": "ns", "median": value, "check": check}]

    def setUp(self):
        self.weft, self.go = (Peer(key, key, {MICRO: [key]}) for key in ("weft", "go"))
        self.row = sampling.Row("x", 1)
        self.row.enter(self.weft, self.result(1, 42))

    def test_work_that_comes_to_the_same_is_compared(self):
        self.row.enter(self.go, self.result(2, 42))
        self.row.compare_checks()
        self.assertEqual(self.row.metrics["x"]["samples"], {"weft": [1], "go": [2]})

    def test_a_peer_that_skips_work_is_an_error(self):
        self.row.enter(self.go, self.result(2, 41))
        self.assertRaises(sampling.Wrong, self.row.compare_checks)

    def test_a_program_that_contradicts_itself_is_an_error(self):
        self.assertRaises(sampling.Wrong, self.row.enter, self.weft, self.result(1, 43))

    def test_a_peer_that_fails_leaves_no_numbers_behind(self):
        self.row.enter(self.go, self.result(2, 41))
        self.row.drop(self.go, "status 1")
        self.row.compare_checks()
        self.assertEqual(self.row.metrics["x"]["samples"], {"weft": [1]})


FAKE = """
import json, sys
names, check, status = ["x", "y"], int(sys.argv[1]), int(sys.argv[2])
if "--list" in sys.argv:
    print(*names, sep="\\n")
else:
    name = sys.argv[sys.argv.index("--only") + 1].removeprefix("=")
    result = {"name": name, "unit": "ns", "median": 1.0, "check": check if name == "x" else 0}
    print(json.dumps({"program": "fake", "results": [result]}))
    sys.exit(status)
"""


def fake(key, check, status=0):
    return Peer(key, key, {MICRO: [sys.executable, "-c", FAKE, str(check), str(status)]})


class programs(unittest.TestCase):
    @staticmethod
    def measure(*peers):
        options = SimpleNamespace(quick=False, only="", procs=[1, 2], rounds=2)
        peers[0].programs[MEMORY] = peers[0].programs[MICRO]
        peers[0].names = {(MEMORY, 1): []}
        return sampling.measure_all(peers, options)

    def test_every_program_is_run_in_every_round_at_every_number_of_processors(self):
        rows, wrong = self.measure(fake("weft", 1), fake("go", 1))
        self.assertEqual(wrong, [])
        self.assertEqual([(row.name, row.procs) for row in rows],
                         [("x", 1), ("y", 1), ("x", 2), ("y", 2)])
        self.assertEqual(rows[0].metrics["x"]["samples"], {"weft": [1, 1], "go": [1, 1]})

    def test_rows_whose_results_differ_have_no_numbers_and_the_others_do(self):
        rows, wrong = self.measure(fake("weft", 1), fake("go", 2))
        self.assertEqual([row.name for row in rows], ["y", "y"])
        self.assertEqual(len(wrong), 2)

    def test_a_peer_that_crashes_is_left_out(self):
        rows, wrong = self.measure(fake("weft", 1), fake("go", 1, status=3))
        self.assertEqual(wrong, [])
        self.assertEqual(rows[0].metrics["x"]["samples"], {"weft": [1, 1]})
        self.assertIn("status 3", rows[0].failed["go"])

    def test_a_column_for_one_processor_has_nothing_at_two(self):
        alone = fake("go", 1)
        alone.procs_only = 1
        rows, _ = self.measure(fake("weft", 1), alone)
        self.assertEqual(["go" in row.checks for row in rows], [True, True, False, False])


if __name__ == "__main__":
    unittest.main()
