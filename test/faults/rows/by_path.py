"""What the far end answers or sends: iompeer plays it by path, the given number of times, then it echoes."""

import base64
import dataclasses
import time
import typing
import urllib.parse

from rowbook import aftermath, check_lane, row


@dataclasses.dataclass
class Fault:
    """One variant: the path that plays it, and the class of each failure in a row."""

    name: str
    path: str
    lanes: tuple = ("transient",)
    layer: typing.Optional[str] = None
    code: typing.Optional[str] = None
    begins: str = "connected"  # what the fault follows at once
    tells: str = "error"       # or disconnected, where the end is no error
    credentials: bool = False
    retry_after: typing.Optional[float] = None
    says: tuple = ()           # what the sentence must hold
    settings: dict = dataclasses.field(default_factory=dict)
    back: bool = True
    bound: float = 0
    more: typing.Optional[typing.Callable] = None  # (run, case, instance, peer, failures)


def play_faults(run, faults, options=(), every=0.2):
    place = run.here()
    peer = run.peer(place, *options)
    pairs = []
    for index, fault in enumerate(faults):
        if not run.patient and fault.lanes[-1] in ("slow", "restart"):
            fault.back = False
        name = f"i{index}"
        path = f"{fault.path}{'&' if '?' in fault.path else '?'}who={name}"
        if fault.back:
            path += f"&times={len(fault.lanes)}"
        policy = {"offline_policy": "error"} if index % 2 else {}
        instance = run.instance(name, peer, path=path, every=every, **{**policy, **fault.settings})
        pairs.append((fault, instance, run.case(fault.name)))
    run.control(place, *(instance for _, instance, _ in pairs))
    for fault, instance, case in pairs:
        failures = []
        since = 0.0
        longest = 3
        for index, lane in enumerate(fault.lanes):
            failure = case.said(instance.story.wait(fault.tells, since=since, within=longest + fault.bound + 5))
            begins = instance.story.all(fault.begins, since=since)
            begins = [each for each in begins if each.at <= failure.at]
            if case.check(begins, f"no {fault.begins} before: {failure['sentence']}"):
                case.detect(failure.at - begins[-1].at, fault.bound)
            check_lane(case, instance, failure, lane, first=lane not in fault.lanes[:index],
                       retry_after=fault.retry_after)
            if fault.layer:
                case.check(failure["layer"] == fault.layer, f"layer {failure['layer']}, not {fault.layer}")
            if fault.code:
                case.check(failure["code"] == fault.code, f"code {failure['code']}, not {fault.code}")
            for part in fault.says:
                case.check(part in failure["sentence"], f"the sentence lacks '{part}': {failure['sentence']}")
            if fault.credentials:
                instance.story.wait("credentials-rejected", since=failure.at, within=2)
            else:
                case.check(not any(each["what"] == "credentials-rejected" for each in aftermath(instance, failure)),
                           f"credentials-rejected for: {failure['sentence']}")
            failures.append(failure)
            since = failure.at + 0.001
            longest = failure["next"]
        if fault.back:
            back = instance.established(since=since, within=longest + 5)
            case.returned(back.at - failures[-1].at, longest)
            instance.story.wait("ready", since=since)
            instance.talks()
        if fault.more:
            fault.more(run, case, instance, peer, failures)
        run.account(case, instance)


def status(number, *lanes, **more):
    query = more.pop("query", "")
    return Fault(str(number) + more.pop("note", ""), f"/status/{number}{query}", lanes, layer="http", code=str(number),
                 says=(str(number),), **more)


@row("upgrade refused 400 404 405 410 426, wrong Accept, unknown subprotocol or extension", seconds=4)
def refused(run):
    play_faults(run, [
        *(status(number, "fatal") for number in (400, 404, 405, 410, 426)),
        Fault("wrong Accept", "/bad-accept", ("fatal",), "upgrade", says=("Sec-WebSocket-Accept",)),
        Fault("unknown subprotocol", "/bad-subprotocol", ("fatal",), "upgrade", says=("subprotocol",)),
        Fault("unknown extension", "/bad-extension", ("fatal",), "upgrade", says=("extension",)),
    ])


@row("401 403 407", seconds=6)
def credentials(run):
    play_faults(run, [status(number, "transient", "fatal", credentials=True) for number in (401, 403, 407)])


@row("401 403 407", seconds=6)
def secrets_anew(run):
    """The password is wrong, and put right while the line waits: the next attempt takes the new one."""
    place = run.here()
    secret = "correct-horse"
    peer = run.peer(place, "--basic", f"press:{secret}")
    case = run.case("secrets read anew in between")
    press = run.instance("press", peer, path="/basic", username="press", password="${secret:gate}",
                         reconnect_first_max=2, reconnect_min=1)
    controller = run.control(place, press, secrets={"gate": "wrong"})
    error = case.said(press.lost(code="401"))
    check_lane(case, press, error, "transient")
    controller.secrets({"gate": secret})
    back = press.established(within=10)
    case.returned(back.at - error.at, max(error["next"], 1))
    shown = (secret, base64.b64encode(f"press:{secret}".encode()).decode())
    for event in controller.story.all():
        case.check(not any(each in event["text"] for each in shown), f"the log shows the secret: {event['text']}")
    press.talks()
    run.account(case, press)


@row("408 429 500 502 503 504", seconds=12)
def server_trouble(run):
    def stays(run, case, instance, peer, failures):
        time.sleep(1)
        case.check(len(instance.story.all("connected")) == 1, "it tried again before Retry-After was over")

    play_faults(run, [
        *(status(number, "transient") for number in (408, 500, 502, 504)),
        status(429, "slow"),
        status(503, "slow"),
        status(429, "slow", note=", Retry-After 3", query="?retry-after=3", retry_after=3),
        status(503, "slow", note=", Retry-After 7", query="?retry-after=7", retry_after=7),
        status(503, "slow", note=", Retry-After 99999", query="?retry-after=99999", retry_after=99999, back=False,
               more=stays),
    ])


@row("other 4xx; 2xx or 3xx that is no upgrade; 409 423 425; other 5xx", seconds=12)
def other_statuses(run):
    play_faults(run, [
        *(status(number, "fatal") for number in (402, 406, 411, 418, 451, 499)),
        *(status(number, "fatal") for number in (200, 204, 300, 304)),
        *(status(number, "slow") for number in (409, 423, 425)),
        *(status(number, "transient") for number in (501, 505, 507, 599)),
    ])


@row("redirect", seconds=5)
def redirect(run):
    def sixth(run, case, instance, peer, failures):
        asked = [each for each in peer.get("/requests") if "there" in each["target"]]
        attempts = len(instance.story.all("connected"))
        case.check(len(asked) == 6 * attempts, f"{len(asked)} requests in {attempts} attempts, expected the first and 5 "
                   "redirects in each")

    place = run.here()
    peer = run.peer(place)
    case = run.case("on the same host: followed")
    near = run.instance("near", peer, path="/redirect?to=/there")
    run.control(place, near)
    up = near.established()
    case.detect(up.at - near.story.wait("connected").at, 0)
    case.check(len(near.story.all("connected")) == 1, "a redirect must not fire connected again")
    case.check([each["target"] for each in peer.get("/requests")] == ["/redirect?to=/there", "/there"],
               "it asked for other paths than the redirect says")
    near.talks()
    run.account(case, near)
    endless = "/there"
    for _ in range(7):
        endless = "/redirect?to=" + urllib.parse.quote(endless, safe="")
    play_faults(run, [
        Fault("at most 5", endless, ("fatal",), "http", back=False, says=("again and again",), more=sixth),
        Fault("to another host", "/redirect?to=ws://elsewhere.example/", ("fatal",), "http",
              says=("elsewhere.example",)),
        Fault("without a place to go", "/redirect", ("fatal",), "http"),
    ])


def close(code, *lanes, name=None, **more):
    return Fault(name or str(code), f"/close?code={code}", lanes, more.pop("layer", "close"), more.pop("code", str(code)),
                 begins="websocket-established", **more)


@row("Close 1000 1001 1005 1006 1011 1014, 3000–3499, 4000–4499", seconds=4, labels=("threads",))
def close_transient(run):
    play_faults(run, [
        close(1000, "transient", tells="disconnected"),
        close(1001, "transient", tells="disconnected"),
        Fault("1005", "/close", ("transient",), "close", "1005", begins="websocket-established"),
        Fault("1006", "/drop", ("transient",), "close", "1006", begins="websocket-established"),
        Fault("1006, by reset", "/rst", ("transient",), "close", "1006", begins="websocket-established"),
        *(close(code, "transient") for code in (1011, 1014, 3000, 3499, 4000, 4400, 4499)),
        close(4401, "transient", credentials=True),
    ])


@row("Close 1012", seconds=20)
def close_restart(run):
    play_faults(run, [close(1012, "restart")])


@row("Close 1013", seconds=8)
def close_slow(run):
    play_faults(run, [close(1013, "slow")])


@row("Close 1008", seconds=5)
def close_policy(run):
    play_faults(run, [close(1008, "transient", "fatal", credentials=True)])


@row("Close 1002 1003 1007 1009 1010", seconds=5)
def close_protocol(run):
    play_faults(run, [close(code, "transient", "fatal") for code in (1002, 1003, 1007, 1009, 1010)])


@row("Close 1016–2999; other codes; one reserved on the wire", seconds=5)
def close_unassigned(run):
    play_faults(run, [
        *(close(code, "transient", "fatal") for code in (1016, 2000, 2999)),
        *(close(code, "transient", name=f"{code}, an other code") for code in (5000, 65535)),
        *(Fault(f"{code} reserved", f"/invalid/close-code?code={code}", ("transient", "fatal"), "protocol",
                begins="websocket-established", says=("reserved",)) for code in (999, 1004, 1005, 1006, 1015)),
    ])


@row("Close 3500–3999, 4500–4999", seconds=4)
def close_for_good(run):
    play_faults(run, [close(code, "fatal") for code in (3500, 3999, 4500, 4999)])


VIOLATIONS = {
    "masked frame": ("masked", 1002), "reserved bit 1": ("rsv?bit=1", 1002), "reserved bit 2": ("rsv?bit=2", 1002),
    "reserved bit 3": ("rsv?bit=3", 1002), "reserved opcode 3": ("opcode?opcode=3", 1002),
    "reserved opcode 7": ("opcode?opcode=7", 1002), "reserved opcode 11": ("opcode?opcode=11", 1002),
    "reserved opcode 15": ("opcode?opcode=15", 1002), "bad UTF-8": ("utf8", 1007),
    "bad UTF-8 across fragments": ("utf8?fragments=1", 1007), "long control frame": ("long-control", 1002),
    "fragmented control frame": ("fragmented-control", 1002), "bad close code": ("close-code?code=1005", 1002),
    "close reason no UTF-8": ("close-utf8", 1007), "close payload of one byte": ("close-length", 1002),
    "continuation out of order": ("continuation", 1002), "message inside a message": ("interleaved", 1002),
    "length with the top bit": ("length", 1002), "length not minimal": ("length-not-minimal", 1002),
}


def close_sent(code):
    """The server must have got this Close; several are compared with, where the RFC leaves it open."""

    def look(run, case, instance, peer, failures):
        path = instance.path.partition("?")[0]
        closed = [each for each in peer.story.all("session-closed") if each["path"] == path]
        codes = {each["code"] for each in closed}
        case.check(code in codes, f"the server got {sorted(codes) or 'no Close'}, not {code}")

    return look


@row("protocol violations: masked frame, reserved bits or opcode, bad UTF-8, long or fragmented control frame, "
     "bad close code, continuation out of order", seconds=6, labels=("threads",))
def violations(run):
    play_faults(run, [
        Fault(name, f"/invalid/{path}", ("transient", "fatal"), "protocol", begins="websocket-established",
              more=close_sent(code))
        for name, (path, code) in VIOLATIONS.items()], every=0.3)


@row("message over max-message-size, also by many fragments or by decompression", heavy=True, seconds=6, labels=("once",))
def too_large(run):
    def small(run, case, instance, peer, failures):
        close_sent(1009)(run, case, instance, peer, failures)
        case.memory(run.controllers[-1], 48)

    about = {"layer": "protocol", "begins": "websocket-established", "more": small, "code": "1009"}
    play_faults(run, [
        Fault("2 MiB", "/big?size=2097152", ("transient", "fatal"), **about, says=("2097152", "1048576")),
        Fault("one byte over", "/big?size=1048577", ("transient", "fatal"), **about, says=("1048577",)),
        # These two take the server some work before the limit is passed.
        Fault("in 5,000 fragments", "/big?size=2097152&fragments=5000", ("transient", "fatal"), **about, bound=0.3),
        Fault("claims a tebibyte", "/invalid/huge-length", ("transient", "fatal"), **about),
        Fault("claims an exbibyte", "/invalid/huge-length?length=1152921504606846976", ("transient", "fatal"), **about),
        Fault("1 GiB by decompression", "/bomb?size=1073741824", ("transient", "fatal"), **about, bound=0.3,
              settings={"compression": "true"}),
    ], every=0.3)
