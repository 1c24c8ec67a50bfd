"""What stands between the two ends: proxies, and lines that are slow, stall or spoil."""

import shutil
import signal
import time

from certificates import certificates
from programs import Missed, Program
from relay import Proxy, Relay
from rowbook import SETTINGS, check_lane, row, until_back
from rows.losses import lose, talk

P, T = SETTINGS["ping-interval"], SETTINGS["pong-timeout"]
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"  # where only root looks, as a rule


class Nginx:
    """nginx as a reverse proxy before an iompeer, in one process."""

    def __init__(self, run, place, peer, idle=60):
        self.place = place
        self.port = self._free(place.controller)
        folder = run.folder / "nginx"
        folder.mkdir()
        self.file = folder / "nginx.conf"
        spare = "\n".join(f"  {name}_temp_path {folder}/{name};" for name in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.file.write_text(f"""daemon off;
master_process off;
pid {folder}/pid;
error_log stderr error;
events {{ worker_connections 64; }}
http {{
  access_log off;
{spare}
  server {{
    listen {place.address}:{self.port};
    location / {{
      proxy_pass http://{peer.address}:{peer.port};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_read_timeout {idle}s;
      proxy_connect_timeout 1s;
    }}
  }}
}}
""")
        self.program = None
        self.start()
        run.keep(self)

    @staticmethod
    def _free(host):
        with host.listen() as one:
            return one.getsockname()[1]

    def start(self):
        self.program = Program(self.place.controller.command(NGINX, "-e", "stderr", "-c", self.file),
                               lambda line, came: None)
        for _ in range(500):
            try:
                self.place.controller.connect((self.place.address, self.port)).close()
                return
            except OSError:
                time.sleep(0.01)
        raise Missed("nginx does not listen")

    def kill(self):
        self.program.send(signal.SIGKILL)
        self.program.end()

    def stop(self):
        self.program.send(signal.SIGSTOP)

    def go_on(self):
        self.program.send(signal.SIGCONT)

    def close(self):
        self.program.end()


@row("proxy closes idle connections at 60 s", seconds=16)
def proxy_idle(run):
    """Scaled: a proxy that closes after 3 s, pings every second; and, so that the proxy is known to do so, one whose
    pings come too late."""
    place = run.here()
    peer = run.peer(place)
    nginx = Nginx(run, place, peer, idle=3)
    case = run.case("3 s, with P 1 s")
    press = run.instance("press", peer, port=nginx.port, every=0)
    late = run.instance("late", peer, port=nginx.port, every=0, ping_interval=60)
    run.control(place, press, late)
    press.established()
    gone = late.story.wait("disconnected", within=8)
    case.check(2.5 < gone["up"] < 4.5, f"the proxy closed a quiet line after {gone['up']:.1f} s, not 3 s")
    time.sleep(8)
    case.check(not press.story.all("error", "disconnected"), "the line was closed")
    case.note(f"without pings nginx closes after {gone['up']:.1f} s; with them the session stood {12:d} s")
    run.account(case, press)


@row("proxy in the middle killed; frozen", seconds=6)
def proxy_killed(run):
    place = run.here()
    peer = run.peer(place)
    nginx = Nginx(run, place, peer)
    lose(run, place, nginx.kill, nginx.start, 1, peer=peer, name="killed", port=nginx.port, layers=("close",))


@row("proxy in the middle killed; frozen", seconds=9)
def proxy_frozen(run):
    place = run.here()
    peer = run.peer(place)
    nginx = Nginx(run, place, peer)
    lose(run, place, nginx.stop, nginx.go_on, P + T, peer=peer, name="frozen", port=nginx.port, layers=("liveness",))


@row("proxy answers 407, or hangs", seconds=8)
def proxy_trouble(run):
    place = run.here()
    peer = run.peer(place)
    asks = run.keep(Proxy(place.server, "ask", "press:open"))
    hangs = run.keep(Proxy(place.server, "hang"))
    first = run.instance("asked", peer, proxy=f"http://127.0.0.1:{asks.port}")
    second = run.instance("hung", peer, proxy=f"http://127.0.0.1:{hangs.port}")
    third = run.instance("known", peer, proxy=f"http://press:open@127.0.0.1:{asks.port}")
    run.control(place, first, second, third)

    case = run.case("407")
    error = case.said(first.lost())
    case.detect(error.at - first.story.wait("connected").at, 0)
    case.check((error["layer"], error["code"]) == ("proxy", "407"), f"{error['layer']} {error['code']}")
    check_lane(case, first, error, "transient")
    first.story.wait("credentials-rejected", since=error.at)
    error = case.said(first.lost(since=error.at + 0.001))
    check_lane(case, first, error, "fatal")

    def relent():
        asks.mood = "good"

    until_back(case, first, relent, error)

    case = run.case("407, with the password")
    third.established(within=1)
    case.check(("CONNECT 127.0.0.1:" + str(peer.port) + " HTTP/1.1", True) in
               [(line.replace("1.0", "1.1"), known) for line, known in asks.asked], f"it asked {asks.asked}")
    run.account(case, third)

    case = run.case("hangs")
    error = case.said(second.lost())
    case.detect(error.at - second.story.wait("connected").at, second["connect-timeout"])
    case.check((error["layer"], error["code"]) == ("proxy", "ETIMEDOUT"), f"{error['layer']} {error['code']}")
    check_lane(case, second, error, "transient")
    error = case.said(second.lost(since=error.at + 0.001, within=5))

    def wake():
        hangs.mood = "good"

    until_back(case, second, wake, error)
    first.talks()
    second.talks()
    run.account(run.cases[0], first)
    run.account(case, second)


@row("a line with a delay of 400 ms each way", seconds=6)
def delayed(run):
    place = run.here()
    peer = run.peer(place)
    relay = run.keep(Relay(place.server, (peer.address, peer.port)))
    relay.delay = 0.4
    case = run.case()
    press = run.instance("press", peer, port=relay.port)
    run.control(place, press)
    talk(press)
    time.sleep(5)
    case.check(not press.story.all("error"), "a slow line was taken for a dead one")
    case.check(len(press.echoes) > 30, f"only {len(press.echoes)} numbers came back")
    run.account(case, press)


@row("a line that stalls for longer than P + T", seconds=8)
def stalls(run):
    place = run.here()
    peer = run.peer(place)
    relay = run.keep(Relay(place.server, (peer.address, peer.port)))

    def hold():
        relay.held = True

    def release():
        relay.cut()
        relay.held = False

    # What TCP acknowledged to the relay's end and the relay then loses, is covered by `unconfirmed` alone.
    lose(run, place, hold, release, P + T, peer=peer, port=relay.port, layers=("liveness",))


@row("a line that cuts connections", seconds=5)
def cuts(run):
    place = run.here()
    peer = run.peer(place)
    relay = run.keep(Relay(place.server, (peer.address, peer.port)))
    lose(run, place, relay.cut, lambda: None, 1, peer=peer, port=relay.port, layers=("close",), attempts=0)


@row("a line that spoils bytes", seconds=6)
def spoils(run):
    """TLS notices; a plain line cannot, so nothing is claimed of it."""
    place = run.here()
    keys = certificates(run.bench)
    (run.folder / "ca.pem").write_bytes(keys.authority.read_bytes())
    peer = run.peer(place, *keys.good, tls=True)
    relay = run.keep(Relay(place.server, (peer.address, peer.port)))
    case = run.case("over wss")
    press = run.instance("press", peer, port=relay.port, protocol="wss", tls_ca=run.folder / "ca.pem")
    run.control(place, press)
    talk(press)
    began = time.time()
    relay.spoil = 1
    error = case.said(press.lost(since=began))
    case.detect(error.at - began, 1)
    # The server hangs up as soon as it hears of it; whether we see that first makes the sentence.
    case.check(error["layer"] == "close" and ("spoils" in error["sentence"] or "without a Close" in error["sentence"]),
               f"{error['layer']}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    back = press.established(since=error.at)
    case.returned(back.at - error.at, error["next"])
    case.check(relay.spoiled == 1, "the relay spoiled nothing")
    press.talks()
    run.account(case, press)
