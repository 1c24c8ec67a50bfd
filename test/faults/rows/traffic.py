"""Sessions whose far end behaves badly while they stand, and messages too many or too large."""

import time

from rowbook import SETTINGS, TENTH, allowance, check_lane, row, until_back
from rows.losses import talk

P, T = SETTINGS["ping-interval"], SETTINGS["pong-timeout"]


@row("accepts, then closes at once, for ever", seconds=20)
def closes_for_ever(run):
    place = run.here()
    peer = run.peer(place)
    case = run.case()
    press = run.instance("press", peer, path="/close?code=1000", reconnect_first_max=0.5, reconnect_min=0.5,
                         reconnect_max=30, stable_after=30)
    run.control(place, press)
    press.established()
    time.sleep(20 if run.patient else 8)
    ends = press.story.all("disconnected")
    waits = [each["next"] for each in ends]
    for index, wait in enumerate(waits):
        most = 0.5 if index == 0 else min(30, 0.5 * 2 ** index)
        case.check((0 if index == 0 else 0.5) - TENTH <= wait <= most + TENTH,
                   f"the wait after loss {index + 1} is {wait:.2f} s, not up to {most:g} s")
    case.check(3 <= len(ends) <= 12, f"{len(ends)} attempts")
    case.note(f"{len(ends)} attempts in {20 if run.patient else 8} s, waits "
              + ", ".join(f"{wait:.1f}" for wait in waits) + " s")
    run.account(case, press)


@row("peer never answers Close", seconds=6)
def no_close_echo(run):
    """Disconnect when the server says so, Connect half a second after the end."""
    place = run.here()
    peer = run.peer(place)
    case = run.case()
    press = run.instance("press", peer, path="/no-close-echo?times=1", close_timeout=1, rules="""
  <rule name="leave THIS"><on trigger="THIS/message-received"><match kind="equals">leave</match></on>
    <do action="host/log"><arg name="message">@{"i":"THIS","what":"leaving"}</arg></do>
    <do action="THIS/disconnect"/></rule>
  <rule name="return THIS"><on trigger="THIS/disconnected"/><do action="THIS/connect" after="500ms"/></rule>""")
    run.control(place, press)
    talk(press)
    peer.send("/no-close-echo", "leave")
    leaving = press.story.wait("leaving")
    gone = press.story.wait("disconnected")
    case.detect(gone.at - leaving.at, press["close-timeout"])
    case.check(gone.at - leaving.at > 0.9, "it was not waited for")
    case.check(gone["clean"] is False, "reported as clean")
    case.said(gone)
    back = press.established(since=gone.at)
    case.returned(back.at - gone.at, 0.5)
    press.talks()
    run.account(case, press)


def bulk(run, name, stop, path, place, peer):
    """Sends 32 KiB every 10 ms into a server that takes nothing."""
    case = run.case(name)
    press = run.instance("press", peer, path=path, every=0.01, tail=" " + "x" * 32768, ping_interval=3600,
                         write_deadline=2)
    controller = run.control(place, press)
    press.established()
    press.story.wait("ready")
    began = time.time()
    undo = stop()
    # The kernel's buffers take megabytes first: what counts is the last byte that arrived at the other end's.
    unread, last = -1, began
    while not press.story.all("error", since=began) and time.time() < began + 15:
        if (now := peer.unread()) > unread:
            unread, last = now, time.time()
        time.sleep(0.01)
    error = case.said(press.lost(since=began, within=0))
    case.detect(error.at - last, press["write-deadline"])
    case.note(f"the last byte arrived {last - began:.2f} s after the server had stopped reading")
    case.check(error["layer"] == "liveness" and error["code"] == "write-deadline", f"{error['layer']} {error['code']}")
    check_lane(case, press, error, "transient")
    if undo:
        time.sleep(1)
        error = press.lost(since=error.at + 0.001, within=10)
        until_back(case, press, undo, error)
    else:
        back = press.established(since=error.at)
        case.returned(back.at - error.at, error["next"])
    case.note(f"{case.memory(controller, 64)}, {len(press.given)} messages of 32 KiB were given")
    gap = press.longest_gap()
    case.check(gap < 0.01 + allowance(), f"the controller's loop stood still for {gap:.2f} s")
    run.account(case, press)


@row("peer stops reading while we send", heavy=True, seconds=10, labels=("once",))
def stops_reading(run):
    place = run.here()
    peer = run.peer(place)

    def stop():
        peer.stop()
        return peer.go_on

    bulk(run, "SIGSTOP", stop, "/at/press", place, peer)


@row("peer stops reading while we send", heavy=True, seconds=10, labels=("once",))
def reads_no_more(run):
    place = run.here()
    peer = run.peer(place)
    bulk(run, "reads no more, but lives", lambda: None, "/stop-reading?messages=3&times=1", place, peer)


@row("peer floods faster than rules run", heavy=True, seconds=10, labels=("threads",))
def flood(run):
    place = run.here()
    peer = run.peer(place)
    case = run.case()
    count = 100000 if run.patient else 40000
    slow = "\n".join(f"""  <rule name="look {number} THIS"><on trigger="THIS/message-received">
    <match kind="regex">^nothing like (\\d+) {number}$</match></on>
    <do action="host/log"><arg name="message">never</arg></do></rule>""" for number in range(60))
    numbers = """
  <variable name="seen-THIS" type="int" value="0"/><variable name="wrong-THIS" type="int" value="0"/>
  <rule name="in order THIS"><on trigger="THIS/message-received"><match kind="regex">^(\\d+)\\.+$</match></on>
    <when variable="seen-THIS" is-not="${3}"/>
    <do action="host/add"><arg name="variable">wrong-THIS</arg></do></rule>
  <rule name="take THIS"><on trigger="THIS/message-received"><match kind="regex">^(\\d+)\\.+$</match></on>
    <do action="host/add"><arg name="variable">seen-THIS</arg></do></rule>
  <rule name="last THIS"><on trigger="THIS/message-received"><match kind="prefix">%d.</match></on>
    <do action="host/log"><arg name="message">@{"i":"THIS","what":"flooded","seen":${host/seen-THIS},"wrong":${host/wrong-THIS}}</arg></do>
  </rule>""" % (count - 1)
    # What the flood says must not be told one by one: that alone would be the bound.
    press = run.instance("press", peer, path=f"/flood?count={count}&size=200", every=0.1, rules=slow + numbers,
                         ping_interval=20, pong_timeout=10)
    press.quiet = True
    controller = run.control(place, press)
    began = press.established().at
    told = press.story.wait("flooded", within=60)
    case.check(told["seen"] == count and told["wrong"] == 0,
               f"{told['seen']} of {count} messages came, {told['wrong']} of them out of order")
    gap = press.longest_gap(began)
    case.note(f"{count} messages in {told.at - began:.1f} s, {case.memory(controller, 48)}, the longest gap of a 0.1 s rule "
              f"was {gap:.2f} s")
    case.check(gap < 0.1 + allowance(), f"the controller's loop stood still for {gap:.2f} s")
    pauses = controller.story.all("debug", text=lambda text: "reading pauses" in text)
    case.check(pauses, "reading never paused: the flood was no faster than the rules")
    case.check(not press.story.all("error"), "the session was lost")
    run.account(case, press)


def ping_trouble(run, name, path, bound, layers):
    place = run.here()
    peer = run.peer(place)
    case = run.case(name)
    press = run.instance("press", peer, path=path)
    run.control(place, press)
    since = press.established().at
    for number in (1, 2):
        error = case.said(press.lost(since=since + 0.001))
        case.detect(error.at - since, bound)
        case.check(error["layer"] == "liveness", f"layer {error['layer']}: {error['sentence']}")
        check_lane(case, press, error, "transient")
        advised = "Send keep alive? off" in error["sentence"] and "heartbeat message" in error["sentence"]
        case.check(advised == (number == 2), f"loss {number} in a row: {error['sentence']}")
        back = press.established(since=error.at)
        case.returned(back.at - error.at, error["next"])
        since = back.at
    press.talks()
    run.account(case, press)


@row("server aborts on a ping, or never pongs though data flows", seconds=8, labels=("threads",))
def aborts_on_ping(run):
    ping_trouble(run, "aborts", "/abort-on-ping?times=2", P + T, ("liveness",))


@row("server aborts on a ping, or never pongs though data flows", seconds=8)
def resets_on_ping(run):
    ping_trouble(run, "aborts by reset", "/abort-on-ping?reset=1&times=2", P + T, ("liveness",))


@row("server aborts on a ping, or never pongs though data flows", seconds=8)
def never_pongs(run):
    ping_trouble(run, "never pongs", "/no-pong?times=2", P + T, ("liveness",))


@row("keep alive off, peer silent", net=True, seconds=12)
def silent_sending(run):
    place = run.line()
    peer = run.peer(place)
    case = run.case("while sending: TCP_USER_TIMEOUT, which is P + T")
    press = run.instance("press", peer, send_keep_alive="false")
    run.control(place, press)
    talk(press)
    time.sleep(P + 0.5)
    case.check(peer.get("/sessions")["pingsReceived"] == 0, "a ping was sent")
    undo = []
    began = time.time()
    undo.append(place.server.drop("INPUT"))
    error = case.said(press.lost(since=began, within=15))
    # Counted by Linux from when the first number that stays unanswered is sent again: a beat of the numbers, and the
    # shortest time-out of a retransmission, 0.2 s, after the silence began.
    case.detect(error.at - began, P + T + 0.1 + 0.2)
    case.check(error["layer"] == "liveness", f"layer {error['layer']}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    error = press.lost(since=error.at + 0.001)
    until_back(case, press, lambda: [each() for each in undo], error)
    press.talks()
    run.account(case, press)


@row("keep alive off, peer silent", seconds=8)
def reset_when_idle(run):
    place = run.here()
    peer = run.peer(place)
    case = run.case("idle, but it resets: no silence")
    press = run.instance("press", peer, path="/rst?after=6000&times=1", send_keep_alive="false", every=0)
    run.control(place, press)
    error = case.said(press.lost(within=10))
    case.detect(error.at - press.established().at - 6, 0)
    case.check(error["layer"] == "close", f"layer {error['layer']}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    back = press.established(since=error.at)
    case.returned(back.at - error.at, error["next"])
    run.account(case, press)


@row("keep alive off, peer silent", net=True, seconds=70)
def silent_idle(run):
    place = run.line()
    peer = run.peer(place)
    case = run.case("idle: TCP keepalive, 30 s and 3 × 10 s")
    press = run.instance("press", peer, send_keep_alive="false", every=0)
    run.control(place, press)
    press.established()
    began = time.time()
    undo = [place.server.drop("INPUT")]
    error = case.said(press.lost(since=began, within=75))
    case.detect(error.at - began, 60)
    case.check(error["layer"] == "liveness", f"layer {error['layer']}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    error = press.lost(since=error.at + 0.001)
    until_back(case, press, lambda: [each() for each in undo], error)
    run.account(case, press)


def slow_line(run, name, throttle, **more):
    """The defaults of a customer's site: P 20 s, T 10 s."""
    place = run.line()
    peer = run.peer(place, "--max-message", str(8 << 20))
    case = run.case(name)
    throttle(place).run("tc", "qdisc", "add", "dev", "line", "root", "tbf", "rate", "256kbit", "burst", "8kb", "latency",
                        "3s")
    press = run.instance("press", peer, ping_interval=20, pong_timeout=10, write_deadline=10, **more)
    run.control(place, press)
    return place, peer, case, press


@row("1 MiB message over a 256 kbit/s line", net=True, seconds=50)
def slow_down(run):
    place, peer, case, press = slow_line(run, "from the server", lambda place: place.server, path="/big?size=1048576",
                                         every=0)
    came = press.story.wait("message-received", within=60)
    case.check(len(came["message"]) == 1048576 and came["message"].startswith("abcdefghijklmnopqrstuvwxyzabc"),
               f"{len(came['message'])} bytes came")
    up = press.established()
    case.note(f"arrived whole after {came.at - up.at:.0f} s")
    case.check(came.at - up.at > 25, "the line was not slow")
    case.check(not press.story.all("error"), "the session was lost")
    run.account(case, press)


@row("1 MiB message over a 256 kbit/s line", net=True, seconds=50)
def slow_up(run):
    place, peer, case, press = slow_line(run, "to the server", lambda place: place.controller, every=0, rules="""
  <rule name="much THIS"><on trigger="THIS/ready"/>
    <do action="THIS/send-message"><arg name="message">""" + "0123456789abcdef" * 65536 + """</arg></do></rule>""")
    came = peer.story.wait("message", within=60, bytes=1048576)
    up = press.established()
    case.note(f"arrived whole after {came.at - up.at:.0f} s")
    case.check(came.at - up.at > 25, "the line was not slow")
    time.sleep(12)
    for error in press.story.all("error"):
        case.wrong.append(f"the session was lost {error.at - up.at:.0f} s after it stood: {error['sentence']}")
    run.account(case, press)


@row("a server that lies: endless headers, slow bytes", seconds=8)
def lies(run):
    place = run.here()
    peer = run.peer(place)
    for name, path, lane, bound in (("endless headers", "/endless-headers?bytes=67108864&times=1", "fatal", 0.5),
                                    ("slow bytes", "/slow-bytes?every=200&times=1", "transient",
                                     SETTINGS["connect-timeout"])):
        case = run.case(name)
        press = run.instance(name.partition(" ")[0], peer, path=path)
        controller = run.control(place, press)
        error = case.said(press.lost())
        case.detect(error.at - press.story.wait("connected").at, bound)
        case.check(error["layer"] == "upgrade", f"layer {error['layer']}: {error['sentence']}")
        check_lane(case, press, error, lane)
        case.memory(controller, 48)
        back = press.established(since=error.at)
        case.returned(back.at - error.at, error["next"])
        press.talks()
        run.account(case, press)
