"""The checks of the fault bench must be able to fail: each is shown a run that is right, and one with one thing wrong."""

import os
import pathlib
import subprocess
import sys
import time
import unittest

sys.dont_write_bytecode = True

import ledger
import rowbook
from programs import Event, Instance

FOLDER = pathlib.Path(__file__).resolve().parent

RIGHT = [("connected", {}), ("websocket-established", {}), ("ready", {}),
         ("error", {"code": "1006", "layer": "close", "sentence": "It broke off.", "state": "waiting", "next": 0.4}),
         ("disconnected", {"code": "1006", "layer": "close", "sentence": "It broke off.", "unconfirmed": 0}),
         ("connected", {}), ("websocket-established", {}), ("ready", {}),
         ("disconnected", {"code": "stop", "layer": "local", "sentence": "Stopped.", "unconfirmed": 0})]


class Peer:
    def __init__(self, *numbers):
        self.received = {"press": [(1, number, number + 0.5) for number in numbers]}

    def later(self, *numbers, at):
        """What came on a second session."""
        self.received["press"] += [(2, number, at) for number in numbers]
        return self


def instance(events=(), given=range(1, 6), echoes=()):
    made = Instance("press", dict(rowbook.SETTINGS))
    made.given = [(number, float(number)) for number in given]
    made.echoes = [(1, number) for number in echoes]
    for at, (what, more) in enumerate(events):
        made.story.add(Event(more, what=what, at=float(10 * at), came=float(10 * at)))
    return made


def order(*events):
    return ledger.triggers_in_order(instance(events))


class Accounts(unittest.TestCase):
    def account(self, one, *numbers):
        made = ledger.Account(one, [Peer(*numbers)])
        return made.lost, made.wrong

    def test_all_arrived(self):
        self.assertEqual(self.account(instance(echoes=[1, 2, 3]), 1, 2, 3, 4, 5), ([], []))

    def test_one_is_missing(self):
        self.assertEqual(self.account(instance(), 1, 2, 4, 5), ([3], []))

    def test_what_was_reported_is_not_lost(self):
        one = instance()
        one.refused, one.dropped = {1}, {2: "stale"}
        self.assertEqual(self.account(one, 3, 4, 5), ([], []))

    def test_unconfirmed_covers_as_many_as_it_says(self):
        end = ("disconnected", {"unconfirmed": 2})
        self.assertEqual(self.account(instance([("connected", {}), end]), 1, 2, 3)[0], [])
        self.assertEqual(self.account(instance([("connected", {}), end]), 1, 2)[0], [3])

    def test_unconfirmed_covers_the_end_of_a_session_alone(self):
        end = ("disconnected", {"unconfirmed": 2})
        self.assertEqual(self.account(instance([("connected", {}), end]), 1, 2, 4, 5)[0], [3])

    def test_unconfirmed_covers_nothing_that_the_next_session_lost(self):
        ends = [("connected", {}), ("disconnected", {"unconfirmed": 2}), ("connected", {}),
                ("disconnected", {"unconfirmed": 2})]
        one = instance(ends, given=range(1, 26))
        self.assertEqual(ledger.Account(one, [Peer(*range(1, 9)).later(*range(11, 26), at=26)]).lost, [])
        self.assertEqual(ledger.Account(one, [Peer(*range(1, 11)).later(*range(13, 26), at=26)]).lost, [11, 12])
        self.assertEqual(ledger.Account(one, [Peer(*range(1, 9)).later(*range(11, 20), *range(21, 26), at=26)]).lost, [20])

    def test_a_large_one_is_reported_without_its_text(self):
        one = instance()
        one.unnamed = [4.5]
        self.assertEqual(self.account(one, 1, 2, 3)[0], [5])
        one.unnamed = [3.5]
        self.assertEqual(self.account(one, 1, 2, 3)[0], [4, 5])

    def test_one_came_twice(self):
        self.assertTrue(self.account(instance(), 1, 2, 3, 4, 5, 5)[1])

    def test_one_was_invented(self):
        self.assertTrue(self.account(instance(), 1, 2, 3, 4, 5, 6)[1])

    def test_one_came_though_it_was_refused(self):
        one = instance()
        one.refused = {2}
        self.assertTrue(self.account(one, 1, 2, 3, 4, 5)[1])

    def test_the_order_is_wrong(self):
        self.assertTrue(self.account(instance(), 1, 3, 2, 4, 5)[1])

    def test_no_answer_came(self):
        for clean, wrong in ((True, True), (False, False)):
            one = instance([("websocket-established", {}), ("disconnected", {"unconfirmed": 0, "clean": clean})])
            self.assertEqual(bool(self.account(one, 1, 2, 3, 4, 5)[1]), wrong)

    def test_answers_may_lack_at_the_very_end(self):
        for echoes, wrong in (([1, 2, 3, 4], False), ([1, 2, 3], True)):
            events = [("websocket-established", {}), ("disconnected", {"unconfirmed": 0, "clean": True})]
            one = instance(events, echoes=echoes)
            one.story.events[1]["at"] = 5.7
            self.assertEqual(bool(self.account(one, 1, 2, 3, 4, 5)[1]), wrong)

    def test_an_answer_was_skipped(self):
        self.assertTrue(self.account(instance(echoes=[1, 3]), 1, 2, 3, 4, 5)[1])


class Triggers(unittest.TestCase):
    def test_in_order(self):
        self.assertEqual(order(*RIGHT), [])

    def test_each_one_is_missed(self):
        for left_out in (0, 2, 3, 4, 7, 8):
            with self.subTest(RIGHT[left_out][0]):
                self.assertTrue(order(*RIGHT[:left_out], *RIGHT[left_out + 1:]))

    def test_each_one_twice_is_noticed(self):
        for twice in (0, 1, 2, 3, 4):
            with self.subTest(RIGHT[twice][0]):
                self.assertTrue(order(*RIGHT[:twice], RIGHT[twice], *RIGHT[twice:]))

    def test_faulted_twice_for_one_loss(self):
        fault = ("faulted", RIGHT[3][1])
        self.assertEqual(order(*RIGHT[:4], fault, *RIGHT[4:]), [])
        self.assertTrue(order(*RIGHT[:4], fault, fault, *RIGHT[4:]))

    def test_one_error_for_one_attempt(self):
        first, second = ({"code": "x", "layer": "dns", "sentence": "No.", "attempt": number} for number in (1, 2))
        self.assertEqual(order(("error", first), ("error", second), *RIGHT), [])
        self.assertTrue(order(("error", first), ("error", first), *RIGHT))

    def test_credentials_rejected_twice_for_one_loss(self):
        rejected = ("credentials-rejected", RIGHT[3][1])
        self.assertEqual(order(*RIGHT[:4], rejected, *RIGHT[4:]), [])
        self.assertTrue(order(*RIGHT[:4], rejected, rejected, *RIGHT[4:]))

    def test_never_ready(self):
        self.assertTrue(order(*RIGHT[:2], *RIGHT[3:]))
        self.assertTrue(order(*RIGHT[:7], RIGHT[8]))

    def test_faulted_after_disconnected(self):
        self.assertTrue(order(*RIGHT[:5], ("faulted", RIGHT[3][1]), *RIGHT[5:]))

    def test_an_error_for_an_orderly_end(self):
        orderly = {"code": "1000", "layer": "close", "sentence": "Bye.", "unconfirmed": 0}
        self.assertEqual(order(*RIGHT[:3], ("disconnected", orderly), *RIGHT[5:]), [])
        self.assertTrue(order(*RIGHT[:3], ("error", orderly), ("disconnected", orderly), *RIGHT[5:]))


class Classes(unittest.TestCase):
    def held(self, lane, state, wait, fault=False, last=("http", "x", "No.")):
        error = {"code": "x", "layer": "http", "sentence": "No.", "state": state, "next": wait, "last": list(last)}
        events = [("connected", {}), ("error", error)] + ([("faulted", error)] if fault else [])
        one = instance(events)
        case = rowbook.Case("row", "")
        rowbook.check_lane(case, one, one.story.all("error")[0], lane)
        return case.passed

    def test_each_class(self):
        self.assertTrue(self.held("transient", "waiting", 0.9))
        self.assertFalse(self.held("transient", "waiting", 1.5))
        self.assertFalse(self.held("transient", "faulted", 0.9))
        self.assertFalse(self.held("transient", "waiting", 0.9, fault=True))
        self.assertFalse(self.held("transient", "waiting", 0.9, last=("", "", "")))
        self.assertFalse(self.held("transient", "waiting", 0.9, last=("http", "x", "Yes.")))
        self.assertTrue(self.held("slow", "waiting", 5.5))
        self.assertFalse(self.held("slow", "waiting", 0.5))
        self.assertFalse(self.held("slow", "waiting", 6.5))
        self.assertTrue(self.held("restart", "waiting", 29))
        self.assertFalse(self.held("restart", "waiting", 31))
        self.assertTrue(self.held("fatal", "faulted", 2, fault=True))
        self.assertFalse(self.held("fatal", "waiting", 2, fault=True))
        self.assertFalse(self.held("fatal", "faulted", 5, fault=True))

    def test_bounds(self):
        for seconds, bound, holds in ((1.9, 2, True), (2.1, 2, True), (2.3, 2, False), (-1, 2, False)):
            case = rowbook.Case("row", "")
            case.detect(seconds, bound)
            self.assertEqual(case.passed, holds)
        case = rowbook.Case("row", "")
        case.returned(1.3, 1)
        self.assertFalse(case.passed)
        case = rowbook.Case("row", "")
        case.detect(61.01, 61, exact=True)
        self.assertFalse(case.passed)


class RoundTrips(unittest.TestCase):
    quiet = [0.3] * 250

    def test_unchanged(self):
        self.assertEqual(ledger.longer_trips(self.quiet, sorted([0.4] * 249 + [20])), [])

    def test_stalls(self):
        self.assertTrue(ledger.longer_trips(self.quiet, sorted([0.3] * 200 + [200] * 50)))
        self.assertTrue(ledger.longer_trips(self.quiet, sorted([0.3] * 249 + [400])))

    def test_all_longer(self):
        self.assertTrue(ledger.longer_trips(self.quiet, [3] * 250))


class Bench(unittest.TestCase):
    def test_programs_go_with_who_started_them(self):
        code = ("import sys, time, programs\n"
                "made = programs.Program(['sleep', '600'], lambda *_: None)\n"
                "print(made.process.pid, flush=True)\ntime.sleep(600)")
        with subprocess.Popen([sys.executable, "-B", "-c", code], cwd=FOLDER, stdout=subprocess.PIPE, text=True) as parent:
            child = pathlib.Path("/proc") / parent.stdout.readline().strip()
            until = time.monotonic() + 10
            while "sleep" not in (child / "comm").read_text() and time.monotonic() < until:
                time.sleep(0.01)
            parent.kill()
            while (child / "exe").is_symlink() and alive(child) and time.monotonic() < until:
                time.sleep(0.01)
            self.assertFalse(alive(child))

    def test_without_the_right_to_make_namespaces(self):
        wrap = ["setpriv", "--bounding-set=-sys_admin,-net_admin"] if os.geteuid() == 0 else []
        done = subprocess.run([*wrap, sys.executable, str(FOLDER / "bench"), "-k", "peer process killed"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertIn("root", done.stderr)


def alive(process):
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


unittest.main(verbosity=2)
