"""The far end, or the way to it, goes away."""

import contextlib
import time

from certificates import certificates
from rowbook import SETTINGS, attempt_of, check_lane, row, until_back

P, T = SETTINGS["ping-interval"], SETTINGS["pong-timeout"]
LIVENESS = ("liveness",)


def talk(instance):
    """Established, ready, and numbers go both ways."""
    instance.established()
    instance.story.wait("ready")
    instance.talks()


def lose(run, place, cause, undo, bound, *, peer=None, name="", layers=None, attempts=1, says=(), **settings):
    """A session, its end by `cause` within `bound`, failed attempts meanwhile, and the return behind `undo`. Beside the
    instance that queues what it cannot send goes one that refuses it."""
    case = run.case(name)
    peer = peer or run.peer(place, address=place.address)
    press = run.instance("press", peer, **settings)
    brisk = run.instance("brisk", peer, offline_policy="error", **settings)
    run.control(place, press, brisk)
    talk(press)
    talk(brisk)
    began = time.time()
    cause()
    error = case.said(press.lost(since=began, within=bound + 5))
    case.detect(error.at - began, bound)
    if layers:
        case.check(error["layer"] in layers, f"layer {error['layer']}, expected {'/'.join(layers)}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    for _ in range(attempts):
        error = case.said(press.lost(since=error.at + 0.001, within=error["next"] + press["connect-timeout"] + 3))
        check_lane(case, press, error, "transient")
    for part in says:
        case.check(part in error["sentence"], f"the sentence lacks '{part}': {error['sentence']}")
    until_back(case, press, undo, error)
    press.story.wait("ready", since=error.at)
    brisk.established(since=error.at, within=15)
    press.talks()
    brisk.talks()
    run.account(case, press)
    run.account(case, brisk)


class Undoing(contextlib.ExitStack):
    """Causes that know how to be undone, all at once."""

    def drop(self, host, chain, *match):
        self.callback(host.drop(chain, *match))


@row("peer process killed", seconds=6, labels=("threads",))
def peer_killed(run):
    place = run.here()
    peer = run.peer(place)
    lose(run, place, peer.kill, peer.start, 1, peer=peer, layers=("close",), says=(str(peer.port), "127.0.0.1"))


@row("peer host gone silent", net=True, seconds=8)
def peer_silent(run):
    place, undoing = run.line(), Undoing()

    def cause():
        undoing.drop(place.server, "INPUT")
        undoing.drop(place.server, "OUTPUT")

    lose(run, place, cause, undoing.close, P + T, layers=LIVENESS, says=(place.address,))


def over_tls(run, place, address):
    """A peer with a certificate for this address, and the settings that trust it."""
    keys = certificates(run.bench)
    (run.folder / "ca.pem").write_bytes(keys.authority.read_bytes())
    peer = run.peer(place, *keys.issue(f"at-{address}", f"IP:{address}"), tls=True)
    return peer, {"protocol": "wss", "tls_ca": run.folder / "ca.pem"}


@row("peer process killed", seconds=6)
def peer_killed_tls(run):
    place = run.here()
    peer, trust = over_tls(run, place, place.address)
    lose(run, place, peer.kill, peer.start, 1, peer=peer, name="over wss", layers=("close",), **trust)


@row("peer host gone silent", net=True, seconds=8)
def peer_silent_tls(run):
    place, undoing = run.line(), Undoing()
    peer, trust = over_tls(run, place, place.address)
    lose(run, place, lambda: undoing.drop(place.server, "INPUT"), undoing.close, P + T, peer=peer, name="over wss",
         layers=LIVENESS, **trust)


@row("peer host gone silent", net=True, seconds=8)
def peer_silent_v6(run):
    place, undoing = run.line(), Undoing()
    peer = run.peer(place, address=place.address6)
    lose(run, place, lambda: undoing.drop(place.server, "INPUT", "-p", "tcp"), undoing.close, P + T, peer=peer,
         name="over IPv6", layers=LIVENESS, says=(f"[{place.address6}]",))


@row("cable pulled at the peer", net=True, seconds=8)
def cable_pulled(run):
    place = run.line()
    lose(run, place, lambda: place.server.ip("link", "set", "line", "down"),
         lambda: place.server.ip("link", "set", "line", "up"), P + T, layers=LIVENESS, says=(place.address,))


@row("own interface down, or address lost", net=True, seconds=8)
def own_interface_down(run):
    place = run.line()
    lose(run, place, lambda: place.controller.ip("link", "set", "line", "down"),
         lambda: place.controller.ip("link", "set", "line", "up"), P + T, name="interface down", says=(place.address,))


@row("own interface down, or address lost", net=True, seconds=8)
def own_address_lost(run):
    place = run.line()
    own = (f"{place.controller_address}/24", "dev", "line")
    lose(run, place, lambda: place.controller.ip("addr", "del", *own),
         lambda: place.controller.ip("addr", "add", *own), P + T, name="address deleted", says=(place.address,))


@row("peer hung after upgrade", seconds=8, labels=("threads",))
def peer_hung(run):
    place = run.here()
    peer = run.peer(place)
    lose(run, place, peer.stop, peer.go_on, P + T, peer=peer, layers=LIVENESS)


@row("peer hung before upgrade", seconds=8)
def peer_hung_before(run):
    place = run.here()
    peer = run.peer(place)
    case = run.case()
    press = run.instance("press", peer)
    peer.stop()
    began = time.time()
    run.control(place, press)
    error = case.said(press.lost(within=10))
    case.detect(error.at - press.story.wait("connected").at, press["connect-timeout"])
    case.check(error["layer"] == "upgrade", f"layer {error['layer']}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    until_back(case, press, peer.go_on, error)
    case.check(press.story.wait("connected").at >= began, "connected before it began")
    talk(press)
    run.account(case, press)


@row("one-way loss, either way", net=True, seconds=8)
def one_way_towards_peer(run):
    place, undoing = run.line(), Undoing()
    lose(run, place, lambda: undoing.drop(place.server, "INPUT"), undoing.close, P + T, name="towards the peer",
         layers=LIVENESS, says=(place.address,))


@row("one-way loss, either way", net=True, seconds=8)
def one_way_from_peer(run):
    place, undoing = run.line(), Undoing()
    lose(run, place, lambda: undoing.drop(place.server, "OUTPUT"), undoing.close, P + T, name="from the peer",
         layers=LIVENESS, says=(place.address,))


@row("5 s blackout", net=True, seconds=25)
def blackout(run):
    place, undoing = run.line(), Undoing()
    peer = run.peer(place)
    case = run.case()
    # TCP tries again at growing distances: after 5 s of nothing the next try may be as far away once more.
    press = run.instance("press", peer, ping_interval=2, pong_timeout=12)
    run.control(place, press)
    talk(press)
    undoing.drop(place.server, "INPUT")
    undoing.drop(place.server, "OUTPUT")
    time.sleep(5)
    undoing.close()
    over = time.time()
    given = press.given[-1][0]
    until = over + 15
    while time.time() < until and not any(number >= given for _, number in press.echoes):
        time.sleep(0.02)
    case.check(any(number >= given for _, number in press.echoes), "what was sent in the blackout never came back")
    case.note(f"healed {time.time() - over:.1f} s after its end")
    time.sleep(3)
    case.check(len(press.story.all("websocket-established")) == 1 and not press.story.all("error", "disconnected"),
               "the session did not survive")
    run.account(case, press)

    def nothing_reported():
        case.check(not press.dropped and not press.refused, f"reported: {press.dropped or press.refused}")
    nothing_reported()


@row("a line that loses packets", net=True, seconds=20)
def loses_packets(run):
    """Every seventh or so, in each direction: TCP sends them again, so nobody notices but by the time it takes."""
    place, undoing = run.line(), Undoing()
    peer = run.peer(place)
    case = run.case("15 % each way")
    press = run.instance("press", peer, ping_interval=2, pong_timeout=12)
    run.control(place, press)
    talk(press)
    chance = ("-m", "statistic", "--mode", "random", "--probability", "0.15")
    for chain in ("INPUT", "OUTPUT"):
        undoing.drop(place.server, chain, *chance)
    time.sleep(12)
    listed = [place.server.run("iptables", "-w", "-L", chain, "-v", "-x", "-n") for chain in ("INPUT", "OUTPUT")]
    gone = [next(int(line.split()[0]) for line in text.splitlines() if " DROP " in line) for text in listed]
    undoing.close()
    press.talks(within=15)
    case.check(min(gone) > 0, f"{gone} packets were dropped")
    case.note(f"{gone[0]} packets dropped towards the peer, {gone[1]} from it; {len(press.echoes)} numbers came back")
    case.check(len(press.story.all("websocket-established")) == 1 and not press.story.all("error", "disconnected"),
               "the session did not survive")
    case.check(not press.dropped and not press.refused, f"reported: {press.dropped or press.refused}")
    run.account(case, press)


@row("firewall reset", net=True, seconds=6)
def firewall_reset(run):
    place, undoing = run.line(), Undoing()
    rule = ("INPUT", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")

    def cause():
        place.server.run("iptables", "-w", "-I", *rule)
        undoing.callback(place.server.run, "iptables", "-w", "-D", *rule)

    # The next byte is sent within 0.1 s: the rows' numbers go at that distance.
    lose(run, place, cause, undoing.close, 1 + 0.1, layers=("close",), says=(place.address,))


@row("port closed, no route, unreachable", seconds=5)
def port_closed(run):
    place = run.here()
    peer = run.peer(place)
    case = run.case("port closed")
    press = run.instance("press", peer)
    peer.kill()
    controller = run.control(place, press)
    error = case.said(press.lost())
    case.detect(error.at - attempt_of(controller, press, error), 1)
    case.check(error["layer"] == "tcp" and error["code"] == "ECONNREFUSED", f"{error['layer']} {error['code']}")
    case.check(f"{place.address}:{peer.port}" in error["sentence"], f"no address in: {error['sentence']}")
    check_lane(case, press, error, "transient")
    error = press.lost(since=error.at + 0.001)
    until_back(case, press, peer.start, error)
    talk(press)
    run.account(case, press)


def unreachable(run, name, code, bound, prepare, restore, address=None, says=None):
    place = run.line()
    peer = run.peer(place, address="0.0.0.0")
    case = run.case(name)
    address = address or place.address
    press = run.instance("press", peer, hostname=address)
    prepare(place)
    controller = run.control(place, press)
    error = case.said(press.lost(within=10))
    case.detect(error.at - attempt_of(controller, press, error), bound)
    case.check(error["layer"] == "tcp" and error["code"] in code, f"{error['layer']} {error['code']}: {error['sentence']}")
    case.check((says or address) in error["sentence"], f"no address in: {error['sentence']}")
    check_lane(case, press, error, "transient")
    error = press.lost(since=error.at + 0.001, within=10)
    until_back(case, press, lambda: restore(place), error)
    talk(press)
    run.account(case, press)


@row("port closed, no route, unreachable", net=True, seconds=8)
def no_route(run):
    def restore(place):
        place.controller.ip("route", "add", "10.99.0.0/24", "via", place.address)

    def prepare(place):
        place.server.ip("addr", "add", "10.99.0.1/32", "dev", "lo")

    unreachable(run, "no route", ("ENETUNREACH",), 1, prepare, restore, address="10.99.0.1")


@row("port closed, no route, unreachable", net=True, seconds=8)
def host_unreachable(run):
    unreachable(run, "no such host on the network", ("EHOSTUNREACH", "ETIMEDOUT"), SETTINGS["connect-timeout"],
                lambda place: place.server.ip("addr", "del", f"{place.address}/24", "dev", "line"),
                lambda place: place.server.ip("addr", "add", f"{place.address}/24", "dev", "line"))


@row("port closed, no route, unreachable", net=True, seconds=8)
def icmp_unreachable(run):
    rule = ("INPUT", "-p", "tcp", "-j", "REJECT", "--reject-with", "icmp-host-unreachable")
    unreachable(run, "a router says unreachable", ("EHOSTUNREACH",), 1,
                lambda place: place.server.run("iptables", "-w", "-I", *rule),
                lambda place: place.server.run("iptables", "-w", "-D", *rule))


@row("port closed, no route, unreachable", net=True, seconds=8)
def admin_forbidden(run):
    rule = ("OUTPUT", "-p", "tcp", "-j", "REJECT")
    unreachable(run, "the controller's own firewall", ("ECONNREFUSED", "EPERM", "EACCES", "EHOSTUNREACH"), 1,
                lambda place: place.controller.run("iptables", "-w", "-I", *rule),
                lambda place: place.controller.run("iptables", "-w", "-D", *rule))
