"""A line of our own between the two ends: it delays, holds up, cuts and spoils what passes. And an HTTP proxy that is
good, asks for a password, or hangs."""

import base64
import select
import socket
import threading
import time


class Relay:
    """Passes on everything to `target`; the faults are attributes that may be set at any time."""

    def __init__(self, host, target, address="127.0.0.1"):
        self.host, self.target = host, target
        self.delay = 0.0       # seconds, in each direction
        self.held = False      # nothing passes; TCP goes on acknowledging
        self.spoil = 0         # so many of the next chunks from the target get a wrong byte
        self.spoiled = 0
        self.passed = 0        # bytes
        self.lines = set()
        self.lock = threading.Lock()
        self.socket = host.listen(address)
        self.address, self.port = address, self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _open(self, line):
        """The way on, once it is clear that this line gets one."""
        del line
        return self.host.connect(self.target)

    def _serve(self, line):
        try:
            onward = self._open(line)
        except OSError:
            onward = None
        if onward is None:
            line.close()
            return
        both = (line, onward)
        with self.lock:
            self.lines.update(both)
        for one in both:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for come, go, spoils in ((line, onward, False), (onward, line, True)):
            threading.Thread(target=self._pump, args=(come, go, spoils), daemon=True).start()

    def _pump(self, come, go, spoils):
        due = []  # (time, bytes): what waits for its delay
        ended = False
        try:
            while not ended or due:
                wait = 0.05 if self.held else max(0.0, due[0][0] - time.monotonic()) if due else 1.0
                if not ended and select.select([come], [], [], wait)[0]:
                    chunk = come.recv(1 << 16)
                    if chunk:
                        due.append((time.monotonic() + self.delay, self._spoil(chunk) if spoils else chunk))
                    ended = not chunk
                elif ended and due:
                    time.sleep(wait)
                while due and not self.held and due[0][0] <= time.monotonic():
                    go.sendall(due[0][1])
                    self.passed += len(due.pop(0)[1])
            go.shutdown(socket.SHUT_WR)
        except (OSError, ValueError):
            for one in (come, go):
                self._reset(one)

    def _spoil(self, chunk):
        with self.lock:
            if self.spoil == 0:
                return chunk
            self.spoil -= 1
            self.spoiled += 1
        at = len(chunk) // 2
        return chunk[:at] + bytes([chunk[at] ^ 0x55]) + chunk[at + 1:]

    @staticmethod
    def _reset(one):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()

    def cut(self):
        """Ends every line that passes here."""
        with self.lock:
            lines, self.lines = self.lines, set()
        for one in lines:
            self._reset(one)

    def close(self):
        self.socket.close()
        self.cut()


class Proxy(Relay):
    """HTTP CONNECT; `mood` is good, ask (407 without the password) or hang."""

    def __init__(self, host, mood="good", login=None):
        self.mood, self.login = mood, login
        self.asked = []  # (request line, whether it had the password)
        super().__init__(host, None)

    def _open(self, line):
        head = b""
        while b"\r\n\r\n" not in head:
            more = line.recv(4096)
            if not more:
                return None
            head += more
        first, _, rest = head.decode().partition("\r\n")
        known = self.login is not None and base64.b64encode(self.login.encode()).decode() in rest
        self.asked.append((first, known))
        if self.mood == "hang":
            with self.lock:
                self.lines.add(line)
            line.recv(1)
            return None
        if self.mood == "ask" and not known:
            line.sendall(b'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="bench"\r\n'
                         b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return None
        address, _, port = first.split()[1].rpartition(":")
        onward = self.host.connect((address.strip("[]"), int(port)))
        line.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return onward
