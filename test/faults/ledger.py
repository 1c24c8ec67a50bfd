"""What must hold of every story, whatever the fault was: no number lost or invented, no trigger too many or too few."""


def in_order(numbers):
    return all(a < b for a, b in zip(numbers, numbers[1:]))


class Account:
    """Of one instance: each number that a rule gave to Send Message must have arrived or been reported."""

    def __init__(self, instance, peers):
        self.wrong = []
        arrived = [each for peer in peers for each in peer.received.get(instance.name, [])]
        numbers = [number for _, number in arrived]
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
        # Disconnected reports how many messages may not have arrived, and a large one is dropped without its text:
        # that many of the missing are reported, too.
        when = dict(instance.given)
        covered = set()
        for end in instance.story.all("disconnected"):
            open_ones = [n for n in missing if when[n] <= end.at and n not in covered]
            covered |= set(open_ones[max(0, len(open_ones) - end["unconfirmed"]):])
        left = [n for n in missing if n not in covered]
        self.lost = left[instance.unnamed:]
        self.unconfirmed = len(missing) - len(self.lost)
        self.given, self.arrived = len(given), len(set(numbers))
        self.reported = len(instance.refused) + len(instance.dropped)
        self._sessions(instance, arrived)

    def _sessions(self, instance, arrived):
        """iompeer echoes: of each session what came back is the beginning of what went, in the same order."""
        sent = {}
        for session, number in arrived:
            sent.setdefault(session, []).append(number)
        for session, numbers in sent.items():
            if not in_order(numbers):
                self.wrong.append(f"the order on session {session} was {numbers}")
        came = {}
        for session, number in instance.echoes:
            came.setdefault(session, []).append(number)
        for session, numbers in came.items():
            of = next((each for each in sent.values() if numbers[0] in each), [])
            if of[:len(numbers)] != numbers:
                self.wrong.append(f"of {of} there came back {numbers}")


def triggers_in_order(instance, running=False):
    """Sentences about what is wrong with the order of an instance's triggers; product.md: one loss is `error` (not
    for Close 1000 and 1001, nor for what we asked for), `faulted`, `disconnected`, each once."""
    wrong = []
    kinds = ("connected", "websocket-established", "ready", "error", "credentials-rejected", "faulted", "disconnected")
    connected = established = False
    error = fault = None
    for event in instance.story.all(*kinds):
        what = event["what"]
        if what == "connected":
            if connected:
                wrong.append("connected twice without a disconnected in between")
            connected, established, error, fault = True, False, None, None
        elif what == "websocket-established":
            if not connected or established:
                wrong.append("websocket-established out of place")
            established, error = True, None
        elif what == "ready":
            if not established or error:
                wrong.append("ready out of place")
        elif what == "error":
            if error and connected:
                wrong.append(f"error twice for one loss: {event['sentence']}")
            error, fault = event, None
        elif what in ("faulted", "credentials-rejected"):
            if not error or error["code"] != event["code"]:
                wrong.append(f"{what} without its error")
            if what == "faulted":
                if fault:
                    wrong.append("faulted twice for one loss")
                fault = event
        elif what == "disconnected":
            if not connected:
                wrong.append("disconnected without a connected")
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
