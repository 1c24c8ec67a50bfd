"""Figures that are no race: memory, processor time, start, allocations, sizes. Each answers a list of values."""

import base64
import hashlib
import json
import mmap
import os
import pathlib
import platform
import re
import shutil
import socket
import subprocess
import time

import contestants
from contestants import (BUILD, ROAD, ROOT, Failed, host_command, instance, line_of, measure, processor_seconds, project,
                         running, wait_until)

SESSIONS = 1000


def proportional_bytes(process):
    text = pathlib.Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M)[1]) * 1024


def settled_bytes(process):
    """Memory once it has stopped changing: buffers of handshakes are given back a little later."""
    last = [0]

    def quiet():
        now = proportional_bytes(process)
        before, last[0] = last[0], now
        time.sleep(1)
        return now if abs(now - before) < 16384 else 0

    return wait_until(quiet, "memory comes to rest")


def peer(place, secure):
    command = [BUILD / "iompeer", "--port", "0"]
    if secure:
        command += ["--tls-cert", place.certificate, "--tls-key", place.key]
    return running(command, stdout=subprocess.PIPE)


def open_sessions(process, port):
    """How many connections lead to the peer: no question to the peer, which may be busy with TLS."""
    wanted = f"0100007F:{port:04X} 01"
    table = pathlib.Path(f"/proc/{process.pid}/net/tcp").read_text(encoding="ascii")
    return sum(1 for line in table.splitlines() if " ".join(line.split()[2:4]) == wanted)


def idle(place, secure, seconds):
    """SESSIONS sessions that do nothing but ping every 20 s: memory of each, and processor time."""
    with peer(place, secure) as far:
        port = int(line_of(far, "ready ").split()[1])
        memory = {}
        share = None
        for name, count, connected in (("empty", 1, False), ("instances", SESSIONS, False), ("sessions", SESSIONS, True)):
            instances = "\n".join(
                instance(f"line{at}", port, secure, path="/idle", ping_interval=20, reconnect_first_max=1,
                         connect_at_startup="true" if connected else "false") for at in range(count))
            path = place.write("idle.xml", project(instances))
            with running(host_command(path), stdout=subprocess.PIPE) as host:
                line_of(host, "ready")
                if connected:
                    wait_until(lambda: open_sessions(host, port) == SESSIONS, f"{SESSIONS} sessions")
                memory[name] = settled_bytes(host)
                if connected and seconds:
                    before, began = processor_seconds(host), time.monotonic()
                    time.sleep(seconds)
                    share = (processor_seconds(host) - before) / (time.monotonic() - began)
                    if open_sessions(host, port) != SESSIONS:
                        raise Failed("sessions were lost while they idled")
        return {"session": (memory["sessions"] - memory["instances"]) / SESSIONS,
                "instance": (memory["instances"] - memory["empty"]) / (SESSIONS - 1),
                "processor": share}


def established(place):
    """Seconds from starting `iomhost run` until what its rule sends on WebSocket Established is here."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(contestants.patience)
        line = instance("line", listening.getsockname()[1])
        rule = ('<rule name="Hello"><on trigger="line/websocket-established"/>'
                '<do action="line/send-message"><arg name="message">hello</arg></do></rule>')
        path = place.write("start.xml", project(line, rule))
        began = time.monotonic()
        with running(host_command(path, page=True), stdout=subprocess.DEVNULL):
            session, _ = listening.accept()
            with session:
                session.settimeout(contestants.patience)
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    got = session.recv(4096)
                    if not got:
                        raise Failed("the host hung up in the middle of its upgrade")
                    head += got
                key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
                accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
                session.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
                if not session.recv(64):
                    raise Failed("the host hung up instead of saying hello")
                return time.monotonic() - began


def allocations(place, secure, seconds):
    """What the whole host asks of the heap, per message, from the middle of a stream of messages on."""
    counter = place.folder / "malloc-count"
    counter.write_bytes(bytes(8))
    with open(counter, "r+b") as file, mmap.mmap(file.fileno(), 8) as shared:
        at = {}

        def count():
            return int.from_bytes(shared[:8], "little")

        def begin():
            at["beginning"] = count()
            if not at["beginning"]:
                raise Failed("allocations are not counted: is the library preloaded?")

        said = measure(place, ROAD, {"size": 64, "in_flight": 64, "secure": secure}, seconds, begin, {
            "LD_PRELOAD": str(BUILD / "bin" / "libmalloc_count.so"), "MALLOC_COUNT_FILE": str(counter)})
        return (count() - at["beginning"]) / said["messages"]


def stale(module):
    """Whether one of its sources is younger than a module."""
    built = module.stat().st_mtime
    return any(path.stat().st_mtime > built for folder in ("module", "manifest", "common", "toolchains")
               for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def stripped_size(place, target, strip):
    """Bytes of the stripped module."""
    module = ROOT / "build" / target / "modules" / "websocket-client.so"
    if target == "armhf":
        # `./dev bench` says so when it has just built it: a source may be younger that changed nothing.
        if not module.exists() or (stale(module) and not os.environ.get("IOM_BENCH_ARMHF_BUILT")):
            raise Failed(f"{'its sources are younger' if module.exists() else 'there is none'}: "
                         "./dev build --target armhf makes one")
    elif platform.machine() != "x86_64":
        raise Failed(f"this machine is {platform.machine()}: run ./dev bench on x86-64")
    if not shutil.which(strip):
        raise Failed(f"there is no {strip}: scripts/packages build armhf installs it")
    copy = place.folder / "module.so"
    subprocess.run([strip, "-s", "-o", copy, module], check=True)
    return copy.stat().st_size


def rooms(repetitions):
    """The pure rooms, as Google Benchmark saw them: name → (nanoseconds, spread of them, allocations)."""
    done = subprocess.run([BUILD / "bin" / "bench_rooms", "--benchmark_format=json",
                           f"--benchmark_repetitions={repetitions}", "--benchmark_min_time=0.05",
                           "--benchmark_enable_random_interleaving=true"], check=True, capture_output=True, text=True)
    seen = {}
    for one in json.loads(done.stdout)["benchmarks"]:
        if one.get("error_occurred"):
            raise Failed(f"bench_rooms: {one['name']}: {one['error_message']}")
        if one["run_type"] == "iteration":
            seen.setdefault(one["run_name"], []).append((one["cpu_time"], one["allocations"]))
    return seen
