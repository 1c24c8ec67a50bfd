"""iompeer as a process, seen by a client that knows only sockets: python3 process_test.py IOMPEER [TEST …]

Standard library only. Nothing here waits for a time, but for the silence of a hung server: every other read
has a deadline that a good server never meets.
"""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

IOMPEER = ""
DEADLINE = 10  # seconds; only a broken server gets here

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Server:
    """One iompeer on a free port; leaving the context ends it."""

    def __init__(self, *arguments, tls=None):
        self.tls = tls
        self.stderr = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [IOMPEER, *arguments], stdout=subprocess.PIPE, stderr=self.stderr, text=True
        )
        ready = self.process.stdout.readline()
        if not re.fullmatch(r"ready \d+\n", ready):
            raise AssertionError(f"no ready line but {ready!r}; stderr: {self.events_text()}")
        self.port = int(ready.split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.stderr.close()

    def events_text(self):
        self.stderr.seek(0)
        return self.stderr.read()

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), DEADLINE)
        return self.tls.wrap_socket(plain, server_hostname="localhost") if self.tls else plain

    def page(self, path, method="GET", body=None):
        with contextlib.closing(self.connect()) as line:
            connection = http.client.HTTPConnection("127.0.0.1")
            connection.sock = line
            connection.request(method, path, body)
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.getheader("Content-Type") == "application/json"
            return answer.status, json.loads(text) if is_json else text

    def until(self, path, wanted):
        """The page, asked again until it is as wanted."""
        for _ in range(2000):
            page = self.page(path)[1]
            if wanted(page):
                return page
        raise AssertionError(f"{path} stayed {page}")

    def thing(self, name):
        return next(thing for thing in self.page("/things")[1] if thing["name"] == name)

    def until_thing(self, name, **wanted):
        def as_wanted(things):
            return any(t["name"] == name and all(t[k] == v for k, v in wanted.items()) for t in things)

        self.until("/things", as_wanted)

    def closed(self, path):
        """The record of the last session on that path, once there is one."""
        records = self.until("/closes", lambda closes: any(c["path"] == path for c in closes))
        return [c for c in records if c["path"] == path][-1]


class Line:
    """One connection that asked for an upgrade."""

    def __init__(self, server, target, headers=""):
        self.socket = server.connect()
        self.bytes = b""
        self.ended = None  # "FIN" or "RST"
        self.socket.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode()
        )
        while b"\r\n\r\n" not in self.bytes and self.more():
            pass
        self.head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        self.head = self.head.decode()
        self.status = int(self.head.split()[1]) if self.head else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def header(self, name):
        found = re.search(rf"^{name}: (.*?)\r?$", self.head, re.M | re.I)
        return found.group(1) if found else None

    def more(self):
        try:
            got = self.socket.recv(1 << 16)
        except ConnectionResetError:
            self.ended = "RST"
            return False
        except ssl.SSLEOFError:
            got = b""
        if not got:
            self.ended = self.ended or "FIN"
            return False
        self.bytes += got
        return True

    def take(self, count):
        while len(self.bytes) < count and self.more():
            pass
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def frame(self):
        """(first byte, payload) of the next frame, or None at the end of the line."""
        head = self.take(2)
        if len(head) < 2:
            return None
        length = head[1]
        if length == 126:
            length = struct.unpack(">H", self.take(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.take(8))[0]
        return head[0], self.take(length)

    def send(self, opcode, payload=b"", fin=True):
        payload = payload.encode() if isinstance(payload, str) else payload
        if len(payload) < 126:
            length = bytes([0x80 | len(payload)])
        elif len(payload) < 1 << 16:
            length = bytes([0x80 | 126]) + struct.pack(">H", len(payload))
        else:
            length = bytes([0x80 | 127]) + struct.pack(">Q", len(payload))
        key = b"\x0a\x0b\x0c\x0d"
        masked = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
        self.socket.sendall(bytes([(0x80 if fin else 0) | opcode]) + length + key + masked)

    def close(self, code=1000, reason=""):
        self.send(CLOSE, struct.pack(">H", code) + reason.encode())

    def end(self):
        """Reads to the end of the line: FIN or RST."""
        while self.more():
            pass
        return self.ended

    def vanish(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def code_of(frame):
    return struct.unpack(">H", frame[1][:2])[0] if frame[1] else None


class Main(unittest.TestCase):
    def test_echoes_each_message_with_its_own_type(self):
        with Server() as server, Line(server, "/any/path") as line:
            self.assertEqual(line.status, 101)
            self.assertEqual(line.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            for opcode, payload in [
                (TEXT, "hi".encode()),
                (TEXT, b""),
                (BINARY, b"\x00\xff"),
                (TEXT, b'{"type":"other"}'),
                (BINARY, bytes(70_000)),
            ]:
                line.send(opcode, payload)
                self.assertEqual(line.frame(), (0x80 | opcode, payload))
            line.send(PING, b"p")
            self.assertEqual(line.frame(), (0x80 | PONG, b"p"))
            line.close(1000)
            self.assertEqual(code_of(line.frame()), 1000)
            self.assertEqual(line.end(), "FIN")
            counters = server.until("/sessions", lambda page: page["open"] == 0)
            self.assertEqual((counters["messagesReceived"], counters["messagesSent"]), (5, 5))
            self.assertEqual(counters["pingsReceived"], 1)
            self.assertEqual(server.closed("/any/path")["code"], 1000)

    def test_a_message_too_large_is_closed_with_1009(self):
        with Server("--max-message", "1000") as server, Line(server, "/") as line:
            line.send(BINARY, bytes(1001))
            self.assertEqual(code_of(line.frame()), 1009)

    def test_presence(self):
        with Server() as server, Line(server, "/") as line:
            line.send(TEXT, '{"type":"bind","things":["press-1","b"]}')
            self.assertEqual(line.frame()[1].decode(), '{"type":"bound","things":["press-1","b"]}')
            thing = server.thing("press-1")
            self.assertEqual((thing["isConnected"], thing["lastPing"], thing["reason"]), (True, None, None))
            line.send(PING, b"")
            line.frame()
            self.assertIsNotNone(server.thing("press-1")["lastPing"])
            line.send(TEXT, '{"type":"unbind","things":["b"]}')
            self.assertEqual(line.frame()[1].decode(), '{"type":"unbound","things":["b"]}')
            self.assertEqual(server.thing("b")["reason"], "unbind")
            line.send(TEXT, '{"type":"bind","things":7}')
            answer = json.loads(line.frame()[1])
            self.assertEqual(answer["type"], "error")
            self.assertIn("things", answer["message"])
            line.close()
            server.until_thing("press-1", isConnected=False, reason="closed")

    def test_a_killed_client_and_a_newer_bind(self):
        bind = '{"type":"bind","things":["press-1"]}'
        with Server() as server, Line(server, "/") as old, Line(server, "/") as new:
            old.send(TEXT, bind)
            old.frame()
            new.send(TEXT, bind)
            new.frame()
            old.vanish()
            server.until("/sessions", lambda page: page["open"] == 1)
            self.assertTrue(server.thing("press-1")["isConnected"])
            new.vanish()
            server.until_thing("press-1", isConnected=False, reason="killed")

    def test_an_idle_client_is_closed(self):
        with Server("--idle-timeout", "0.3") as server, Line(server, "/") as line:
            line.send(TEXT, '{"type":"bind","things":["press-1"]}')
            line.frame()
            closing = line.frame()
            self.assertEqual((closing[0], code_of(closing)), (0x80 | CLOSE, 1001))
            self.assertEqual(server.thing("press-1")["reason"], "idle")

    def test_stops_cleanly_on_a_signal(self):
        for which in (signal.SIGTERM, signal.SIGINT):
            with Server() as server, Line(server, "/") as plain, Line(server, "/no-pong") as raw:
                server.process.send_signal(which)
                for line in (plain, raw):
                    self.assertEqual(code_of(line.frame()), 1001)
                    line.close(1001)
                self.assertEqual(server.process.wait(DEADLINE), 0)

    def test_usage_errors_exit_2_with_a_sentence(self):
        for arguments in (["--port", "x"], ["--what"], ["--tls-cert", "c.pem"]):
            ended = subprocess.run([IOMPEER, *arguments], capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((ended.returncode, ended.stdout), (2, ""), arguments)
            self.assertRegex(ended.stderr, r"^iompeer: .+")

    def test_a_port_in_use_exits_1_with_a_sentence(self):
        with Server() as server:
            second = subprocess.run(
                [IOMPEER, "--port", str(server.port)], capture_output=True, text=True, timeout=DEADLINE
            )
            self.assertEqual(second.returncode, 1)
            self.assertIn("Cannot listen on 127.0.0.1", second.stderr)

    def test_chooses_a_subprotocol(self):
        with Server("--subprotocol", "b", "--subprotocol", "c") as server:
            with Line(server, "/", "Sec-WebSocket-Protocol: a, c, b\r\n") as line:
                self.assertEqual(line.header("Sec-WebSocket-Protocol"), "c")
            with Line(server, "/", "Sec-WebSocket-Protocol: a\r\n") as line:
                self.assertEqual((line.status, line.header("Sec-WebSocket-Protocol")), (101, None))

    def test_compresses_when_asked_to(self):
        offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        with Server("--deflate") as server, Line(server, "/", offer) as line:
            self.assertIn("permessage-deflate", line.header("Sec-WebSocket-Extensions"))
            line.send(TEXT, "y" * 1000)
            first, payload = line.frame()
            self.assertEqual(first, 0xC0 | TEXT)
            self.assertEqual(zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff"), b"y" * 1000)
        with Server() as server, Line(server, "/", offer) as line:
            self.assertIsNone(line.header("Sec-WebSocket-Extensions"))

    def test_broadcasts(self):
        with contextlib.ExitStack() as opened:
            server = opened.enter_context(Server())
            one, two, other = (opened.enter_context(Line(server, f"/broadcast/{name}")) for name in "aab")
            one.send(TEXT, "from one")
            self.assertEqual(two.frame(), (0x80 | TEXT, b"from one"))
            two.send(BINARY, b"\x01")
            self.assertEqual(one.frame(), (0x80 | BINARY, b"\x01"))
            server.page("/send?path=/broadcast/b", "POST", "for b")
            self.assertEqual(other.frame(), (0x80 | TEXT, b"for b"))

    def test_plays_a_machine(self):
        with Server("--alarm-every", "0.01") as server, Line(server, "/press") as line:
            line.send(TEXT, '{"type":"bind","things":["press-1"]}')
            self.assertIn(b"bound", line.frame()[1])
            self.assertEqual(line.frame()[1], b"ALARM 17 level 3 pump overheated")
            line.send(TEXT, "ACK ALARM 17 level 3 pump overheated")
            line.send(TEXT, "temperature 40")
            alarms = server.until("/alarms", lambda alarms: alarms[0]["acknowledged"])
            self.assertIn("ALARM 17", alarms[0]["answer"])
            self.assertFalse(any(alarm["acknowledged"] for alarm in alarms[1:]))
            self.assertEqual(server.until("/reports", bool)[0]["text"], "temperature 40")

    def test_tokens_and_passwords(self):
        with Server("--token-lifetime", "0.3", "--basic", "u:p") as server:
            for headers in ("", "Authorization: Bearer nonsense\r\n"):
                with Line(server, "/auth", headers) as line:
                    self.assertEqual(line.status, 401)
                    self.assertIn("Bearer", line.header("WWW-Authenticate"))
            status, issued = server.page("/token", "POST")
            self.assertEqual((status, issued["expires"]), (200, 0.3))
            bearer = f"Authorization: Bearer {issued['token']}\r\n"
            with Line(server, "/auth?enforce=1", bearer) as line:
                self.assertEqual(line.status, 101)
                self.assertEqual(code_of(line.frame()), 4401)
            with Line(server, "/auth", bearer) as line:
                self.assertEqual(line.status, 401)
            with Line(server, "/basic", "Authorization: Basic dTpw\r\n") as line:
                self.assertEqual(line.status, 101)
            with Line(server, "/basic") as line:
                self.assertEqual(line.status, 401)

    def test_tells_what_was_asked_for(self):
        with Server() as server, Line(server, "/a?b=1", "X-Site: 7\r\nX-Site: 8\r\n") as line:
            asked = server.page("/requests")[1][-1]
            self.assertEqual((asked["target"], asked["status"]), ("/a?b=1", 101))
            self.assertEqual(asked["headers"]["x-site"], "7, 8")
            self.assertIn("X-Site: 8", asked["headerLines"])
            self.assertEqual(asked["remotePort"], line.socket.getsockname()[1])

    def test_shuts_and_resets_on_request(self):
        with Server() as server, Line(server, "/") as line:
            server.page("/shut?code=1012&reason=later", "POST")
            self.assertEqual(line.frame(), (0x80 | CLOSE, struct.pack(">H", 1012) + b"later"))
            line.close(1012)
            self.assertEqual(line.end(), "FIN")
            line.socket.close()
            self.assertEqual(server.closed("/")["code"], 1012)
            server.page("/reset", "POST")
            self.assertEqual(server.page("/closes")[1], [])

    def test_other_pages(self):
        with Server() as server:
            self.assertIn("/invalid/", server.page("/")[1])
            self.assertEqual(server.page("/nothing")[0], 404)
            self.assertEqual(server.page("/token")[0], 405)
            self.assertEqual(server.page("/close?code=x")[0], 400)
            self.assertEqual(server.page("/close")[0], 426)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        new_key = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split()
        cls.openssl(*new_key, *"-x509 -keyout ca.key -out ca.pem -subj /CN=ca -days 2".split())
        with open(cls.path("names"), "w", encoding="ascii") as names:
            names.write("subjectAltName=DNS:localhost\n")
        for name, subject in (("server", "/CN=localhost"), ("client", "/O=Plant 3/CN=press-1")):
            cls.openssl(*new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
            cls.openssl(
                *f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial".split(),
                *f"-out {name}.pem -days 2 -extfile names".split(),
            )

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder.name, name)

    @classmethod
    def openssl(cls, *arguments):
        command = ["openssl", *arguments]
        subprocess.run(command, cwd=cls.folder.name, check=True, capture_output=True, timeout=60)

    def server(self, *arguments):
        trusting = ssl.create_default_context(cafile=self.path("ca.pem"))
        trusting.load_cert_chain(self.path("client.pem"), self.path("client.key"))
        return Server("--tls-cert", self.path("server.pem"), "--tls-key", self.path("server.key"), *arguments,
                      tls=trusting)

    def test_both_versions_with_a_client_certificate(self):
        for version in ("1.2", "1.3"):
            limits = ("--tls-min", version, "--tls-max", version, "--tls-client-ca", self.path("ca.pem"))
            with self.server(*limits) as server, Line(server, "/") as line:
                line.send(BINARY, bytes(100_000))
                self.assertEqual(line.frame(), (0x80 | BINARY, bytes(100_000)))
                asked = server.page("/requests")[1][-1]
                self.assertEqual(asked["tlsVersion"], "TLSv" + version)
                self.assertEqual(asked["clientCertificate"], "CN=press-1,O=Plant 3")

    def test_a_client_without_certificate_is_refused(self):
        with self.server("--tls-client-ca", self.path("ca.pem")) as server:
            stranger = ssl.create_default_context(cafile=self.path("ca.pem"))
            with self.assertRaises(OSError):
                with contextlib.closing(
                    stranger.wrap_socket(socket.create_connection(("127.0.0.1", server.port), DEADLINE),
                                         server_hostname="localhost")
                ) as line:
                    line.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    while line.recv(1000):
                        pass
                    raise ConnectionError("closed without an answer")
            self.assertEqual(server.page("/sessions")[1]["tlsFailures"], 1)

    def test_faults_play_over_tls_too(self):
        with self.server() as server:
            with Line(server, "/close?code=4401") as line:
                self.assertEqual(code_of(line.frame()), 4401)
                line.close(4401)
                self.assertEqual(line.end(), "FIN")
            with Line(server, "/drop") as line:
                self.assertIsNone(line.frame())
            with Line(server, "/flood?count=2000&size=100") as line:
                for number in range(2000):
                    self.assertEqual(line.frame()[1], str(number).encode().ljust(100, b"."))

    def test_a_bad_certificate_file_exits_1_with_a_sentence(self):
        for certificate in ("missing.pem", "names"):
            ended = subprocess.run(
                [IOMPEER, "--tls-cert", self.path(certificate), "--tls-key", self.path("server.key")],
                capture_output=True, text=True, timeout=DEADLINE,
            )
            self.assertEqual(ended.returncode, 1)
            self.assertRegex(ended.stderr, r"--tls-cert .* cannot be used: .+\. Give a readable PEM file\.")


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server("--subprotocol", "known")
        cls.addClassCleanup(cls.server.__exit__)

    def line(self, target, headers=""):
        line = Line(self.server, target, headers)
        self.addCleanup(line.socket.close)
        return line

    def test_close(self):
        for target, code, reason in [
            ("/close", None, b""),
            ("/close?code=4401&reason=go%20away", 4401, b"go away"),
            ("/close?code=1005", 1005, b""),
            ("/close?code=1013&after=20", 1013, b""),
        ]:
            with Line(self.server, target) as line:
                frame = line.frame()
                self.assertEqual(frame[0], 0x80 | CLOSE)
                self.assertEqual((code_of(frame), frame[1][2:]), (code, reason), target)
                line.close(1002, "as you wish")
                self.assertEqual(line.end(), "FIN")
        record = self.server.closed("/close")
        self.assertEqual((record["code"], record["reason"], record["clean"]), (1002, "as you wish", True))

    def test_close_on_message(self):
        line = self.line("/close?code=1011&on=message")
        line.send(TEXT, "now")
        self.assertEqual(line.frame(), (0x80 | TEXT, b"now"))
        self.assertEqual(code_of(line.frame()), 1011)

    def test_manners(self):
        line = self.line("/no-pong")
        line.send(PING, b"unanswered")
        line.send(TEXT, "data flows")
        self.assertEqual(line.frame(), (0x80 | TEXT, b"data flows"))

        line = self.line("/no-close-echo")
        line.close(1000)
        line.send(TEXT, "still there")
        self.assertEqual(line.frame(), (0x80 | TEXT, b"still there"))

        line = self.line("/abort-on-ping")
        line.send(TEXT, "fine")
        self.assertEqual(line.frame(), (0x80 | TEXT, b"fine"))
        line.send(PING)
        self.assertEqual(line.end(), "FIN")

        line = self.line("/abort-on-ping?reset=1")
        line.send(PING)
        self.assertEqual(line.end(), "RST")

    def test_presence_works_on_fault_paths(self):
        line = self.line("/no-close-echo")
        line.send(TEXT, '{"type":"bind","things":["fault-press"]}')
        self.assertEqual(json.loads(line.frame()[1])["type"], "bound")
        line.vanish()
        self.server.until_thing("fault-press", isConnected=False, reason="killed")

    def test_cuts(self):
        for target, status, end in [
            ("/rst", 101, "RST"),
            ("/rst?after=10", 101, "RST"),
            ("/rst?before=upgrade", None, "RST"),
            ("/drop", 101, "FIN"),
            ("/drop?before=upgrade&after=10", None, "FIN"),
        ]:
            with Line(self.server, target) as line:
                self.assertEqual(line.end(), end, target)
                # A reset may overtake the answer it follows.
                self.assertIn(line.status, (status, None) if end == "RST" else (status,), target)
                self.assertEqual(line.bytes, b"", target)

    def test_a_hung_server_says_nothing_and_lets_go(self):
        for target in ("/half-open", "/stop-reading"):
            with Line(self.server, target) as line:
                self.assertEqual(line.status, 101)
                line.send(PING)
                line.close()
                line.socket.settimeout(0.2)
                with self.assertRaises(TimeoutError):
                    line.more()
            self.assertFalse(self.server.closed(target)["clean"])

    def test_stops_reading_after_some_messages(self):
        line = self.line("/stop-reading?messages=1&every=1")
        line.send(TEXT, "one")
        line.send(TEXT, "two")
        self.assertEqual(line.frame()[1], b"one")
        self.assertEqual(line.frame()[1], b"still here 1")

    def test_answers_other_than_an_upgrade(self):
        for target, status, header, value in [
            ("/status/503?retry-after=3", 503, "Retry-After", "3"),
            ("/status/401?www-authenticate=Basic", 401, "WWW-Authenticate", "Basic"),
            ("/status/200", 200, "Content-Length", "0"),
            ("/redirect?to=ws://localhost:1/x%3Fy&status=307", 307, "Location", "ws://localhost:1/x?y"),
            ("/redirect", 302, "Location", None),
        ]:
            with Line(self.server, target) as line:
                self.assertEqual((line.status, line.header(header)), (status, value), target)
                self.assertEqual(line.end(), "FIN")
        self.assertEqual(self.server.page("/status/418")[0], 418)

    def test_plays_as_often_as_asked(self):
        statuses = [self.line("/status/503?times=2").status for _ in range(3)]
        self.assertEqual(statuses, [503, 503, 101])

    def test_wrong_upgrades(self):
        offered = "Sec-WebSocket-Protocol: known\r\n"
        self.assertEqual(self.line("/no-pong", offered).header("Sec-WebSocket-Protocol"), "known")
        lie = self.line("/bad-subprotocol", offered)
        self.assertEqual(lie.header("Sec-WebSocket-Protocol"), "never-offered")
        self.assertEqual(self.line("/bad-extension").header("Sec-WebSocket-Extensions"), "x-never-offered")
        accept = self.line("/bad-accept").header("Sec-WebSocket-Accept")
        self.assertNotIn(accept, (None, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))

    def test_slow_upgrades_are_good_in_the_end(self):
        for target in ("/slow-upgrade?ms=30", "/slow-bytes?every=1"):
            line = self.line(target)
            self.assertEqual(line.header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            line.send(TEXT, "late")
            self.assertEqual(line.frame()[1], b"late")

    def test_endless_headers_end_at_the_bytes_asked_for(self):
        line = self.line("/endless-headers?bytes=200000")
        self.assertEqual(line.end(), "FIN")
        self.assertGreaterEqual(len(line.head) + len(line.bytes), 200_000)
        self.assertNotIn(b"\r\n\r\n", line.head.encode() + line.bytes)

    def test_flood(self):
        line = self.line("/flood?count=5000&size=20&binary=1")
        for number in range(5000):
            self.assertEqual(line.frame(), (0x80 | BINARY, str(number).encode().ljust(20, b".")))
        line.send(PING, b"after")
        self.assertEqual(line.frame(), (0x80 | PONG, b"after"))

    def test_big(self):
        letters = bytes(range(ord("a"), ord("z") + 1))
        for fragments in (1, 3):
            line = self.line(f"/big?size=1000001&fragments={fragments}")
            message = b""
            for number in range(fragments):
                first, payload = line.frame()
                opcode = TEXT if number == 0 else 0
                self.assertEqual(first, (0x80 if number == fragments - 1 else 0) | opcode)
                message += payload
            self.assertEqual(message, (letters * 40_000)[:1_000_001])

    def test_bomb(self):
        self.assertEqual(self.line("/bomb").status, 400)
        line = self.line("/bomb?size=3145733", "Sec-WebSocket-Extensions: permessage-deflate\r\n")
        compressed, first = b"", 0
        while not first & 0x80:
            first, payload = line.frame()
            compressed += payload
        self.assertLess(len(compressed), 10_000)
        self.assertEqual(zlib.decompressobj(-15).decompress(compressed + b"\0\0\xff\xff"), bytes(3_145_733))

    def test_ping_me(self):
        line = self.line("/ping-me?every=1&burst=3")
        for number in range(1, 10):
            self.assertEqual(line.frame(), (0x80 | PING, str(number).encode()))
            line.send(PONG, str(number))
        self.server.until("/sessions", lambda page: page["pongsReceived"] >= 9)

    def test_ping_me_within_a_message(self):
        line = self.line("/big?size=10&fragments=3&pings=1")
        kinds = [line.frame()[0] for _ in range(5)]
        self.assertEqual(kinds, [TEXT, 0x80 | PING, 0, 0x80 | PING, 0x80])

    def test_wrong_pong(self):
        line = self.line("/wrong-pong")
        line.send(PING, "mine")
        self.assertEqual(line.frame(), (0x80 | PONG, b"of another ping"))

    def test_an_invalid_path_may_stay(self):
        with Line(self.server, "/invalid/masked?stay=1") as line:
            line.take(12)
            line.close(1002, "masked")
            line.send(PING, "still there")
            self.assertEqual(line.frame(), (0x80 | PONG, b"still there"))

    def test_every_invalid_path_sends_its_bytes_and_tells_the_answer(self):
        index = self.server.page("/")[1]
        names = re.sub(r"\?\S*", "", re.search(r"/invalid/(masked.*?)\n\n", index, re.S).group(1)).split()
        self.assertGreaterEqual(len(names), 15)
        for name in names:
            with Line(self.server, f"/invalid/{name}") as line:
                self.assertEqual(len(line.take(3)), 3, name)
                line.close(1002, name)
                self.assertEqual(line.end(), "FIN", name)
            record = self.server.closed(f"/invalid/{name}")
            self.assertEqual((record["code"], record["reason"], record["clean"]), (1002, name, True))

    def test_a_client_that_breaks_the_rules_is_told(self):
        line = self.line("/no-pong")
        line.socket.sendall(b"\x81\x03bad")
        self.assertEqual(code_of(line.frame()), 1002)
        self.assertEqual(line.end(), "FIN")


class Strangers(unittest.TestCase):
    def test_nonsense_costs_one_connection(self):
        with Server() as server:
            for nonsense in (b"\x00" * 5000, b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, b"\r\n\r\n", b"GET"):
                with contextlib.closing(server.connect()) as line:
                    with contextlib.suppress(ConnectionError):
                        line.sendall(nonsense)
                        line.shutdown(socket.SHUT_WR)
                        while line.recv(10_000):
                            pass
            self.assertEqual(server.page("/sessions")[1]["open"], 0)


if __name__ == "__main__":
    IOMPEER = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
