"""A host with its page, and requests to it as any client would make them."""

import base64
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

PATIENCE = 60.0
PROJECT = """<?xml version="1.0"?>
<!-- Kept as it is. -->
<project name="Line 3">
  <variable name="strokes" type="int" value="0"/>
  <instance name="press" module="websocket-client">
    <set name="hostname">127.0.0.1</set>
    <set name="port">{port}</set>
    <set name="path">/echo</set>
    <set name="log-comms">true</set>
  </instance>
  <rule name="Count">
    <on trigger="press/message-received"><match kind="regex">^STROKE (\\d+)$</match></on>
    <do action="host/add"><arg name="variable">strokes</arg><arg name="value">${{3}}</arg></do>
  </rule>
  <rule name="By hand">
    <on trigger="host/manual"/>
    <do action="host/set"><arg name="variable">strokes</arg><arg name="value">100</arg></do>
  </rule>
</project>
"""


def eventually(what, holds):
    """The first true answer of `holds`; fails when it does not come."""
    end = time.monotonic() + PATIENCE
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: did not come in {PATIENCE:.0f} s")
        time.sleep(0.02)


class Program:
    """A child process whose lines are collected; SIGKILL at the end."""

    def __init__(self, *argv, environment=None):
        self.lines = {"out": [], "err": []}
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=environment)
        self.readers = [threading.Thread(target=self.collect, args=each, daemon=True)
                        for each in (("out", self.process.stdout), ("err", self.process.stderr))]
        for reader in self.readers:
            reader.start()

    def collect(self, name, stream):
        with stream:
            for line in stream:
                self.lines[name].append(line.rstrip("\n"))

    def wait(self, name, pattern):
        def found():
            for line in self.lines[name]:
                match = re.search(pattern, line)
                if match:
                    return match
            if not any(reader.is_alive() for reader in self.readers):
                raise AssertionError(f"ended without {pattern!r}: {self.lines}")
            return None
        return eventually(pattern, found)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join(PATIENCE)


class Host(Program):
    def __init__(self, programs, folder, *options, project=PROJECT, port=1, environment=None):
        self.source = None # the address that requests come from; any
        self.folder = pathlib.Path(folder)
        self.project = self.folder / "line.xml"
        if not self.project.exists():
            self.project.write_text(project.format(port=port))
        super().__init__(programs.iomhost, "run", str(self.project), "--modules", programs.modules,
                         "--log-level", "frame", *options, environment=environment)
        self.url = self.wait("out", r"^ready (https?)://(\[.*\]|[\d.]+):(\d+)/$")
        self.https = self.url[1] == "https"
        self.address = self.url[2].strip("[]")
        self.port = int(self.url[3])
        self.origin = self.url[0].removeprefix("ready ").rstrip("/")

    def code(self):
        return self.wait("out", r"code to set one: ([\d-]+)$")[1]

    def connect(self, address=None):
        address = address or ("127.0.0.1" if self.address == "0.0.0.0" else self.address)
        source = (self.source, 0) if self.source else None
        if self.https:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return http.client.HTTPSConnection(address, self.port, timeout=PATIENCE, context=context, source_address=source)
        return http.client.HTTPConnection(address, self.port, timeout=PATIENCE, source_address=source)

    def ask(self, method, path, body=None, headers=None, **more):
        """One request; the answer's status, headers and body (JSON where it is)."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        connection = self.connect(more.get("address"))
        try:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            if body is not None or method in ("POST", "PUT"):
                headers.setdefault("Content-Length", str(len(body or b"")))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            return Answer(connection.getresponse())
        finally:
            connection.close()


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.bytes = response.read()
        self.json = None
        if self.bytes and self.headers.get("content-type", "").startswith("application/json"):
            self.json = json.loads(self.bytes)

    def __repr__(self):
        return f"{self.status} {self.bytes[:300]!r}"


class Channel:
    """A page's WebSocket, by hand: what the host's own library says is not asked."""

    def __init__(self, host, headers=None, protocol="iom.page.1"):
        raw = socket.create_connection(("127.0.0.1" if host.address == "0.0.0.0" else host.address, host.port), PATIENCE)
        if host.https:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            raw = context.wrap_socket(raw)
        self.socket = raw
        self.socket.settimeout(PATIENCE)
        lines = ["GET /api/channel HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 "Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)).decode(),
                 f"Sec-WebSocket-Protocol: {protocol}"]
        named = {"Host": f"{host.address}:{host.port}", **(headers or {})}
        lines += [f"{name}: {value}" for name, value in named.items()]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.buffer = b""
        head = b""
        while b"\r\n\r\n" not in head:
            some = self.socket.recv(4096)
            if not some:
                break
            head += some
        head, _, self.buffer = head.partition(b"\r\n\r\n")
        self.status = int(head.split(b" ")[1]) if head else 0
        self.close_code = None
        if self.status != 101:
            self.close()

    def exactly(self, size):
        while len(self.buffer) < size:
            some = self.socket.recv(65536)
            if not some:
                raise EOFError
            self.buffer += some
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def say(self, what, opcode=1):
        data = what if isinstance(what, bytes) else json.dumps(what).encode()
        mask = os.urandom(4)
        size = len(data)
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size) if size < 126 else struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
        if size > 65535:
            head = struct.pack("!BBQ", 0x80 | opcode, 0xFF, size)
        self.socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)))

    def hear(self):
        """The next message; None when the host has closed, with close_code."""
        text = b""
        while True:
            try:
                first, second = self.exactly(2)
                size = second & 0x7F
                if size == 126:
                    (size,) = struct.unpack("!H", self.exactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", self.exactly(8))
                data = self.exactly(size)
            except (EOFError, ConnectionError):
                return None
            opcode = first & 0x0F
            if opcode == 8:
                self.close_code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
                return None
            if opcode == 9:
                self.say(data, 10)
                continue
            text += data
            if first & 0x80:
                return json.loads(text)

    def until(self, holds):
        end = time.monotonic() + PATIENCE
        while True:
            message = self.hear()
            assert message is not None, f"closed with {self.close_code}"
            if holds(message):
                return message
            assert time.monotonic() < end, f"not heard in {PATIENCE:.0f} s; last: {str(message)[:300]}"

    def close(self):
        self.socket.close()


def raw(host, *pieces, source=None, patience=PATIENCE):
    """What is answered to bytes as they are, until the host closes or nothing comes for `patience`."""
    with socket.create_connection((host.address, host.port), PATIENCE, (source, 0) if source else None) as line:
        line.settimeout(patience)
        said = b""
        try:
            for piece in pieces:
                line.sendall(piece)
            while some := line.recv(65536):
                said += some
        except (TimeoutError, ConnectionError):
            pass
        return said


def temporary():
    return tempfile.TemporaryDirectory(prefix="iom-web-")
