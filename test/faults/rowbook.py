"""What a row is made of: its cases (one line of the table each), its programs, and the checks that each case gets."""

import contextlib
import pathlib
import shutil
import tempfile
import time
import traceback

import ledger
import places
import programs
from programs import Missed

ROWS = []

# The settings in force unless a row says otherwise; small, so that a bound is over soon.
SETTINGS = {
    "ping-interval": 1, "pong-timeout": 1, "connect-timeout": 2, "reconnect-first-max": 0.5, "reconnect-min": 0.2,
    "reconnect-max": 1, "fault-retry": 2, "close-timeout": 1, "ready-timeout": 3, "offline-policy": "queue",
    "extended-logging": "true",
}
TENTH = 0.06     # seconds; delays are told in tenths
ALLOWANCE = 0.2  # seconds that a busy machine may take on top of each bound; --allowance


MEMORY = 1       # times what a bound on memory says; --memory


def allowance():
    return ALLOWANCE


class Row:
    def __init__(self, fault, play, needs_net, heavy, seconds, scaled, labels):
        self.fault, self.play, self.needs_net, self.heavy, self.seconds = fault, play, needs_net, heavy, seconds
        self.scaled = seconds if scaled is None else scaled
        self.labels = labels
        self.name = f"{play.__module__.rpartition('.')[2]}.{play.__name__}"


def row(fault, *, net=False, heavy=False, seconds=20, scaled=None, labels=()):
    """Registers a row; `fault` is its name in the list of faults, to the letter. `net`: needs namespaces.
    `heavy`: gets the machine for itself. `seconds`: about how long it takes, and `scaled`: where the
    run is not patient. `labels`: of its ctest test; once: not
    under sanitizers, threads: also under ThreadSanitizer. Several functions may make up one row."""

    def take(play):
        ROWS.append(Row(fault, play, net, heavy, seconds, scaled, labels))
        return play

    return take


class Case:
    """One line of the table."""

    def __init__(self, fault, name):
        self.fault, self.name = fault, name
        self.detected = self.bound = self.back = self.back_bound = self.lost = self.unsure = None
        self.allowed = self.back_allowed = None  # the bounds with what the machine was allowed
        self.wrong = []
        self.notes = []
        self.sentences = []
        self.extra = {}

    def check(self, holds, sentence):
        if not holds:
            self.wrong.append(sentence)
        return holds

    def memory(self, controller, most):
        """Holds the most memory that the host ever took against `most` MiB; answers it as text."""
        taken = controller.peak_memory() >> 20
        self.extra["peakMemory"] = taken
        self.check(taken <= most * MEMORY, f"the host took {taken} MiB, bound {most * MEMORY:g} MiB")
        return f"the host took at most {taken} MiB"

    def note(self, text):
        self.notes.append(text)

    def detect(self, seconds, bound, exact=False):
        """Holds a time against its bound; `exact`: without the machine's allowance."""
        self.detected, self.bound = seconds, bound
        self.allowed = bound + (0 if exact else allowance())
        self.check(seconds <= self.allowed, f"detected after {seconds:.2f} s, bound {bound:g} s")
        self.check(seconds >= -0.05, f"detected {-seconds:.2f} s before it happened")

    def returned(self, seconds, bound):
        self.back, self.back_bound = seconds, bound
        self.back_allowed = bound + allowance()
        self.check(seconds <= self.back_allowed, f"back after {seconds:.2f} s, bound {bound:.2f} s")

    def said(self, event):
        self.sentences.append(event["sentence"])
        return event

    @property
    def passed(self):
        return not self.wrong


class Run:
    """One row being run."""

    def __init__(self, bench, row):
        self.bench, self.row = bench, row
        self.cases = []
        self.open = []  # what is to be closed, latest first
        self.peers = []
        self.controllers = []
        self.ends = []  # (case, instance) whose account is still to be made
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="faults-"))

    @property
    def patient(self):
        """Whether there is time to wait for what takes long by design; beside other tests there is not."""
        return not self.bench.here

    def case(self, name=""):
        made = Case(self.row.fault, name)
        self.cases.append(made)
        return made

    # Places and programs; all go with the run.

    def keep(self, what):
        self.open.append(what)
        return what

    def line(self):
        return self.keep(places.Line())

    def here(self):
        return self.keep(places.Here() if self.bench.here else places.Alone())

    def peer(self, place, *options, address=None, port=0, tls=False, environment=None):
        made = programs.Peer(self.bench.iompeer, place.server, address or place.address, *options, port=port, tls=tls,
                             environment=environment)
        self.peers.append(made)
        return self.keep(made)

    def instance(self, name, peer=None, *, path=None, every=0.1, rules="", tail="", **settings):
        """An instance towards the peer; keyword arguments are settings, _ for -."""
        wanted = dict(SETTINGS)
        if peer is not None:
            wanted.update(hostname=peer.address if peer.address != "0.0.0.0" else "127.0.0.1", port=peer.port)
        wanted["path"] = path if path is not None else f"/at/{name}"
        wanted.update({key.replace("_", "-"): value for key, value in settings.items()})
        return programs.Instance(name, wanted, every, rules, tail)

    def control(self, place, *instances, **options):
        program, modules = options.pop("programs", (self.bench.iomhost, self.bench.modules))
        made = programs.Controller(program, modules, place.controller, self.folder, instances, **options)
        self.controllers.append(made)
        self.keep_controller(made)
        return made

    def keep_controller(self, made):
        class Ending:
            def close(self):
                made.program.end()
        self.keep(Ending())

    def account(self, case, instance):
        """At the end of the row, this instance's account belongs to this case."""
        self.ends.append((case, instance))

    def settle(self):
        """Ends the controllers in order, lets the peers hear the rest, and draws up every account."""
        for controller in self.controllers:
            if controller.program.process.poll() is None:
                code = controller.stop()
                if code != 0:
                    for case in self.cases:
                        case.wrong.append(f"iomhost ended with {code} on SIGTERM")
            dropped = controller.story.all(text=lambda text: text is not None and "lines of the log" in text)
            if dropped:
                for case in self.cases:
                    case.wrong.append(f"the log lost lines: {dropped[0]['text']}")
        for peer in self.peers:
            if peer.program.process.poll() is None:
                with contextlib.suppress(OSError, ValueError):
                    for _ in range(200):
                        if peer.get("/sessions")["open"] == 0:
                            break
                        time.sleep(0.01)
        for peer in self.peers:
            peer.close()
        for case, instance in self.ends:
            account = ledger.Account(instance, self.peers)
            case.lost = (case.lost or 0) + len(account.lost)
            case.unsure = (case.unsure or 0) + account.unconfirmed + account.unnamed
            case.extra.setdefault("accounts", {})[instance.name] = {
                "given": account.given, "arrived": account.arrived, "reported": account.reported,
                "unconfirmed": account.unconfirmed, "unnamed": account.unnamed}
            if account.lost:
                case.wrong.append(f"{instance.name}: neither delivered nor reported: {account.lost[:10]}")
            case.wrong += [f"{instance.name}: {each}" for each in account.wrong[:5]]
            case.wrong += [f"{instance.name}: {each}" for each in ledger.triggers_in_order(instance)[:5]]

    def play(self):
        try:
            self.row.play(self)
            self.settle()
            if not self.cases:
                raise Missed("the row has no case")
        except Missed as missed:
            self.fail(str(missed))
        except Exception as error:  # whatever it is, the other rows go on
            self.fail("".join(traceback.format_exception(error)).strip())
        finally:
            self.close()
        return self.cases

    def fail(self, sentence):
        """Every case that did not come to its end fails with it."""
        unfinished = [case for case in self.cases if case.detected is None and case.back is None]
        for case in unfinished or self.cases[-1:] or [self.case()]:
            case.wrong.append(sentence)
        last = self.cases[-1] if not unfinished else unfinished[0]
        for controller in self.controllers:
            for event in controller.story.events[-25:]:
                last.notes.append(f"log: {event['what']} {event.get('instance', '')} {event['text']}")

    def close(self):
        while self.open:
            what = self.open.pop()
            with contextlib.suppress(Exception):
                what.close()
        shutil.rmtree(self.folder, ignore_errors=True)


# What nearly every row does.


def attempt_of(controller, instance, error):
    """When the attempt began that ended in this error."""
    begun = [each.at for each in controller.story.all("debug", instance=instance.name, text="state: resolving")
             if each.at <= error.at]
    if not begun:
        raise Missed(f"no attempt began before: {error['sentence']}")
    return begun[-1]


def until_back(case, instance, undo, error):
    """Undoes the cause right behind an error, when the next attempt is known, and holds that against it."""
    undone = time.time()
    undo()
    gone = time.time()
    back = instance.established(since=error.at, within=max(error["next"], 0) + 10)
    # Where undoing took its time, attempts have begun too early for it, the last of them under way when it was done:
    # what counts is the one after those.
    early = [each for each in instance.story.all("error", since=error.at + 0.001) if each.at < back.at]
    if early and gone > error.at + error["next"]:
        done = sum(each.at <= gone for each in early)
        error = early[done - 1] if done else error
        if done < len(early) and gone > error.at + error["next"]:
            error = early[done]
        undone = max(undone, error.at)
    # The attempt comes `next` after the error; what was undone a moment later does not prolong it.
    case.returned(max(0.0, back.at - undone), max(error["next"], 0))
    return back


def check_lane(case, instance, error, lane, first=True, retry_after=None):
    """Holds the class of one failure against what the list of faults says."""
    wait, shown = error["next"], error["state"]
    told = [error["layer"], error["code"], error["sentence"]]
    # An orderly end is no error, and leaves the last one as it was.
    if error["what"] == "error":
        case.check(error["last"] == told, f"last-error is {error['last']}, not {told}")
    longest = max(float(instance["reconnect-first-max"]), float(instance["reconnect-max"]))
    if lane == "transient":
        case.check(shown == "waiting" and wait <= longest + TENTH,
                   f"transient means waiting, at most {longest:g} s; it is {shown}, {wait:.1f} s: {error['sentence']}")
    elif lane == "slow":
        least = min(retry_after, 3600) if retry_after is not None else 5
        most = max(least * 1.1, least + longest) + TENTH
        case.check(shown == "waiting" and least - 0.05 <= wait <= most,
                   f"slow means waiting {least:g} to {most:g} s; it is {shown}, {wait:.1f} s: {error['sentence']}")
    elif lane == "restart":
        case.check(shown == "waiting" and 4.95 <= wait <= 30 + TENTH,
                   f"a restart means waiting 5 to 30 s; it is {shown}, {wait:.1f} s: {error['sentence']}")
    elif lane == "fatal":
        most = float(instance["fault-retry"])
        case.check(shown == "faulted" and wait <= most + TENTH,
                   f"fatal means faulted, at most {most:g} s; it is {shown}, {wait:.1f} s: {error['sentence']}")
        if first:
            try:
                instance.story.wait("faulted", since=error.at, within=2, code=error["code"])
            except Missed as missed:
                case.wrong.append(str(missed))
    if lane != "fatal":
        case.check(not any(each["what"] == "faulted" for each in aftermath(instance, error)),
                   f"faulted fired for what is {lane}: {error['sentence']}")


def aftermath(instance, error):
    """What the instance told after an error, up to the next attempt's beginning or end."""
    events = instance.story.all()
    after = []
    for each in events[next(i for i, each in enumerate(events) if each is error) + 1:]:
        if each["what"] in ("connected", "error"):
            break
        after.append(each)
    return after
