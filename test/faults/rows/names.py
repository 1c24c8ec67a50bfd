"""Names and the addresses behind them: the controller gets a hosts file and a name server of its own."""

import socket
import statistics
import struct
import threading
import time

import ledger
from rowbook import SETTINGS, allowance, attempt_of, check_lane, row, until_back
from rows.losses import talk


class NameServer:
    """Answers every question with the addresses given, or that there is no such name."""

    def __init__(self, host, address):
        self.socket = host.listen(address, 53, socket.SOCK_DGRAM)
        self.addresses = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                question, who = self.socket.recvfrom(512)
            except OSError:
                return
            end = question.index(b"\0", 12) + 5
            kind = struct.unpack("!H", question[end - 4:end - 2])[0]
            found = [socket.inet_aton(each) for each in self.addresses] if kind == 1 else []
            flags = 0x8180 if self.addresses else 0x8183  # no error, or: no such name
            answer = question[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question[12:end]
            for each in found:
                answer += b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + each
            self.socket.sendto(answer, who)

    def close(self):
        self.socket.close()


def names_of(run, server, hosts=""):
    """Files that stand for the controller's /etc/hosts, resolv.conf and nsswitch.conf; answers the command that
    starts a program with them, and the hosts file."""
    own = {"hosts": f"127.0.0.1 localhost\n{hosts}", "resolv.conf": f"nameserver {server}\n",
           "nsswitch.conf": "hosts: files dns\n"}
    script = ""
    for name, text in own.items():
        (run.folder / name).write_text(text)
        script += f"mount --bind '{run.folder / name}' /etc/{name} && "
    return ["unshare", "-m", "sh", "-c", script + 'exec "$@"', "sh"], run.folder / "hosts"


@row("name unknown; resolver silent", net=True, seconds=6)
def name_unknown(run):
    place = run.line()
    peer = run.peer(place)
    case = run.case("name unknown")
    server = run.keep(NameServer(place.server, place.address))
    press = run.instance("press", peer, hostname="press.example")
    wrap, _ = names_of(run, place.address)
    controller = run.control(place, press, wrap=wrap)
    error = case.said(press.lost())
    case.detect(error.at - attempt_of(controller, press, error), 1)
    case.check(error["layer"] == "dns" and error["code"] == "EAI_NONAME", f"{error['layer']} {error['code']}")
    check_lane(case, press, error, "transient")
    error = case.said(press.lost(since=error.at + 0.001))
    until_back(case, press, lambda: server.addresses.append(place.address), error)
    press.talks()
    run.account(case, press)


RTT_RULES = """
  <rule name="ask THIS"><on trigger="host/every" interval="20ms"/><when status="THIS/is-ready" is="true"/>
    <do action="THIS/request"><arg name="message">how far</arg><arg name="match"><match>how far</match></arg></do></rule>
  <rule name="far THIS"><on trigger="THIS/reply-received"/>
    <do action="host/log"><arg name="message">@{"i":"THIS","what":"trip","ms":${milliseconds}}</arg></do></rule>"""


def round_trips(instance, since, until):
    """All of them in order of length, and the median of the calmest second: what else runs on this machine comes in
    bursts, and must not be taken for the fault's doing."""
    trips = [(each.at, each["ms"]) for each in instance.story.all("trip", since=since) if each.at < until]
    seconds = [[ms for at, ms in trips if second <= at - since < second + 1] for second in range(int(until - since))]
    calmest = min((statistics.median(each) for each in seconds if len(each) > 20), default=0)
    return sorted(ms for _, ms in trips), calmest


def others_unaffected(run, case, place, victim, other, cause, undo, layer, bound):
    """Five quiet seconds, then five with the fault: the other instance's round trips stay what they were."""
    other.established()
    victim.established()
    time.sleep(5)
    began = time.time()
    cause()
    error = case.said(victim.lost(since=began, within=bound + 5))
    case.detect(error.at - began, bound)
    error = case.said(victim.lost(since=error.at + 0.001, within=8))
    case.check(error["layer"] == layer, f"layer {error['layer']}: {error['sentence']}")
    check_lane(case, victim, error, "transient")
    time.sleep(max(0.0, began + 5 - time.time()))
    end = time.time()
    error = victim.lost(since=end - 0.3, within=8)
    until_back(case, victim, undo, error)
    (quiet, calm), (loud, meanwhile) = round_trips(other, began - 5, began), round_trips(other, began, end)
    if not case.check(calm and meanwhile, f"only {len(quiet)} and {len(loud)} round trips"):
        return
    ratio = meanwhile / calm
    gap = victim.longest_gap(began, end)
    case.note(f"the other's round trips: median of the calmest second {calm:.3f} ms before, {meanwhile:.3f} ms meanwhile, "
              f"ratio {ratio:.2f}; {ledger.lengths(quiet)} before, {ledger.lengths(loud)} meanwhile; the longest gap of a 0.1 s "
              f"rule {gap:.2f} s")
    case.extra["ratio"] = ratio
    # A tenth of a millisecond is the scheduler's.
    case.check(ratio < 1.5 or meanwhile - calm < 0.1, f"the other instance's round trips became {ratio:.2f} times as long")
    case.wrong += ledger.longer_trips(quiet, loud)
    case.check(gap < 0.1 + allowance(), f"the controller's loop stood still for {gap:.2f} s")
    case.check(len(other.story.all("websocket-established")) == 1, "the other instance lost its session")
    run.account(case, victim)
    run.account(case, other)


@row("name unknown; resolver silent", net=True, heavy=True, seconds=20)
def resolver_silent(run):
    place = run.line()
    peer = run.peer(place)
    case = run.case("resolver silent, beside an instance that is well")
    server = run.keep(NameServer(place.server, place.address))
    server.addresses.append(place.address)
    press = run.instance("press", peer, hostname="press.example")
    other = run.instance("other", peer, rules=RTT_RULES)
    wrap, _ = names_of(run, place.address)
    run.control(place, press, other, wrap=wrap)
    undo = []

    def cause():
        undo.append(place.server.drop("INPUT", "-p", "udp", "--dport", "53"))
        peer.request("POST", f"/shut?code=1011&path={press.path}")

    others_unaffected(run, case, place, press, other, cause, lambda: [each() for each in undo], "dns", 0.2)


@row("peer host gone silent", net=True, heavy=True, seconds=20)
def black_hole(run):
    place = run.line()
    place.server.ip("addr", "add", "10.77.0.3/24", "dev", "line")
    peer = run.peer(place, address="0.0.0.0")
    case = run.case("beside an instance that is well")
    press = run.instance("press", peer, hostname="10.77.0.3")
    other = run.instance("other", peer, hostname=place.address, rules=RTT_RULES)
    run.control(place, press, other)
    undo = []

    def cause():
        undo.append(place.server.drop("INPUT", "-d", "10.77.0.3"))

    others_unaffected(run, case, place, press, other, cause, lambda: [each() for each in undo], "tcp",
                      SETTINGS["ping-interval"] + SETTINGS["pong-timeout"])


@row("address of the name changed", net=True, seconds=6)
def address_changed(run):
    place = run.line()
    place.server.ip("addr", "add", "10.77.0.3/24", "dev", "line")
    first = run.peer(place)
    second = run.peer(place, address="10.77.0.3", port=first.port)
    case = run.case()
    press = run.instance("press", first, hostname="press.example")
    wrap, hosts = names_of(run, place.address, f"{place.address} press.example\n")
    run.control(place, press, wrap=wrap)
    talk(press)
    began = time.time()
    first.kill()
    error = case.said(press.lost(since=began))
    case.detect(error.at - began, 1)
    error = case.said(press.lost(since=error.at + 0.001))
    case.check(place.address in error["sentence"], f"no address in: {error['sentence']}")
    until_back(case, press, lambda: hosts.write_text("10.77.0.3 press.example\n"), error)
    up = press.story.wait("connected", since=error.at)
    case.check(up["remote"].startswith("10.77.0.3:"), f"it went to {up['remote']}")
    press.talks()
    run.account(case, press)


@row("first address dead, second alive", net=True, seconds=6)
def second_address(run):
    for name, prepare, bound in (
            ("the first refuses", lambda place: None, 0.2),
            ("the first is silent", lambda place: place.server.drop("INPUT", "-d", "10.77.0.3"),
             SETTINGS["connect-timeout"])):
        place = run.line()
        place.server.ip("addr", "add", "10.77.0.3/24", "dev", "line")
        peer = run.peer(place)
        case = run.case(name)
        press = run.instance("press", peer, hostname="press.example")
        wrap, _ = names_of(run, place.address, f"10.77.0.3 press.example\n{place.address} press.example\n")
        prepare(place)
        controller = run.control(place, press, wrap=wrap)
        began = controller.story.wait("debug", text=lambda text: "state: connecting" in text).at
        up = press.established(within=5)
        case.returned(up.at - began, bound)
        case.check(not press.story.all("error"), "an error was fired, though the second address answered")
        case.check(press.story.wait("connected")["remote"].startswith(f"{place.address}:"), "it went elsewhere")
        press.talks()
        run.account(case, press)
        run.settle()
        run.ends.clear()
        run.controllers.clear()
        run.peers.clear()
