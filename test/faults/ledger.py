"""What must hold of every story, whatever the fault was: no number lost or invented, no trigger too many or too few."""

import statistics

LONG = 50    # ms: 99 of 100 round trips beside a fault are shorter
STALL = 150  # ms: all are


def percentile(trips):
    return trips[int(len(trips) * 0.99)]


def lengths(trips):
    """The median, the 99th percentile and the longest, of sorted round trips in ms."""
    return (f"median {statistics.median(trips):.2f} ms, 99th percentile {percentile(trips):.1f} ms, "
            f"longest {trips[-1]:.1f} ms")


def longer_trips(quiet, loud):
    """Sentences about what a fault elsewhere did to round trips (ms, sorted). A machine that was busy before may be so
    meanwhile: twice its own values then, but not more."""
    wrong = []
    for name, of, bound in (("median", statistics.median, 1), ("99th percentile", percentile, LONG),
                            ("longest", max, STALL)):
        bound = max(bound, 2 * of(quiet))
        if of(loud) > bound:
            wrong.append(f"the {name} of the other instance's round trips was {of(loud):.1f} ms, bound {bound:.1f} ms")
    return wrong


def in_order(numbers):
    return all(a < b for a, b in zip(numbers, numbers[1:]))


class Sitting:
    """A session as the far end saw it: which numbers came, when the first and the last."""

    def __init__(self, session):
        self.session, self.numbers, self.times = session, [], []

    def add(self, number, at):
        self.numbers.append(number)
        self.times.append(at)


def sittings_of(instance, peers):
    found = {}
    for peer in peers:
        for session, number, at in peer.received.get(instance.name, []):
            found.setdefault(session, Sitting(session)).add(number, at)
    return sorted(found.values(), key=lambda each: min(each.numbers))


class Account:
    """Of one instance: each number that a rule gave to Send Message must have arrived or been reported."""

    def __init__(self, instance, peers):
        self.wrong = []
        sittings = sittings_of(instance, peers)
        numbers = [number for each in sittings for number in each.numbers]
        given = {number for number, _ in instance.given}
        for number in sorted(set(numbers)):
            if numbers.count(number) > 1:
                self.wrong.append(f"{number} arrived {numbers.count(number)} times")
        for number in sorted(set(numbers) - given):
            self.wrong.append(f"{number} arrived, but nobody sent it")
        for number in sorted(set(numbers) & instance.refused):
            self.wrong.append(f"{number} arrived, but Send Message had refused it")
        for number in sorted(set(numbers) & {n for n, why in instance.dropped.items() if why != "unconfirmed"}):
            self.wrong.append(f"{number} arrived, but was reported as {instance.dropped[number]}")
        missing = sorted(given - set(numbers) - instance.refused - set(instance.dropped))
        self.unnamed, left = self._unnamed(instance, missing)
        self.unconfirmed, self.lost = self._unconfirmed(instance, sittings, left)
        self.given, self.arrived = len(given), len(set(numbers))
        self.reported = len(instance.refused) + len(instance.dropped)
        self._order(sittings)
        self._echoes(instance, sittings)

    @staticmethod
    def _unnamed(instance, missing):
        """A large message is dropped without its text: each such report stands for one that was given before it."""
        left = list(missing)
        when = dict(instance.given)
        for dropped in instance.unnamed:
            if left and when[left[0]] <= dropped:
                left.pop(0)
        return len(missing) - len(left), left

    @staticmethod
    def _unconfirmed(instance, sittings, missing):
        """Disconnected reports how many messages may not have arrived: that many of the missing are reported, too. But
        TCP loses the tail of a session alone: what has a later arrival in the same session is lost for good."""
        when = dict(instance.given)
        latest = {}  # number → when the session after it was heard of: an end that comes later is none of its own
        for number in missing:
            if not any(min(each.numbers) < number < max(each.numbers) for each in sittings):
                latest[number] = next((min(each.times) for each in sittings if min(each.numbers) > number), float("inf"))
        covered = set()
        for end in instance.story.all("disconnected"):
            tail = [n for n in latest if when[n] <= end.at < latest[n] and n not in covered]
            covered |= set(tail[max(0, len(tail) - end["unconfirmed"]):])
        return len(covered), [n for n in missing if n not in covered]

    def _order(self, sittings):
        for each in sittings:
            if not in_order(each.numbers):
                self.wrong.append(f"the order on session {each.session} was {each.numbers}")

    def _echoes(self, instance, sittings):
        """iompeer echoes: of each session what came back is the beginning of what went, in the same order; and all of it
        but the last second's, if the session ended cleanly."""
        came = {}
        for session, number in instance.echoes:
            came.setdefault(session, []).append(number)
        of = {}
        for session, numbers in came.items():
            of[session] = next((each for each in sittings if numbers[0] in each.numbers), None)
            went = of[session].numbers if of[session] else []
            if went[:len(numbers)] != numbers:
                self.wrong.append(f"of {went} there came back {numbers}")
        if instance.quiet:
            return
        for ordinal, (begin, end) in enumerate(spans(instance), 1):
            if end is None or not end["clean"]:
                continue
            sitting = of.get(ordinal) or next(
                (each for each in sittings if each not in of.values() and begin <= min(each.times) <= end.at), None)
            if sitting is None:
                continue
            due = [n for n, at in zip(sitting.numbers, sitting.times) if at <= end.at - ECHO]
            missed = sorted(set(due) - set(came.get(ordinal, [])))
            if missed:
                self.wrong.append(f"{len(missed)} numbers of a session that ended cleanly never came back: {missed[:10]}")


ECHO = 1   # seconds that an echo may take
READY = 1  # seconds within which a session that stands gets ready


def spans(instance):
    """Of each session that was established: when, and the `disconnected` that ended it."""
    found = []
    for event in instance.story.all("websocket-established", "disconnected"):
        if event["what"] == "websocket-established":
            found.append((event.at, None))
        elif found and found[-1][1] is None:
            found[-1] = (found[-1][0], event)
    return found


def triggers_in_order(instance, running=False):
    """Sentences about what is wrong with the order of an instance's triggers. One loss is `error` (not for Close 1000
    and 1001, nor for what we asked for), `credentials-rejected` or `faulted`, `disconnected`, each once; one attempt is
    one `error` at most; a session that stood was `ready`."""
    wrong = []
    kinds = ("connected", "websocket-established", "ready", "error", "credentials-rejected", "faulted", "disconnected")
    connected = established = False
    error = fault = rejected = attempt = up = ready = None
    for event in instance.story.all(*kinds):
        what = event["what"]
        if what == "connected":
            if connected:
                wrong.append("connected twice without a disconnected in between")
            connected, established, ready, error, fault = True, False, False, None, None
        elif what == "websocket-established":
            if not connected or established:
                wrong.append("websocket-established out of place")
            established, error, up = True, None, event.at
        elif what == "ready":
            if not established or error:
                wrong.append("ready out of place")
            elif ready:
                wrong.append("ready twice in one session")
            ready = True
        elif what == "error":
            if error and connected:
                wrong.append(f"error twice for one loss: {event['sentence']}")
            if attempt is not None and not established and event.get("attempt") == attempt:
                wrong.append(f"error twice for attempt {attempt}: {event['sentence']}")
            attempt = None if established else event.get("attempt")
            error, fault, rejected = event, None, None
        elif what in ("faulted", "credentials-rejected"):
            if not error or error["code"] != event["code"]:
                wrong.append(f"{what} without its error")
            if what == "credentials-rejected":
                if rejected:
                    wrong.append("credentials-rejected twice for one loss")
                rejected = event
            if what == "faulted":
                if fault:
                    wrong.append("faulted twice for one loss")
                fault = event
        elif what == "disconnected":
            if not connected:
                wrong.append("disconnected without a connected")
            if established and not ready and event.at - up > READY:
                wrong.append(f"a session stood for {event.at - up:.1f} s and was never ready")
            quiet = event["code"] in ("1000", "1001") and event["layer"] == "close" or event["layer"] == "local"
            if quiet and error and error["layer"] != "local":
                wrong.append(f"error for an orderly end: {error['sentence']}")
            if not quiet and not error:
                wrong.append(f"no error for: {event['sentence']}")
            connected = established = False
            error = None
    if connected and not running:
        wrong.append("connected without a disconnected, though the host has stopped")
    return wrong
