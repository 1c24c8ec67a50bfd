"""The controller's own troubles: freezes, clocks, limits, full disks; and many instances at once."""

import json
import os
import pathlib
import resource
import shutil
import signal
import time
import urllib.error
import urllib.request

from places import tool
from programs import Missed, Raw, seconds_of
from rowbook import SETTINGS, allowance, attempt_of, check_lane, row, until_back
from rows.losses import Undoing, talk

P, T = SETTINGS["ping-interval"], SETTINGS["pong-timeout"]
FROZEN = 10  # seconds, five times P + T


@row("process frozen 90 s, clock stepped ± 1 h", seconds=130)
def frozen_long(run):
    """To the letter: 90 s, with the defaults."""
    frozen_alive(run, 90, 20, 10)


@row("process frozen 90 s, clock stepped ± 1 h", seconds=16)
def frozen(run):
    frozen_alive(run, 3 * (P + T), P, T)


def frozen_alive(run, freeze, interval, timeout):
    place = run.here()
    peer = run.peer(place, "--idle-timeout", "0")
    case = run.case(f"frozen {freeze} s with P {interval} s and T {timeout} s, the far end alive")
    press = run.instance("press", peer, ping_interval=interval, pong_timeout=timeout)
    controller = run.control(place, press)
    talk(press)
    controller.program.send(signal.SIGSTOP)
    time.sleep(freeze)
    before = peer.get("/sessions")["pingsReceived"]
    given = len(press.given)
    woken = controller.program.send(signal.SIGCONT)
    time.sleep(1)
    pings = peer.get("/sessions")["pingsReceived"] - before
    burst = len(press.given) - given
    awake = time.time() - woken
    missed = freeze // interval
    # On a busy machine a timer that is late by a quarter of a second is a freeze of its own, with its own ping.
    most = max(3, missed - 2)
    case.check(pings <= most, f"{pings} pings in the second after waking, {missed} were missed: a storm")
    case.check(1 <= burst <= 10 * awake + 3, f"a rule of 0.1 s fired {burst} times in {awake:.1f} s after waking")
    time.sleep(interval + timeout + 1)
    case.check(not press.story.all("error", "disconnected"), "the session was given up, though the far end was alive")
    case.check(press.echoes and press.given[-1][1] > woken, "nothing goes any more")
    case.note(f"{pings} pings and {burst} firings of a 0.1 s rule in the second after waking")
    run.account(case, press)


@row("process frozen 90 s, clock stepped ± 1 h", net=True, seconds=20)
def frozen_and_lost(run):
    place, undoing = run.line(), Undoing()
    peer = run.peer(place)
    case = run.case(f"frozen for {FROZEN} s, the far end gone meanwhile")
    press = run.instance("press", peer)
    controller = run.control(place, press)
    talk(press)
    controller.program.send(signal.SIGSTOP)
    time.sleep(1)
    undoing.drop(place.server, "INPUT")
    time.sleep(FROZEN - 1)
    woken = controller.program.send(signal.SIGCONT)
    error = case.said(press.lost(since=woken))
    case.detect(error.at - woken, P + T)
    case.check(error["layer"] == "liveness", f"layer {error['layer']}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    error = case.said(press.lost(since=error.at + 0.001))
    until_back(case, press, undoing.close, error)
    press.talks()
    run.account(case, press)


@row("process frozen 90 s, clock stepped ± 1 h", seconds=14, labels=("once",))
def clock_stepped(run):
    libraries = list(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not libraries:
        raise Missed("libfaketime is not installed: scripts/packages faults")
    place = run.here()
    peer = run.peer(place)
    case = run.case("clock stepped + 1 h, then − 1 h")
    press = run.instance("press", peer)
    clock = run.folder / "clock"
    clock.write_text("+0\n")
    run.control(place, press, clock="came", environment={
        "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    talk(press)
    began = time.time()
    for shift in ("+3600", "-3600", "+0"):
        clock.write_text(shift + "\n")
        time.sleep(P + T + 0.5)
    case.check(not press.story.all("error", "disconnected"), "the session was given up")
    gap = press.longest_gap(began)
    case.check(gap < 0.1 + allowance(), f"a rule of 0.1 s stood still for {gap:.2f} s")
    fired = len([at for _, at in press.given if at >= began])
    case.check(60 <= fired <= 85, f"a rule of 0.1 s fired {fired} times in 7.5 s")
    pings = peer.get("/sessions")["pingsReceived"]
    case.check(6 <= pings <= 12, f"{pings} pings in 9 s")
    since = time.time()
    peer.stop()
    error = case.said(press.lost(since=since))
    case.detect(error.at - since, P + T)
    error = press.lost(since=error.at + 0.001)
    back_from = time.time()
    peer.go_on()
    back = press.established(since=error.at)
    case.returned(back.at - back_from, error["next"])
    press.talks()
    run.account(case, press)


BIND = {
    "greeting": Raw('<send>{"type":"bind","things":["press-1"]}</send>'),
    "ready_match": Raw('<match kind="json" pointer="/type" op="=">bound</match>'),
    "farewell": ['{"type":"unbind","things":["press-1"]}'],
    "farewell_match": Raw('<match kind="json" pointer="/type" op="=">unbound</match>'),
}


@row("zombie session: old one still bound when the new one binds", net=True, seconds=16)
def zombie(run):
    place, undoing = run.line(), Undoing()
    peer = run.peer(place, "--idle-timeout", "5")
    case = run.case()
    press = run.instance("press", peer, **BIND)
    run.control(place, press)
    talk(press)
    first = peer.get("/things")[0]
    began = time.time()
    undoing.drop(place.server, "INPUT", "-s", place.controller_address)
    error = case.said(press.lost(since=began))
    case.detect(error.at - began, P + T)
    check_lane(case, press, error, "transient")
    # The first address is the one that counts; with it goes whatever hangs on it, so the second comes after.
    place.controller.ip("addr", "del", f"{place.controller_address}/24", "dev", "line")
    place.controller.ip("addr", "add", "10.77.0.9/24", "dev", "line")
    moved = time.time()
    back = press.established(since=error.at, within=10)
    # An attempt from the old address may be under way.
    case.returned(max(0.0, back.at - moved), press["connect-timeout"] + press["reconnect-max"])
    press.story.wait("ready", since=back.at)
    sessions = peer.get("/sessions")
    case.check(sessions["open"] == 2, f"{sessions['open']} sessions are open, expected the old one and the new one")
    second = peer.get("/things")[0]
    case.check(second["isConnected"] and second["generation"] > first["generation"], f"the new bind did not win: {second}")
    undoing.close()
    gone = peer.story.wait("session-closed", within=12)
    time.sleep(0.5)
    third = peer.get("/things")[0]
    case.check(third["isConnected"] and third["generation"] == second["generation"],
               f"the old one's teardown unbound the new one: {third}")
    case.check(gone.get("offline") == [], f"the old session's end took {gone.get('offline')} offline")
    run.account(case, press)


def gone_after(run, name, end, reason, least, most, *options, seconds_of_ping=False):
    place = run.here()
    peer = run.peer(place, *options)
    case = run.case(name)
    press = run.instance("press", peer, every=0, **BIND)
    controller = run.control(place, press)
    press.story.wait("ready")
    time.sleep(1.5)
    began = time.time()
    end(controller)
    until = began + most + 5
    while time.time() < until and peer.get("/things")[0]["isConnected"]:
        time.sleep(0.05 if most > 5 else 0.005)
    thing = peer.get("/things")[0]
    since = seconds_of(thing["lastPing"]) if seconds_of_ping else began
    took = seconds_of(thing["since"]) - since
    case.detect(took, most, exact=True)
    case.check(not thing["isConnected"] and thing["reason"] == reason, f"{thing}, expected reason {reason}")
    case.check(took >= least - 0.002, f"offline after {took:.2f} s, expected {least} s at least")


@row("presence at iompeer: clean UNBIND, client killed, client silent", seconds=4)
def unbind(run):
    gone_after(run, "clean stop: by unbind within 1 s", lambda controller: controller.program.send(signal.SIGTERM),
               "unbind", 0, 1)


@row("presence at iompeer: clean UNBIND, client killed, client silent", seconds=4)
def killed(run):
    gone_after(run, "killed: within 1 s", lambda controller: controller.program.send(signal.SIGKILL), "killed", 0, 1)
    run.controllers.clear()  # it did not end in order, and need not


@row("presence at iompeer: clean UNBIND, client killed, client silent", seconds=66, scaled=12,
     labels=("once",))
def silent(run):
    idle, options = (60, ()) if run.patient else (5, ("--idle-timeout", "5"))
    gone_after(run, f"silent: {idle} to {idle + 1} s after the last ping",
               lambda controller: controller.program.send(signal.SIGSTOP), "idle", idle, idle + 1, *options,
               seconds_of_ping=True)


def within_reach(run):
    """Copies of the host and its modules that anybody may run, wherever the build lies."""
    folder = run.folder / "programs"
    shutil.copytree(run.bench.modules, folder / "modules")
    shutil.copy(run.bench.iomhost, folder / "iomhost")
    for each in (run.folder, folder, *folder.rglob("*")):
        each.chmod(0o755)
    return folder / "iomhost", folder / "modules"


def limited(run, name, kind, most, code, *, hostname=None, wrap=()):
    """A session lost while the process may have no more of something; another goes on; and all is well again once
    there is more."""
    place = run.here()
    peer = run.peer(place)
    case = run.case(name)
    press = run.instance("press", peer, path="/at/press", **({"hostname": hostname} if hostname else {}))
    other = run.instance("other", peer)
    options = {"wrap": wrap, "programs": within_reach(run)} if wrap else {}
    controller = run.control(place, press, other, **options)
    talk(press)
    other.established()
    pid = controller.program.process.pid
    as_owner = wrap  # nobody else may touch its limits

    def limit(number):
        tool(*as_owner, "prlimit", "--pid", pid, f"--{kind}={number}:")

    usual = tool(*as_owner, "prlimit", "--pid", pid, f"--{kind}", "--noheadings", "--raw", "-o", "SOFT").strip()
    limit(most)
    began = time.time()
    peer.request("POST", f"/shut?code=1011&path={press.path}")
    press.lost(since=began)
    error = case.said(press.lost(since=began, layer="local", within=6))
    case.detect(error.at - attempt_of(controller, press, error), 0)
    case.check(error["code"] == code, f"code {error['code']}, not {code}: {error['sentence']}")
    check_lane(case, press, error, "transient")
    number = other.given[-1][0]
    time.sleep(1)
    case.check(any(n > number for _, n in other.echoes), "the other instance stood still")
    case.check(len(other.story.all("websocket-established")) == 1, "the other instance lost its session")
    error = press.lost(since=time.time() - 0.3, within=6)
    until_back(case, press, lambda: limit(usual), error)
    press.talks()
    run.account(case, press)
    run.account(case, other)


@row("out of memory, file descriptors, threads; disk full on save", seconds=8)
def no_descriptors(run):
    limited(run, "file descriptors", "nofile", 3, "EMFILE")


@row("out of memory, file descriptors, threads; disk full on save", seconds=8, labels=("once",))
def no_threads(run):
    # Root is above this limit, so the controller runs as somebody else.
    as_nobody = ("setpriv", "--reuid=64747", "--regid=64747", "--clear-groups") if os.geteuid() == 0 else ()
    limited(run, "threads", "nproc", 1, "EAGAIN", hostname="localhost", wrap=as_nobody)


@row("out of memory, file descriptors, threads; disk full on save", seconds=8, labels=("once",))
def no_memory(run):
    place = run.here()
    peer = run.peer(place, "--max-message", str(64 << 20))
    case = run.case("memory, by a message of 48 MiB")
    press = run.instance("press", peer, path="/big?size=50331648&times=1", max_message_size=64 << 20,
                         connect_at_startup="false", rules="""
  <rule name="go THIS"><on trigger="host/every" interval="1500ms"/><do action="THIS/connect"/></rule>""")
    other = run.instance("other", peer)
    controller = run.control(place, press, other)
    other.established()
    pid = controller.program.process.pid
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        size = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.prlimit(pid, resource.RLIMIT_AS, (size + (24 << 20), resource.RLIM_INFINITY))
    error = case.said(press.lost(within=10))
    case.detect(error.at - press.story.wait("websocket-established").at, 2)
    case.check(error["layer"] == "local" and error["code"] == "ENOMEM", f"{error['layer']} {error['code']}: {error['sentence']}")
    back = press.established(since=error.at)
    case.returned(back.at - error.at, error["next"])
    number = other.given[-1][0]
    time.sleep(1)
    case.check(any(n > number for _, n in other.echoes), "the other instance stood still")
    case.check(len(other.story.all("websocket-established")) == 1, "the other instance lost its session")
    run.account(case, press)
    run.account(case, other)


@row("out of memory, file descriptors, threads; disk full on save", net=True, seconds=8)
def disk_full(run):
    place = run.here()
    peer = run.peer(place)
    case = run.case("log folder full")
    press = run.instance("press", peer, log_comms="true")
    folder = run.folder / "log"
    folder.mkdir()
    wrap = ("unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=64k none "{folder}" && exec "$@"', "sh")
    controller = run.control(place, press, wrap=wrap, options=("--log-dir", folder))
    talk(press)
    said = controller.story.wait("error", within=20, text=lambda text: "cannot be written" in text)
    case.sentences.append(said["text"])
    number = press.given[-1][0]
    time.sleep(1)
    case.check(any(n > number for _, n in press.echoes), "the session stood still")
    case.check(not press.story.all("error"), "the session was lost")
    told = controller.story.all("error", text=lambda text: "cannot be written" in text)
    case.check(len(told) == 1, f"said {len(told)} times")
    run.account(case, press)


@row("out of memory, file descriptors, threads; disk full on save", net=True, seconds=8)
def disk_full_on_save(run):
    """An edit in the page, with the project on a disk that has no room left."""
    place = run.here()
    peer = run.peer(place)
    case = run.case("project's disk full, an edit in the page")
    press = run.instance("press", peer)
    full = ('exec 3<"$3" && mount -t tmpfs -o size=64k none "${3%/*}" && cat <&3 >"$3" && exec 3<&- && '
            '{ dd if=/dev/zero of="${3%/*}/ballast" bs=4k 2>/dev/null || true; } && exec "$@"')
    controller = run.control(place, press, web="--web=127.0.0.1:0", wrap=("unshare", "-m", "sh", "-c", full, "sh"))
    talk(press)
    file = pathlib.Path(f"/proc/{controller.program.process.pid}/root{controller.project}")
    before = file.read_bytes()
    with place.controller.inside(), urllib.request.urlopen(controller.page + "api/instances/press", timeout=10) as answer:
        seen, settings = answer.headers["ETag"], json.load(answer)["settings"]
    request = urllib.request.Request(
        controller.page + "api/instances/press", json.dumps({"settings": {**settings, "log-comms": "true"}}).encode(),
        {"Content-Type": "application/json", "If-Match": seen}, method="PUT")
    at = time.time()
    try:
        with place.controller.inside(), urllib.request.urlopen(request, timeout=10):
            case.check(False, "it was said to be saved")
    except urllib.error.HTTPError as refused:
        case.detect(time.time() - at, 1)
        sentence = json.load(refused)["sentence"]
        case.sentences.append(sentence)
        case.check(refused.code == 500 and "No space left on device" in sentence, f"{refused.code}: {sentence}")
    case.check(file.read_bytes() == before, "the old project file is not what it was")
    case.check(sorted(os.listdir(file.parent)) == ["ballast", file.name], f"left behind: {os.listdir(file.parent)}")
    press.talks()
    case.check(not press.story.all("error"), "the session was lost")
    run.account(case, press)


@row("1,000 instances lose one server", heavy=True, seconds=40, scaled=15, labels=("once",))
def thousand(run):
    """The defaults: first retry within 5 s, later ones within 30; and at most twice the arrivals that the pacer lets
    through in a second. Scaled: fewer instances, whose retries come sooner."""
    count, most, longest = (1000, 400, 30) if run.patient else (400, 200, 4)
    place = run.here()
    peer = run.peer(place)
    case = run.case("" if run.patient else f"scaled: {count}, which retry within {longest} s and 10 ms each")
    defaults = dict.fromkeys(SETTINGS, None)
    if not run.patient:
        defaults.update({"reconnect-first-max": longest, "reconnect-max": longest})
    instances = [run.instance(f"i{number}", peer, every=1, path=f"/at/{number}", **{
        key.replace("-", "_"): value for key, value in defaults.items()}) for number in range(count)]
    for each in instances[20:]:  # the first ones keep account of their numbers, which is enough
        each.silent = True
    controller = run.control(place, *instances, rules="""
  <rule name="tell any error"><on trigger="*/error"/><do action="host/log"><arg name="message">@{"what":"error","who":"${instance}","sentence":"${sentence|json}"}</arg></do></rule>
  <rule name="tell any end"><on trigger="*/disconnected"/><do action="host/log"><arg name="message">@{"what":"disconnected","who":"${instance}"}</arg></do></rule>
  <rule name="tell any start"><on trigger="*/websocket-established"/><do action="host/log"><arg name="message">@{"what":"up","who":"${instance}"}</arg></do></rule>""")

    def all_there(within):
        until = time.time() + within
        while time.time() < until:
            if peer.get("/sessions")["open"] == count:
                return time.time()
            time.sleep(0.1)
        raise Missed(f"{peer.get('/sessions')['open']} of {count} are there after {within} s")

    all_there(60)
    first = peer.get("/sessions")["mostArrivalsPerSecond"]
    began = time.time()
    peer.kill()
    ends = controller.story.wait("disconnected", within=10, count=count)
    case.detect(ends.at - began, 1)
    time.sleep(3 if run.patient else 1)
    peer.start()
    restarted = time.time()
    back = all_there(60)
    # Whoever tried while nobody listened waits for up to 30 s at most; by then two tries at 5 s and 1 s are behind most.
    case.returned(back - restarted, longest if run.patient else longest + count * 0.01)  # the pacer
    arrivals = peer.get("/sessions")
    case.note(f"at most {arrivals['mostArrivalsPerSecond']} arrivals in any one second after the restart, {first} at the "
              f"start; all back {back - restarted:.1f} s after the restart")
    case.extra["mostArrivalsPerSecond"] = arrivals["mostArrivalsPerSecond"]
    case.check(arrivals["mostArrivalsPerSecond"] <= most, f"{arrivals['mostArrivalsPerSecond']} arrivals in one second")
    for kind, times in (("disconnected", 1), ("up", 2)):
        names = [each["who"] for each in controller.story.all(kind)]
        case.check(len(names) == len(set(names)) * times == count * times, f"{kind} came {len(names)} times")
    for each in instances[:20]:
        each.talks()
    for each in instances[:20]:
        run.account(case, each)
