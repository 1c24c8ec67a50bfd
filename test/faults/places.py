"""Where a row runs: plain loopback, a namespace with nothing but loopback, or a line of three namespaces.

    controller ──veth── middle (a bridge) ──veth── server

so that the server's cable can be pulled without the controller's own interface noticing. Everything made here
goes with the place, also when the bench is interrupted.
"""

import contextlib
import ctypes
import itertools
import os
import signal
import socket
import subprocess

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_serial = itertools.count(1)


def tool(*command, check=True, **options):
    """Runs a system tool; its own words are the error."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
    return done.stdout


class Host:
    """One end of a place: a network namespace, or (without a name) the machine's own."""

    def __init__(self, name=None):
        self.name = name
        if name:
            tool("ip", "netns", "add", name)
            tool("ip", "-n", name, "link", "set", "lo", "up")

    def command(self, *arguments):
        return ([] if self.name is None else ["nsenter", f"--net=/run/netns/{self.name}", "--"]) + list(arguments)

    def ip(self, *arguments):
        tool("ip", "-n", self.name, *arguments)

    def run(self, *arguments, check=True):
        return tool(*self.command(*map(str, arguments)), check=check)

    def drop(self, chain, *match):
        """Everything (or what matches) that goes INPUT or OUTPUT is dropped, v4 and v6; answers what undoes it."""
        rules = [(program, chain, *match, "-j", "DROP") for program in ("iptables", "ip6tables")
                 if program == "iptables" or not any("." in str(part) for part in match)]
        for program, *rule in rules:
            self.run(program, "-w", "-I", *rule)

        def undo():
            for program, *rule in rules:
                self.run(program, "-w", "-D", *rule)

        return undo

    @contextlib.contextmanager
    def inside(self):
        """This thread's new sockets belong to the namespace."""
        if self.name is None:
            yield
            return
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            enter(there)
            try:
                yield
            finally:
                enter(home)
        finally:
            os.close(home)
            os.close(there)

    def connect(self, address, timeout=10):
        with self.inside():
            line = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
        line.settimeout(timeout)
        line.connect(address)
        return line

    def listen(self, address="127.0.0.1", port=0, kind=socket.SOCK_STREAM):
        with self.inside():
            line = socket.socket(socket.AF_INET, kind)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind((address, port))
        if kind == socket.SOCK_STREAM:
            line.listen(128)
        return line

    def close(self):
        if self.name:
            tool("ip", "netns", "del", self.name, check=False)


def forbidden():
    """Why no namespace with a line can be made, in the system's words; None if it can."""
    try:
        Line().close()
    except (RuntimeError, OSError) as error:
        return str(error)
    return None


def enter(descriptor):
    if _libc.setns(descriptor, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")


def sweep():
    """Whatever was made while the bench was being interrupted goes too: our namespaces, and who runs in them."""
    ours = f"iom-{os.getpid()}-"
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if name.startswith(ours):
            for pid in tool("ip", "netns", "pids", name, check=False).split():
                with contextlib.suppress(OSError):
                    os.kill(int(pid), signal.SIGKILL)
            tool("ip", "netns", "del", name, check=False)


class Here:
    """Both ends on the machine's own loopback; needs no rights."""

    def __init__(self):
        self.controller = self.server = Host()
        self.address = "127.0.0.1"

    def close(self):
        self.controller.close()


class Alone(Here):
    """Both ends on the loopback of a namespace of their own."""

    def __init__(self):
        self.controller = self.server = Host(f"iom-{os.getpid()}-{next(_serial)}")
        self.address = "127.0.0.1"


class Line:
    """Two machines and what lies between them."""

    controller_address = "10.77.0.1"
    address = "10.77.0.2"  # the server's
    address6 = "fd77::2"

    def __init__(self):
        base = f"iom-{os.getpid()}-{next(_serial)}"
        self.hosts = []
        try:
            for end in "cms":
                self.hosts.append(Host(base + end))
            self.controller, self.middle, self.server = self.hosts
            self.middle.ip("link", "add", "bridge", "type", "bridge", "forward_delay", "0")
            self.middle.ip("link", "set", "bridge", "up")
            self._wire(self.controller, "to-c", self.controller_address, "fd77::1")
            self._wire(self.server, "to-s", self.address, self.address6)
        except BaseException:
            self.close()
            raise

    def _wire(self, end, port, v4, v6):
        tool("ip", "link", "add", "line", "netns", end.name, "type", "veth", "peer", "name", port,
             "netns", self.middle.name)
        end.ip("addr", "add", f"{v4}/24", "dev", "line")
        end.ip("addr", "add", f"{v6}/64", "dev", "line", "nodad")
        end.ip("link", "set", "line", "up")
        self.middle.ip("link", "set", port, "master", "bridge", "up")

    def close(self):
        for host in self.hosts:
            host.close()
