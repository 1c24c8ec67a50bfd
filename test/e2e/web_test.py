"""The web interface of a host at work: python3 web_test.py IOMHOST IOMPEER MODULES CONTRACT [TEST …]

Every route of the contract without, with wrong and with right credentials; the door, sessions, tokens, limits;
the channel; actions; edits. Standard library only.
"""

import io
import json
import os
import pathlib
import re
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import time
import types
import unittest
import unittest.mock
import urllib.parse

from web_support import PROJECT, Channel, Host, Program, eventually, raw, temporary

PROGRAMS = types.SimpleNamespace()
CONTRACT = {}
RANK = {"public": 0, "read": 1, "operate": 2, "configure": 3}
PASSWORD = "a long pass phrase"


def routes():
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def filled(path):
    names = {"name": "Count" if path.startswith("/api/rules/") else "press", "id": "1", "action": "ping", "number": "1"}
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], path)


class WebTest(unittest.TestCase):
    def setUp(self):
        folder = temporary()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def host(self, *options, **more):
        host = Host(PROGRAMS, self.folder, *options, **more)
        self.addCleanup(host.kill)
        return host

    def channel(self, host, *options, **more):
        channel = Channel(host, *options, **more)
        self.addCleanup(channel.close)
        return channel

    def with_peer(self, *options):
        peer = Program(PROGRAMS.iompeer, "--port", "0")
        self.addCleanup(peer.kill)
        port = int(peer.wait("out", r"^ready (\d+)$")[1])
        host = self.host("--web", "127.0.0.1:0", *options, port=port)
        eventually("press is ready", lambda: host.ask("GET", "/api/instances/press").json["summary"]["state"] == "ready")
        return host, peer

    def set_password(self):
        done = subprocess.run([PROGRAMS.iomhost, "passwd", str(pathlib.Path(self.folder) / "line.xml")],
                              input=PASSWORD + "\n", text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def write_project(self, port=1):
        (pathlib.Path(self.folder) / "line.xml").write_text(PROJECT.format(port=port))

    def log_in(self, host):
        answer = host.ask("POST", "/api/session", {"password": PASSWORD})
        self.assertEqual(answer.status, 200, answer)
        cookie = answer.headers["set-cookie"]
        self.assertIn("HttpOnly", cookie)
        self.assertIn("SameSite=Strict", cookie)
        self.assertEqual("Secure" in cookie, host.https)
        return {"Cookie": cookie.split(";")[0], "Origin": host.origin}


class Door(WebTest):
    def test_loopback_without_password_is_open(self):
        host = self.host("--web", "127.0.0.1:0")
        self.assertEqual(host.ask("GET", "/api/session").json["state"], "open")
        system = host.ask("GET", "/api/system")
        self.assertEqual(system.status, 200, system)
        self.assertEqual(system.json["project"]["name"], "Line 3")
        self.assertEqual(system.headers["cache-control"], "no-store")
        self.assertIn("default-src 'self'", system.headers["content-security-policy"])
        self.assertEqual(system.headers["x-content-type-options"], "nosniff")
        self.assertEqual(host.ask("GET", "/api/openapi.json").json["info"]["title"], CONTRACT["info"]["title"])
        metrics = host.ask("GET", "/metrics")
        self.assertIn(b'iomhost_instance_state{instance="press"', metrics.bytes)

    def test_host_header_must_be_an_address_or_a_name_that_was_given(self):
        host = self.host("--web", "127.0.0.1:0", "--web-name", "Controller.Example")
        for name, status in {"127.0.0.1": 200, f"127.0.0.1:{host.port}": 200, "[::1]:1": 200, "localhost": 200,
                             "controller.example:80": 200, "evil.example": 403, "127.0.0.1.evil.example": 403,
                             "127.0.0.1:x": 403, "": 403}.items():
            with self.subTest(name):
                for path in ("/api/system", "/api/session"):
                    self.assertEqual(host.ask("GET", path, headers={"Host": name}).status, status)
                self.assertNotEqual(host.ask("GET", "/", headers={"Host": name}).status, 403 if status == 200 else 200)

    def test_a_proxy_without_a_password_is_refused(self):
        host = self.host("--web", "127.0.0.1:0")
        for header in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-FORWARDED-Anything",
                       "Via"):
            with self.subTest(header):
                for path in ("/api/system", "/", "/api/session", "/metrics"):
                    self.assertEqual(host.ask("GET", path, headers={header: "for=192.0.2.1"}).status, 403)
                self.assertEqual(self.channel(host, {header: "x"}).status, 403)
        host.stop()
        self.set_password()
        host = self.host("--web", "127.0.0.1:0")
        session = self.log_in(host)
        self.assertEqual(host.ask("GET", "/api/system", headers={**session, "Via": "1.1 x"}).status, 200)
        # The page may have come over HTTPS as far as the proxy; a page of another name is strange there, too.
        for origin, status in {host.origin: 200, host.origin.replace("http:", "https:"): 200,
                               "https://evil.example": 403}.items():
            through = {**session, "Origin": origin, "X-Forwarded-Proto": "https"}
            self.assertEqual(host.ask("POST", "/api/rules/By%20hand/fire", headers=through).status, status)

    def test_a_strange_origin_is_refused(self):
        host = self.host("--web", "127.0.0.1:0")
        for origin, status in {"http://evil.example": 403, "null": 403, f"https://127.0.0.1:{host.port}": 403,
                               f"http://127.0.0.1:{host.port + 1}": 403, host.origin: 200}.items():
            with self.subTest(origin):
                self.assertEqual(host.ask("POST", "/api/rules/By%20hand/fire", headers={"Origin": origin}).status, status)
                self.assertEqual(host.ask("GET", "/api/system", headers={"Origin": origin}).status, status)
                channel = self.channel(host, {"Origin": origin})
                self.assertEqual(channel.status, 101 if status == 200 else 403)
                channel.close()

    def test_limits(self):
        host = self.host("--web", "127.0.0.1:0")
        long = json.dumps({"name": "x" * 5000, "right": "read"})
        self.assertEqual(host.ask("POST", "/api/tokens", long, {"Content-Type": "application/json"}).status, 413)
        self.assertEqual(host.ask("POST", "/api/tokens", "{", {"Content-Type": "application/json"}).status, 400)
        self.assertEqual(host.ask("POST", "/api/tokens", "{}", {"Content-Type": "application/json"}).status, 400)
        self.assertEqual(host.ask("POST", "/api/tokens", "{}", {"Content-Type": "text/plain"}).status, 415)
        self.assertEqual(host.ask("PATCH", "/api/tokens", "{}").status, 405)
        self.assertEqual(host.ask("GET", "/api/nothing").status, 404)
        for path in ("/../line.xml", "/%2e%2e/line.xml", "/assets/../../line.access", "/line.xml", "/api/../line.xml",
                     "//etc/passwd"):
            with self.subTest(path):
                answer = host.ask("GET", path)
                self.assertIn(answer.status, (400, 403, 404))
                self.assertNotIn(b"<project", answer.bytes)

    def test_no_body_is_too_deep(self):
        host = self.host("--web", "127.0.0.1:0")
        deep = "[" * 120_000 + "]" * 120_000
        bodies = [(method, path) for path, one in CONTRACT["paths"].items() for method, what in one.items()
                  if "application/json" in what.get("requestBody", {}).get("content", {})]
        self.assertGreater(len(bodies), 10)
        for method, path in bodies:
            with self.subTest(f"{method} {path}"):
                limit = CONTRACT["paths"][path][method]["x-body-limit"]
                body = '{"settings":' + deep[:limit - 100] + "}"
                answer = host.ask(method.upper(), path.replace("{name}", "press").replace("{action}", "send-message"), body,
                                  {"Content-Type": "application/json"})
                self.assertEqual(answer.status, 400, answer)
        trial = {"rule": {"name": "x", "on": [{"trigger": "host/manual"}], "do": []}, "sample": {"trigger": "host/manual", "variables": {"message": 0}}}
        text = json.dumps(trial).replace('"message": 0', '"message": ' + deep)
        self.assertEqual(host.ask("POST", "/api/try", text, {"Content-Type": "application/json"}).status, 400)
        self.assertEqual(host.ask("GET", "/api/system").status, 200)

    def test_check_that_is_misspelt_changes_nothing(self):
        host = self.host("--web", "127.0.0.1:0")
        before = host.project.read_bytes()
        new = {"name": "new", "module": "websocket-client", "settings": {"hostname": "127.0.0.1"}}
        for query in ("check=1", "check=True", "check", "check="):
            with self.subTest(query):
                self.assertEqual(host.ask("POST", f"/api/instances?{query}", new).status, 400)
        rule = {"If-Match": host.ask("GET", "/api/rules/Count").headers["etag"]}
        order = {"names": [one["name"] for one in host.ask("GET", "/api/rules").json["rules"]][::-1]}
        for method, path, body in (("POST", "/api/rules/Count/duplicate", {"name": "copy"}), ("PUT", "/api/rules/Count/enabled", {"enabled": False}),
                                   ("PUT", "/api/rules-order", order)):
            with self.subTest(path):
                answer = host.ask(method, path + "?check=true", body, rule)
                self.assertEqual((answer.status, answer.json.get("ok")), (200, True))
        plain = {"Content-Type": "application/octet-stream"}
        for method, path, body, headers in (("PUT", "/api/secrets/door", {"value": "x"}, {}), ("PUT", "/api/files/a.pem", "PEM", plain),
                                            ("DELETE", "/api/certificate", None, {}), ("POST", "/api/tokens", {"name": "t", "right": "read"}, {})):
            with self.subTest(path):
                self.assertEqual(host.ask(method, path + "?check=true", body, headers).status, 400)
        self.assertEqual([host.ask("GET", path).json for path in ("/api/secrets", "/api/files", "/api/tokens")], [[], [], []])
        self.assertEqual(host.project.read_bytes(), before)

    def test_no_path_leads_out(self):
        host = self.host("--web", "127.0.0.1:0")
        (pathlib.Path(self.folder) / "line.secrets").write_text("press-token = swordfish\n")
        (pathlib.Path(self.folder) / "line.secrets").chmod(0o600)
        for path in ("/line.xml", "/../line.xml", "/%2e%2e/line.xml", "/..%2fline.access", "/assets/../../line.access",
                     "/assets/..%5c..%5cline.secrets", "/..\\line.secrets", "/%c0%ae%c0%ae/line.xml",
                     "/assets/%252e%252e/line.xml", "//etc/passwd", "/api/../line.xml", "/api/files/..%2fline.secrets",
                     "/api/files/%2e%2e%2fline.secrets", "/index.html%00.js", "/assets/%00", "/%", "/%zz",
                     "http://127.0.0.1/../line.xml", "file:///etc/passwd", "../line.xml", "*"):
            with self.subTest(path):
                said = raw(host, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                self.assertNotRegex(said, rb"^HTTP/1\.1 2")
                self.assertNotRegex(said, rb"<project|swordfish|certificate|root:")

    def test_requests_that_two_could_read_differently(self):
        host = self.host("--web", "127.0.0.1:0")
        inner = b"GET /api/project HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        post = b"POST /api/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        get = b"GET /api/session HTTP/1.1\r\n"
        for what in (post + b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}" + inner,
                     post + b"Content-Length: 60\r\nContent-Length: 2\r\n\r\n{}" + inner,
                     post + b"Content-Length: 2, 2\r\n\r\n{}" + inner, post + b"Content-Length: +2\r\n\r\n{}" + inner,
                     post + b"Content-Length: -1\r\n\r\n{}" + inner, post + b"Content-Length: 0x2\r\n\r\n{}" + inner,
                     post + b"Content-Length: 18446744073709551618\r\n\r\n{}" + inner,
                     post + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
                     post + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + inner,
                     post + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + inner,
                     post + b"Transfer-Encoding : chunked\r\nContent-Length: 2\r\n\r\n{}" + inner,
                     get + b"Host: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
                     get + b"Host: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
                     get + b"Host: evil.example\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
                     get + b"Host: 127.0.0.1\r\nVia : 1.1 proxy\r\n\r\n", get + b"Host: 127.0.0.1\r\nX\x00-A: b\r\n\r\n",
                     b"TRACE /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), get + b"X-A: " + b"a" * 20000 + b"\r\n\r\n",
                     get + b"X-A: a\r\n" * 3000 + b"\r\n", b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n",
                     inner + inner, inner * 3):
            with self.subTest(what[:120]):
                said = raw(host, what)
                self.assertNotIn(b"<project", said)
                self.assertNotRegex(said, rb"HTTP/1\.1 (2|5)")
        wrong = raw(host, get + b"Host: 127.0.0.1\r\nVia : 1.1 proxy\r\n\r\n")
        self.assertIn(b"HTTP/1.1 400", wrong)
        for said in (wrong, raw(host, b"TRACE / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")):
            self.assertIn(b"content-security-policy: default-src 'self';", said)
        upgrade = ("Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: iom.page.1\r\n")
        for head in ("POST /api/channel HTTP/1.1\r\nContent-Length: 0\r\n", "GET /api/session HTTP/1.1\r\n",
                     "GET /api/channel HTTP/1.1\r\nContent-Length: 5\r\n"):
            self.assertRegex(raw(host, (head + upgrade + "\r\n").encode()), rb"^HTTP/1\.[01] 4")
        self.assertEqual(host.ask("GET", "/api/session").status, 200)

    def test_no_web_and_a_bad_address(self):
        self.write_project()
        bad = subprocess.run([PROGRAMS.iomhost, "run", str(pathlib.Path(self.folder) / "line.xml"), "--modules",
                              PROGRAMS.modules, "--web", "controller:80"], capture_output=True, text=True, check=False)
        self.assertEqual(bad.returncode, 1)
        self.assertIn("is no IP address and port", bad.stderr)
        mapped = subprocess.run([PROGRAMS.iomhost, "run", str(pathlib.Path(self.folder) / "line.xml"), "--modules",
                                 PROGRAMS.modules, "--web", "[::ffff:127.0.0.1]:0"], capture_output=True, text=True,
                                check=False, timeout=60)
        self.assertEqual(mapped.returncode, 1)
        self.assertIn("Write it as 127.0.0.1:0", mapped.stderr)

    def test_rules_run_where_the_page_cannot(self):
        self.write_project()
        with socket.create_server(("127.0.0.1", 0)) as other:
            for place, sentence in ((f"127.0.0.1:{other.getsockname()[1]}", "(Address already in use): another program is there."),
                                    ("203.0.113.9:0", "(Cannot assign requested address).")):
                with self.subTest(place):
                    alone = Program(PROGRAMS.iomhost, "run", str(pathlib.Path(self.folder) / "line.xml"), "--modules",
                                    PROGRAMS.modules, "--web", place)
                    self.addCleanup(alone.kill)
                    alone.wait("err", re.escape(sentence) + ".*Instances and rules run without the page")
                    alone.wait("out", "^ready$")
                    self.assertEqual(alone.stop(), 0)


class Access(WebTest):
    def every_route(self, host, headers, expected):
        """`expected` of each route's needed right, as a status or a function of (status)."""
        for method, path, operation in routes():
            if operation["operationId"] in ("openChannel",):
                continue
            with self.subTest(f"{method} {path}"):
                answer = host.ask(method, filled(path), headers=headers)
                expected(operation, answer)

    def test_every_route_without_and_with_wrong_credentials(self):
        host = self.host("--web", "0.0.0.0:0", "--web-plain")
        project = (pathlib.Path(self.folder) / "line.xml").read_text()

        def is_closed(operation, answer):
            if operation["x-right"] == "public":
                self.assertNotEqual(answer.status, 403)
                return
            self.assertEqual(answer.status, 401, answer)
            self.assertEqual(answer.json["error"], "unauthorised")
            self.assertEqual(set(answer.json), {"error", "sentence"})
            self.assertNotIn(b"press", answer.bytes)
        self.assertEqual(host.ask("GET", "/api/session").json,
                         {"state": "first-password", "rights": [], "codeNeeded": True})
        for headers in ({}, {"Authorization": "Bearer iom_wrong"}, {"Cookie": "iom-session=wrong"},
                        {"Authorization": "Basic eDp5"}):
            self.every_route(host, headers, is_closed)
            self.assertEqual(self.channel(host, headers).status, 401)
        self.assertEqual((pathlib.Path(self.folder) / "line.xml").read_text(), project)

    def test_the_first_password_takes_the_code(self):
        host = self.host("--web", "0.0.0.0:0", "--web-plain")
        code = host.code()
        self.assertNotIn(code, "\n".join(host.lines["err"]))
        self.assertEqual(host.ask("POST", "/api/password/first", {"password": PASSWORD}).status, 403)
        self.assertEqual(host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": "0000"}).status, 403)
        self.assertEqual(host.ask("POST", "/api/password/first", {"password": "short", "code": code}).status, 422)
        typed = f" {code.replace('-', ' ')} "
        first = host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": typed})
        self.assertEqual(first.status, 200, first)
        self.assertEqual(first.json["state"], "in")
        self.assertEqual(host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": code}).status, 409)
        kept = pathlib.Path(self.folder) / "line.access"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertNotIn(PASSWORD, kept.read_text())
        cookie = {"Cookie": first.headers["set-cookie"].split(";")[0]}
        self.assertEqual(host.ask("GET", "/api/system", headers=cookie).status, 200)

    def test_sessions_and_passwords(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", "127.0.0.1:0")
        self.assertEqual(host.ask("GET", "/api/session").json, {"state": "log-in", "rights": []})
        self.assertEqual(host.ask("GET", "/api/system").status, 401)
        session = self.log_in(host)
        self.assertEqual(host.ask("GET", "/api/session", headers=session).json["state"], "in")
        self.assertEqual(host.ask("GET", "/api/system", headers=session).status, 200)
        # A page elsewhere cannot use the cookie, whether it says where it is or not.
        bare = {"Cookie": session["Cookie"]}
        self.assertEqual(host.ask("POST", "/api/rules/By%20hand/fire", headers=bare).status, 403)
        self.assertEqual(self.channel(host, bare).status, 403)
        self.assertEqual(host.ask("POST", "/api/rules/By%20hand/fire", headers=session).status, 200)
        channel = self.channel(host, session)
        self.assertEqual(channel.status, 101)
        wrong = {"old": "not this one", "password": PASSWORD + "!"}
        self.assertEqual(host.ask("PUT", "/api/password", wrong, session).status, 422)
        other = self.log_in(host)
        self.assertEqual(host.ask("PUT", "/api/password", {**wrong, "old": PASSWORD}, other).status, 204)
        self.assertEqual(host.ask("GET", "/api/system", headers=session).status, 401)
        self.assertEqual(host.ask("GET", "/api/system", headers=other).status, 200)
        bye = channel.until(lambda message: message["type"] == "bye")
        self.assertEqual(bye["reason"], "session-ended")
        self.assertIsNone(channel.hear())
        self.assertEqual(channel.close_code, 4401)
        self.assertEqual(host.ask("DELETE", "/api/session", headers=other).status, 204)
        self.assertEqual(host.ask("GET", "/api/system", headers=other).status, 401)

    def test_a_password_from_the_command_line_ends_what_is_open(self):
        self.write_project()
        host = self.host("--web", "127.0.0.1:0")
        for headers in (lambda: {}, lambda: self.log_in(host)):
            channel = self.channel(host, headers())
            self.assertEqual(channel.status, 101)
            self.set_password()
            bye = channel.until(lambda message: message["type"] == "bye")
            self.assertEqual(bye["reason"], "session-ended")
            self.assertIsNone(channel.hear())
            self.assertEqual(channel.close_code, 4401)

    def test_a_lost_access_file_opens_nothing(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", "127.0.0.1:0")
        session = self.log_in(host)
        token = host.ask("POST", "/api/tokens", {"name": "x", "right": "read"}, session).json["token"]
        before = host.ask("GET", "/api/instances/press", headers=session).headers["etag"]
        file = pathlib.Path(self.folder) / "line.access"
        kept = file.with_suffix(".kept")
        file.rename(kept)
        for _ in range(3):
            self.assertEqual(host.ask("GET", "/api/session").json, {"state": "log-in", "rights": []})
            self.assertEqual(host.ask("GET", "/api/system").status, 401)
            self.assertEqual(host.ask("GET", "/api/system", headers={"Authorization": f"Bearer {token}"}).status, 200)
        self.assertEqual(host.ask("GET", "/api/instances/press", headers=session).headers["etag"], before)
        self.assertEqual(sum("the file of the web password is gone" in line for line in host.lines["err"]), 1)
        kept.rename(file)
        self.assertEqual(host.ask("GET", "/api/system", headers=session).status, 200) # it is the same as before
        file.unlink()
        self.set_password() # makes it anew, without tokens
        self.assertEqual(host.ask("GET", "/api/system", headers=session).status, 401)
        self.assertEqual(host.ask("GET", "/api/system", headers={"Authorization": f"Bearer {token}"}).status, 401)
        self.assertEqual(host.ask("GET", "/api/instances/press", headers=self.log_in(host)).headers["etag"], before)

    def test_guessing_is_slowed(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", "127.0.0.1:0")
        for _ in range(5):
            self.assertEqual(host.ask("POST", "/api/session", {"password": "wrong"}).status, 401)
        refused = host.ask("POST", "/api/session", {"password": PASSWORD})
        self.assertEqual(refused.status, 429)
        self.assertLessEqual(int(refused.headers["retry-after"]), 60)

    def test_every_route_with_a_token_of_each_right(self):
        host = self.host("--web", "127.0.0.1:0")
        tokens = {}
        for right in ("read", "operate", "configure"):
            made = host.ask("POST", "/api/tokens", {"name": right, "right": right, "days": 1})
            self.assertEqual(made.status, 201, made)
            tokens[right] = {"Authorization": "Bearer " + made.json["token"]}
            self.assertNotIn(made.json["token"], (pathlib.Path(self.folder) / "line.access").read_text())
        self.assertEqual(host.ask("POST", "/api/tokens", {"name": "read", "right": "read"}).status, 409)
        harmless = {"logOut", "getSession", "getPage", "supportBundle", "setPassword", "revokeToken"}
        for right, headers in tokens.items():
            for method, path, operation in routes():
                if operation["operationId"] in harmless | {"openChannel"}:
                    continue
                with self.subTest(f"{right}: {method} {path}"):
                    answer = host.ask(method, filled(path), headers=headers)
                    if RANK[operation["x-right"]] > RANK[right]:
                        self.assertEqual(answer.status, 403, answer)
                        self.assertEqual(answer.json["error"], "forbidden")
                    else:
                        self.assertNotIn(answer.status, (401, 403, 500), answer)
                        if method == "GET" and operation["x-right"] != "public" and "{id}" not in path:
                            self.assertEqual(answer.status, 200, answer)
        listed = host.ask("GET", "/api/tokens", headers=tokens["configure"]).json
        read = next(one for one in listed if one["name"] == "read")
        self.assertIn("lastUsed", read)
        channel = self.channel(host, tokens["read"])
        self.assertEqual(channel.status, 101)
        self.assertEqual(channel.hear()["rights"], ["read"])
        self.assertEqual(host.ask("DELETE", f"/api/tokens/{read['id']}", headers=tokens["configure"]).status, 204)
        self.assertEqual(host.ask("GET", "/api/system", headers=tokens["read"]).status, 401)
        self.assertEqual(channel.until(lambda message: message["type"] == "bye")["reason"], "session-ended")

    def test_https_with_a_certificate_of_its_own(self):
        host = self.host("--web", "0.0.0.0:0")
        self.assertTrue(host.https)
        self.assertEqual(host.ask("GET", "/api/system").status, 401)
        first = host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": host.code()})
        self.assertIn("Secure", first.headers["set-cookie"])
        session = {"Cookie": first.headers["set-cookie"].split(";")[0], "Origin": f"https://127.0.0.1:{host.port}"}
        facts = host.ask("GET", "/api/certificate", headers=session).json
        self.assertTrue(facts["https"] and facts["generated"])
        self.assertIn("127.0.0.1", facts["names"])
        channel = self.channel(host, {**session, "Host": f"127.0.0.1:{host.port}"})
        self.assertEqual(channel.status, 101)
        self.assertEqual(channel.hear()["type"], "hello")
        again = host.ask("DELETE", "/api/certificate", headers=session).json
        self.assertNotEqual(again["fingerprint"], facts["fingerprint"])
        eventually("the new certificate is shown", lambda: self.fingerprint(host) == again["fingerprint"])

    def fingerprint(self, host):
        import hashlib
        import ssl
        try:
            pem = ssl.get_server_certificate(("127.0.0.1", host.port), timeout=5)
        except OSError:
            return None
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


class Looking(WebTest):
    def test_instances_rules_and_what_they_do(self):
        host, _ = self.with_peer()
        whole = host.ask("GET", "/api/instances/press")
        self.assertEqual(whole.headers["etag"], f'"{whole.json["summary"]["revision"]}"')
        self.assertEqual(whole.json["summary"]["address"][:15], "ws://127.0.0.1:")
        self.assertEqual(whole.json["usedBy"], ["Count"])
        self.assertEqual(whole.json["summary"]["badges"], ["log-comms"])
        self.assertIsInstance(whole.json["statuses"]["connection-status"]["at"], int)
        sent = host.ask("POST", "/api/instances/press/actions/send-message?wait=20", {"arguments": {"message": "STROKE 7"}})
        self.assertEqual(sent.status, 200, sent)
        self.assertEqual(sent.json["state"], "done")
        self.assertEqual(host.ask("GET", f"/api/calls/{sent.json['call']}").json["state"], "done")
        strokes = eventually("the echo counts", lambda: next(
            one for one in host.ask("GET", "/api/rules").json["variables"] if one["name"] == "strokes")["value"])
        self.assertEqual(strokes, 7)
        rule = host.ask("GET", "/api/rules/Count").json
        self.assertEqual((rule["report"]["fired"], rule["byHand"]), (1, False))
        self.assertEqual(rule["on"][0]["match"][0], {"kind": "regex", "text": "^STROKE (\\d+)$"})
        event = next(one for one in host.ask("GET", "/api/trace").json["events"] if one["trigger"] == "press/message-received")
        self.assertEqual(event["message"]["text"], "STROKE 7")
        self.assertEqual(event["looks"][0]["acts"][0]["state"], "done")
        frames = eventually("frames", lambda: [
            (one["way"], one["payload"]) for one in host.ask("GET", "/api/frames?instance=press").json["frames"]
            if one["opcode"] == "text"])
        self.assertEqual(frames, [("out", "STROKE 7"), ("in", "STROKE 7")])
        self.assertTrue(host.ask("POST", "/api/rules/By%20hand/fire").json["fired"])
        self.assertEqual(host.ask("POST", "/api/rules/Count/fire").status, 409)
        history = host.ask("GET", "/api/instances/press/history").json
        self.assertIn("ready", [one["state"] for one in history["states"]])
        missing = host.ask("POST", "/api/instances/press/actions/send-message", {"arguments": {}})
        self.assertEqual((missing.status, missing.json["mistakes"][0]["at"]), (422, "/arguments/message"))
        self.assertEqual(host.ask("POST", "/api/instances/press/actions/nothing", {}).status, 404)
        records = host.ask("GET", "/api/log?instance=press&level=frame").json["records"]
        self.assertTrue(records and all(one["instance"] == "press" for one in records))
        self.assertIn(b"press", host.ask("GET", "/api/log/download").bytes)
        modules = {one["id"]: one for one in host.ask("GET", "/api/modules").json}
        self.assertEqual(modules["websocket-client"]["stateStatus"], "connection-status")
        self.assertEqual(list(modules)[0], "host")

    def test_times_of_an_instance_that_keeps_failing_and_of_one_that_recovered(self):
        project = PROJECT.replace("{port}", "{port}</set>\n    <set name=\"reconnect-first-max\">0.1</set>\n"
                                  "    <set name=\"reconnect-min\">0.3</set>\n    <set name=\"reconnect-max\">0.4")
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        host = self.host("--web", "127.0.0.1:0", project=project, port=port)
        summary = lambda: host.ask("GET", "/api/instances/press").json["summary"]

        def waiting(more):
            def found():
                one = summary()
                return one if one["state"] == "waiting" and one.get("attempt", 0) >= more and "nextRetryAt" in one else None
            return eventually(f"attempt {more}", found)
        first = waiting(2)
        later = waiting(first["attempt"] + 3)
        for each in ("since", "lastErrorAt", "nextRetryAt"):
            self.assertGreaterEqual(later[each] - first[each], 3 * 300 - 50, each)
        self.assertGreaterEqual(later["nextRetryAt"], later["since"])
        self.assertEqual(later["lastErrorSince"], first["lastErrorSince"])
        self.assertGreaterEqual(host.ask("GET", "/api/instances/press").json["statuses"]["connection-status"]["at"], later["since"])

        peer = Program(PROGRAMS.iompeer, "--port", str(port))
        self.addCleanup(peer.kill)
        peer.wait("out", r"^ready (\d+)$")
        eventually("it is ready", lambda: summary()["state"] == "ready")
        act = lambda id: host.ask("POST", f"/api/instances/press/actions/{id}?wait=20", {})
        self.assertEqual(act("disconnect").json["state"], "done")
        eventually("it is stopped", lambda: summary()["state"] == "stopped")
        self.assertNotIn("lastError", summary())
        self.assertTrue(host.ask("GET", "/api/instances/press").json["statuses"]["last-error"]["value"])
        # The same sentence once more is an error of its own.
        peer.kill()
        act("connect")
        again = waiting(1)
        self.assertEqual(again["lastError"], first["lastError"])
        self.assertGreater(again["lastErrorSince"], later["lastErrorAt"])

    def test_trying_a_rule_tells_no_secret(self):
        self.write_project()
        file = pathlib.Path(self.folder) / "line.xml"
        file.write_text(file.read_text().replace('  <rule name="Count">', '  <variable name="held" type="text"/>\n  <rule name="Keep"><on '
            'trigger="host/manual"/><do action="host/set"><arg name="variable">held</arg><arg name="value">${secret:key}</arg></do></rule>\n'
            '  <rule name="Count">'))
        (file.with_suffix(".secrets")).write_text("key = opensesame\n")
        (file.with_suffix(".secrets")).chmod(0o600)
        host = self.host("--web", "127.0.0.1:0")
        self.assertTrue(host.ask("POST", "/api/rules/Keep/fire").json["fired"])
        token = host.ask("POST", "/api/tokens", {"name": "wall", "right": "read"}).json["token"]
        reader = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
        def tried(message, **condition):
            rule = {"name": "Try", "on": [{"trigger": "press/message-received", "match": [{"kind": "contains", "text": ""}]}],
                    "do": [{"action": "host/log", "arguments": {"message": "${message} ${host/held}"}}]}
            if condition:
                rule["when"] = [{"variable": "held", **condition}]
            answer = host.ask("POST", "/api/try", json.dumps({"rule": rule, "sample": {
                "trigger": "press/message-received", "variables": {"message": message}}}), reader)
            self.assertEqual(answer.status, 200, answer)
            return answer.json
        guesses = "swordfish opensesame thirdone"
        self.assertEqual(tried(guesses)["would"][0]["arguments"]["message"], guesses + " ***")
        for condition in ({"contains": "open"}, {"is": "opensesame"}):
            self.assertFalse(tried("x", **condition)["conditions"][0]["holds"])
        self.assertTrue(tried("x", contains="*")["conditions"][0]["holds"])

    def test_who_has_gone_or_comes_too_late_waits_for_no_call(self):
        host, _ = self.with_peer()
        begun = host.ask("POST", "/api/instances/press/actions/request", {"arguments": {
            "message": "x", "match": [{"kind": "equals", "text": "never"}], "timeout": "20"}})
        self.assertEqual(begun.status, 202, begun)
        head = f"GET /api/calls/{begun.json['call']}?wait=25 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        def wait(count):
            waiting = [socket.create_connection(("127.0.0.1", host.port)) for _ in range(count)]
            for each in waiting:
                each.sendall(head)
                each.settimeout(0.0)
            return waiting
        def answered(each):
            try:
                return each.recv(20) != b""
            except BlockingIOError:
                return False
        waiting = wait(40)
        eventually("some are answered at once", lambda: sum(answered(each) for each in waiting) == 8)
        for each in waiting:
            each.close()
        again = []
        def there_is_room():
            again.extend(wait(1))
            # Whoever came before it has been heard by then.
            self.assertEqual(host.ask("GET", "/api/system").status, 200)
            return not answered(again[-1])
        eventually("there is room for others", there_is_room)
        for each in again:
            each.close()

    def test_the_channel_tells_state_first_and_then_changes(self):
        host, peer = self.with_peer()
        channel = self.channel(host)
        hello = channel.hear()
        self.assertEqual((hello["type"], hello["rights"]), ("hello", ["read", "operate", "configure"]))
        topics = ["modules", "instance", "rules", "log", "frames", "trace", "system"]
        for number, topic in enumerate(topics, 1):
            channel.say({"type": "subscribe", "id": number, "topic": topic,
                         **({"filter": {"instance": "press"}} if topic in ("instance", "frames") else {})})
        full = {}
        while len(full) < len(topics):
            message = channel.hear()
            if message["type"] == "full":
                self.assertEqual(message["seq"], 0)
                full[message["topic"]] = message["state"]
        self.assertEqual(full["modules"]["order"], ["press"])
        self.assertEqual(full["instance"]["statuses"]["connection-status"]["value"], "ready")
        host.ask("POST", "/api/instances/press/actions/send-message?wait=20", {"arguments": {"message": "STROKE 5"}})
        seen = {"seq": {}}
        wanted = {"instance", "rules", "frames", "trace"}
        def collect(message):
            if message["type"] != "change":
                return False
            before = seen["seq"].get(message["id"], 0)
            self.assertEqual(message["seq"], before + 1)
            seen["seq"][message["id"]] = message["seq"]
            change = message["change"]
            if message["topic"] == "instance" and change.get("statuses", {}).get("last-received", {}).get("value") == "STROKE 5":
                wanted.discard("instance")
            if message["topic"] == "rules" and change.get("variables", {}).get("strokes", {}).get("value") == 5:
                wanted.discard("rules")
            if message["topic"] == "frames" and any(one["payload"] == "STROKE 5" for one in change["frames"]):
                wanted.discard("frames")
            if message["topic"] == "trace" and any(one["trigger"] == "press/message-received" for one in change["events"]):
                wanted.discard("trace")
            return not wanted
        channel.until(collect)
        peer.kill()
        channel.until(lambda message: message["type"] == "change" and message["topic"] == "modules" and
                      message["change"].get("instances", {}).get("press", {}).get("state") in ("waiting", "connecting"))
        channel.say({"type": "subscribe", "id": 99, "topic": "nonsense"})
        error = channel.until(lambda message: message["type"] == "error")
        self.assertEqual((error["id"], error["error"]), (99, "bad-request"))
        host.process.terminate()
        self.assertEqual(channel.until(lambda message: message["type"] == "bye")["reason"], "shutdown")

    def test_who_does_not_read_slows_no_rule(self):
        # AddressSanitizer keeps what was freed; here the memory is what counts.
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1")))
        with unittest.mock.patch.dict(os.environ, {"ASAN_OPTIONS": options}):
            host, _ = self.with_peer()
        dead = self.channel(host)
        dead.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for number, topic in enumerate(("modules", "instance", "rules", "log", "frames", "trace", "system"), 1):
            dead.say({"type": "subscribe", "id": number, "topic": topic,
                      **({"filter": {"instance": "press"}} if topic == "instance" else {})})
        resident = lambda: int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{host.process.pid}/status").read_text())[1])
        line = host.connect()
        self.addCleanup(line.close)
        def send(count):
            for _ in range(count):
                line.request("POST", "/api/instances/press/actions/send-message",
                             json.dumps({"arguments": {"message": "STROKE 1"}}), {"Content-Type": "application/json"})
                answer = line.getresponse()
                answer.read()
                self.assertIn(answer.status, (200, 202))
        send(2000) # by then every memory that is bounded is as full as it gets, or nearly
        before = resident()
        send(8000)
        eventually("the rule has counted them all", lambda: host.ask("GET", "/api/rules").json["variables"][0]["value"] == 10000)
        self.assertLess(resident() - before, 16 * 1024) # KiB
        self.assertEqual(host.ask("GET", "/api/rules/Count").json["report"]["fired"], 10000)
        self.assertEqual(host.ask("GET", "/api/instances/press").json["summary"]["state"], "ready")

    def test_nonsense_and_binary_end_a_channel(self):
        host = self.host("--web", "127.0.0.1:0")
        channel = self.channel(host)
        channel.hear()
        for _ in range(10):
            channel.say({"type": "what"})
        while channel.hear() is not None:
            pass
        self.assertEqual(channel.close_code, 1008)
        channel = self.channel(host)
        channel.say(b"\x00\x01", opcode=2)
        while channel.hear() is not None:
            pass
        self.assertEqual(channel.close_code, 1003)
        self.assertEqual(self.channel(host, protocol="other").status, 400)

    def test_a_support_bundle_without_secrets(self):
        self.write_project()
        text = (pathlib.Path(self.folder) / "line.xml").read_text()
        (pathlib.Path(self.folder) / "line.xml").write_text(
            text.replace('<set name="path">', '<set name="bearer-token">opensesame</set>\n    <set name="path">'))
        host = self.host("--web", "127.0.0.1:0")
        bundle = host.ask("GET", "/api/support-bundle")
        self.assertEqual(bundle.headers["content-type"], "application/gzip")
        with tarfile.open(fileobj=io.BytesIO(bundle.bytes)) as archive:
            names = archive.getnames()
            whole = b"".join(archive.extractfile(name).read() for name in names)
        self.assertEqual(set(names), {"host.json", "project.xml", "instances.json", "rules.json", "trace.jsonl", "log.txt"})
        self.assertNotIn(b"opensesame", whole)
        self.assertIn(b"${secret:press-bearer-token}", whole)
        for path in ("/api/project", "/api/instances/press", "/api/instances/press/text", "/api/log/download", "/api/rules"):
            self.assertNotIn(b"opensesame", host.ask("GET", path).bytes)
        self.assertEqual(host.ask("GET", "/api/instances/press").json["settings"]["bearer-token"], {"set": True})


class Editing(WebTest):
    def revision(self, host, path):
        return {"If-Match": host.ask("GET", path).headers["etag"]}

    def listed(self, host, path, name):
        """If-Match of one in a list: /api/secrets, /api/files, or the variables in /api/rules."""
        all = host.ask("GET", path).json
        found = [one for one in (all["variables"] if path == "/api/rules" else all) if one["name"] == name]
        return {"If-Match": f'"{found[0]["revision"]}"'}

    def test_an_instance_from_nothing_to_gone(self):
        host, _ = self.with_peer()
        file = host.project
        draft = {"name": "crane", "module": "websocket-client", "settings": {"hostname": "127.0.0.1", "port": "1", "path": "/x"}}
        wrong = {**draft, "settings": {**draft["settings"], "port": "70000"}}
        check = host.ask("POST", "/api/instances?check=true", wrong).json
        self.assertFalse(check["ok"])
        self.assertEqual(check["mistakes"][0]["at"], "/settings/port")
        self.assertEqual(host.ask("POST", "/api/instances", wrong).status, 422)
        self.assertNotIn("crane", file.read_text())
        made = host.ask("POST", "/api/instances", draft)
        self.assertEqual(made.status, 201, made)
        self.assertIn("<!-- Kept as it is. -->", file.read_text())
        self.assertEqual(host.ask("POST", "/api/instances", draft).json["mistakes"][0]["at"], "/name")
        self.assertEqual(self.revision(host, "/api/instances/crane"), {"If-Match": f'"{made.json["revision"]}"'})
        self.assertEqual(host.ask("PUT", "/api/instances/crane", {"settings": {}}).status, 428)
        before = self.revision(host, "/api/instances/crane")
        saved = host.ask("PUT", "/api/instances/crane", {"settings": {"hostname": "127.0.0.1", "port": "2"}}, before)
        self.assertEqual(saved.status, 200, saved)
        stale = host.ask("PUT", "/api/instances/crane", {"settings": {"hostname": "127.0.0.1", "port": "3"}}, before)
        self.assertEqual(stale.status, 412)
        self.assertEqual(stale.json["instance"]["settings"]["port"], "2")
        renamed = host.ask("POST", "/api/instances/press/rename", {"name": "punch"}, self.revision(host, "/api/instances/press"))
        self.assertEqual(renamed.status, 200, renamed)
        self.assertEqual(host.ask("GET", "/api/rules/Count").json["on"][0]["trigger"], "punch/message-received")
        copy = host.ask("POST", "/api/instances/punch/duplicate", {"name": "punch-2"})
        self.assertEqual(copy.status, 201, copy)
        text = host.ask("GET", "/api/instances/punch-2/text").bytes.decode()
        self.assertEqual(host.ask("POST", "/api/instances", {"text": text, "name": "punch-3"}).status, 201)
        used = host.ask("DELETE", "/api/instances/punch", headers=self.revision(host, "/api/instances/punch"))
        self.assertEqual(used.status, 409, used)
        gone = host.ask("DELETE", "/api/instances/punch?withRules=true", headers=self.revision(host, "/api/instances/punch"))
        self.assertEqual(gone.status, 200, gone)
        self.assertEqual(gone.json["rules"], ["Count"])
        self.assertEqual([one["name"] for one in host.ask("GET", "/api/instances").json], ["punch-2", "crane", "punch-3"])
        rows = [{"name": f"m{number}", "settings": {"hostname": f"10.0.0.{number}"}} for number in range(1, 41)]
        bad = host.ask("POST", "/api/instances/table?check=true",
                       {"module": "websocket-client", "rows": [*rows, {"name": "m1", "settings": {}}]}).json
        self.assertEqual([one["at"] for one in bad["mistakes"]], ["/rows/40/name"])
        table = host.ask("POST", "/api/instances/table", {"module": "websocket-client", "like": "crane", "rows": rows})
        self.assertEqual(table.status, 201, table)
        self.assertEqual(len(host.ask("GET", "/api/instances").json), 43)
        done = subprocess.run([PROGRAMS.iomhost, "check", str(file), "--modules", PROGRAMS.modules],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)

    def test_secrets_are_written_and_never_read(self):
        host, _ = self.with_peer()
        settings = host.ask("GET", "/api/instances/press").json["settings"]
        given = {**settings, "bearer-token": "opensesame"}
        saved = host.ask("PUT", "/api/instances/press", {"settings": given}, self.revision(host, "/api/instances/press"))
        self.assertEqual(saved.status, 200, saved)
        self.assertNotIn("opensesame", host.project.read_text())
        kept = host.folder / "line.secrets"
        self.assertIn("press-bearer-token", kept.read_text())
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertEqual([(one["name"], one["usedBy"]) for one in host.ask("GET", "/api/secrets").json],
                         [("press-bearer-token", ["press"])])
        self.assertEqual(host.ask("DELETE", "/api/secrets/press-bearer-token").status, 409)
        here = host.ask("GET", "/api/instances/press").json["settings"]
        self.assertEqual(here["bearer-token"], {"set": True})
        # Nobody can point the stored one at a server of their own.
        for token in ({"set": True}, "${secret:press-bearer-token}"):
            moved = {**here, "hostname": "127.0.0.2", "bearer-token": token}
            asked = host.ask("PUT", "/api/instances/press", {"settings": moved}, self.revision(host, "/api/instances/press"))
            self.assertEqual((asked.status, asked.json["needsSecrets"]), (422, ["bearer-token"]))
        kept_ones = host.ask("PUT", "/api/instances/press", {"settings": {**here, "path": "/other"}},
                             self.revision(host, "/api/instances/press"))
        self.assertEqual(kept_ones.status, 200, kept_ones)
        before = host.ask("GET", "/api/instances/press").json["summary"]["revision"]
        self.assertEqual(host.ask("PUT", "/api/secrets/press-bearer-token", {"value": "swordfish"},
                                  self.listed(host, "/api/secrets", "press-bearer-token")).status, 204)
        self.assertNotEqual(host.ask("GET", "/api/instances/press").json["summary"]["revision"], before)
        host.ask("POST", "/api/instances/press/actions/connect?wait=5", {"arguments": {"bearer-token": "thirdone"}})
        everything = "\n".join(host.lines["err"] + host.lines["out"])
        for path in ("/api/instances/press", "/api/project", "/api/log/download", "/api/frames", "/api/trace"):
            everything += host.ask("GET", path).bytes.decode()
        for secret in ("opensesame", "swordfish", "thirdone"):
            self.assertNotIn(secret, everything)

    def test_secrets_that_texts_insert_are_asked_for_too(self):
        self.write_project()
        file = pathlib.Path(self.folder) / "line.xml"
        file.write_text(file.read_text().replace(
            '<set name="path">', '<set name="headers"><item>X-Key: ${secret:key}</item></set>\n    <set name="path">'))
        (file.with_suffix(".secrets")).write_text("key = opensesame\n")
        (file.with_suffix(".secrets")).chmod(0o600)
        host = self.host("--web", "127.0.0.1:0")
        here = host.ask("GET", "/api/instances/press").json["settings"]
        self.assertEqual(here["headers"], ["X-Key: ${secret:key}"])
        moved = {**here, "hostname": "127.0.0.2"}
        save = lambda: host.ask("PUT", "/api/instances/press", {"settings": moved}, self.revision(host, "/api/instances/press"))
        refused = save()
        self.assertEqual((refused.status, refused.json["needsSecrets"]), (422, ["headers"]))
        test = host.ask("POST", "/api/instances/press/test", {"settings": moved})
        self.assertEqual((test.status, test.json["needsSecrets"]), (422, ["headers"]))
        row = {"module": "websocket-client", "like": "press", "rows": [{"name": "copy", "settings": {"hostname": "127.0.0.2"}}]}
        table = host.ask("POST", "/api/instances/table", row)
        self.assertEqual((table.status, table.json["needsSecrets"]), (422, ["headers"]))
        self.assertNotIn("127.0.0.2", file.read_text())
        self.assertEqual(host.ask("PUT", "/api/secrets/key", {"value": "swordfish"}, self.listed(host, "/api/secrets", "key")).status, 204)
        self.assertEqual(save().status, 200)

    def test_a_stored_secret_goes_nowhere_else_by_whatever_way(self):
        self.write_project()
        file = pathlib.Path(self.folder) / "line.xml"
        file.write_text(file.read_text().replace('<set name="path">', '<set name="bearer-token">${secret:key}</set>\n    <set name="path">'))
        (file.with_suffix(".secrets")).write_text("key = opensesame\nunused = swordfish\n")
        (file.with_suffix(".secrets")).chmod(0o600)
        host = self.host("--web", "127.0.0.1:0", environment={**os.environ, "IOM_KEY": "thirdone"})
        before = file.read_text()
        text = lambda name, setting: (f'<instance name="{name}" module="websocket-client"><set name="hostname">127.0.0.2</set>'
                                      f'<set name="{setting}">${{secret:key}}</set></instance>')
        new = lambda **settings: {"name": "new", "module": "websocket-client", "settings": {"hostname": "127.0.0.2", **settings}}
        ways = ((new(password="${secret:key}"), "password"), (new(headers=["X-Key: ${secret:key|json}"]), "headers"),
                (new(password="${env:IOM_KEY}"), "password"), (new(password="${secret:unused}"), "password"),
                ({"text": text("new", "username")}, "username"))
        for body, setting in ways:
            for path in ("/api/instances?check=true", "/api/instances"):
                asked = host.ask("POST", path, body)
                self.assertEqual((asked.status, asked.json["needsSecrets"]), (200 if "check" in path else 422, [setting]))
        self.assertIn("the file itself", host.ask("POST", "/api/instances", ways[2][0]).json["sentence"])
        row = {"module": "websocket-client", "rows": [{"name": "copy", "settings": new(password="${secret:key}")["settings"]}]}
        self.assertEqual(host.ask("POST", "/api/instances/table", row).json["needsSecrets"], ["password"])
        row = {**row, "like": "press", "rows": [{"name": "copy", "settings": {"hostname": "127.0.0.2"}}]}
        self.assertEqual(host.ask("POST", "/api/instances/table", row).json["needsSecrets"], ["bearer-token"])
        project = host.ask("GET", "/api/project")
        headers = {"If-Match": project.headers["etag"], "Content-Type": "application/xml"}
        uploaded = project.bytes.decode().replace("</project>", text("new", "username") + "</project>")
        self.assertEqual(host.ask("PUT", "/api/project", uploaded, headers).json["needsSecrets"], ["username"])
        self.assertEqual(host.ask("PUT", "/api/project?check=true", project.bytes.decode(), headers).json["ok"], True)
        self.assertEqual(host.ask("POST", "/api/instances", new()).status, 201)
        rule = {"name": "Tell", "on": [{"trigger": "host/manual"}],
                "do": [{"action": "new/send-message", "arguments": {"message": "${secret:key}"}}]}
        self.assertEqual(host.ask("POST", "/api/rules", rule).json["needsSecrets"], ["rule Tell"])
        self.assertEqual(host.ask("DELETE", "/api/instances/new", headers=self.revision(host, "/api/instances/new")).status, 200)
        self.assertEqual(file.read_text(), before)
        self.assertEqual(host.ask("POST", "/api/instances/press/duplicate", {"name": "same"}).status, 201) # leads to the same place
        self.assertEqual(host.ask("PUT", "/api/secrets/key", {"value": "mine"}, self.listed(host, "/api/secrets", "key")).status, 204)
        self.assertEqual(host.ask("POST", "/api/instances", ways[0][0]).status, 201)

    def test_a_stored_secret_of_that_name_is_not_overwritten(self):
        self.write_project()
        kept = pathlib.Path(self.folder) / "line.secrets"
        kept.write_text("press-bearer-token = for something else\n")
        kept.chmod(0o600)
        host = self.host("--web", "127.0.0.1:0")
        settings = host.ask("GET", "/api/instances/press").json["settings"]
        for token in ("opensesame", "swordfish"): # the second takes the place of the first
            saved = host.ask("PUT", "/api/instances/press", {"settings": {**settings, "bearer-token": token}},
                             self.revision(host, "/api/instances/press"))
            self.assertEqual(saved.status, 200, saved)
            self.assertIn("press-bearer-token = for something else\n", kept.read_text())
            self.assertIn("${secret:press-bearer-token-2}", host.project.read_text())
            self.assertRegex(kept.read_text(), f"press-bearer-token-2 ?= ?{token}")

    def test_what_is_only_checked_blots_nothing_out(self):
        host, _ = self.with_peer()
        draft = {**host.ask("GET", "/api/instances/press").json["settings"], "bearer-token": "e"}
        self.assertEqual(host.ask("PUT", "/api/instances/press?check=true", {"settings": draft}).json["ok"], True)
        test = host.ask("POST", "/api/instances/press/test", {"settings": draft}).json["test"]
        eventually("the test ends", lambda: host.ask("GET", f"/api/tests/{test}?wait=5").json["ended"])
        wrong = {**draft, "port": "70000"}
        self.assertEqual(host.ask("PUT", "/api/instances/press", {"settings": wrong}, self.revision(host, "/api/instances/press")).status, 422)
        # The test's own lines are without it as long as it lasts; then they are readable again.
        def readable():
            host.ask("POST", "/api/instances/press/actions/send-message?wait=20", {"arguments": {"message": "needle"}})
            return host.ask("GET", "/api/log?search=needle").json["records"] or host.ask("GET", "/api/frames?search=needle").json["frames"]
        eventually("the log is readable", readable)

    def test_the_file_reloaded_while_an_edit_is_judged_is_not_overwritten(self):
        host, _ = self.with_peer()
        rows = [{"name": f"m{number}", "settings": {"hostname": "127.0.0.1", "port": "1", "connect-at-startup": "false"}} for number in range(400)]
        by_hand = host.project.read_text().replace('value="0"', 'value="7"')
        answers = []
        asking = threading.Thread(target=lambda: answers.append(
            host.ask("POST", "/api/instances/table", {"module": "websocket-client", "rows": rows})))
        asking.start()
        host.project.write_text(by_hand)
        host.process.send_signal(signal.SIGHUP)
        asking.join()
        kept = host.project.read_text()
        if answers[0].status == 201: # it came after the reload, and was made in what had been loaded
            self.assertIn('name="m399"', kept)
        else:
            self.assertEqual((answers[0].status, answers[0].json["error"]), (409, "conflict"))
        self.assertIn('value="7"', kept)

    def test_an_edit_leaves_other_sessions_alone(self):
        peer = Program(PROGRAMS.iompeer, "--port", "0")
        self.addCleanup(peer.kill)
        port = int(peer.wait("out", r"^ready (\d+)$")[1])
        host = self.host("--web", "127.0.0.1:0", port=port)
        crane = {"name": "crane", "module": "websocket-client",
                 "settings": {"hostname": "127.0.0.1", "port": str(port), "path": "/echo"}}
        self.assertEqual(host.ask("POST", "/api/instances", crane).status, 201)
        of = lambda name: host.ask("GET", f"/api/instances/{name}").json
        ready = lambda name: eventually(f"{name} is ready", lambda: of(name)["summary"]["state"] == "ready")
        opened = lambda: {name: eventually(name, lambda: of(name)["statuses"]["established-since"]["value"]) for name in ("press", "crane")}
        ready("press"), ready("crane")
        before = opened()
        sent = lambda: host.ask("POST", "/api/instances/press/actions/send-message?wait=20", {"arguments": {"message": "${seq}"}}).json
        self.assertEqual(sent()["state"], "done")
        steps = (lambda: host.ask("PUT", "/api/instances/crane", {"settings": {**crane["settings"], "path": "/echo?again"}},
                                  self.revision(host, "/api/instances/crane")),
                 lambda: host.ask("POST", "/api/instances/crane/rename", {"name": "hoist"}, self.revision(host, "/api/instances/crane")),
                 lambda: host.ask("POST", "/api/instances/table", {"module": "websocket-client", "like": "hoist", "rows": [
                     {"name": f"m{number}", "settings": {"path": f"/echo?{number}"}} for number in range(40)]}),
                 lambda: host.ask("PUT", "/api/rules/Count/enabled", {"enabled": False}, self.revision(host, "/api/rules/Count")),
                 lambda: host.ask("PUT", "/api/secrets/some", {"value": "thing"}),
                 lambda: host.ask("DELETE", "/api/instances/hoist", headers=self.revision(host, "/api/instances/hoist")))
        for step in steps:
            self.assertIn(step().status, (200, 201, 204))
            self.assertEqual(of("press")["statuses"]["established-since"]["value"], before["press"])
        ready("m39")
        self.assertEqual(of("press")["statuses"]["reconnects"]["value"], 0)
        self.assertEqual(len([one for one in host.lines["err"] if " press: out GET " in one]), 1)

    def test_a_full_disk_keeps_the_old_file(self):
        script = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"'
        rights = [] if os.geteuid() == 0 else ["--map-root-user"]
        inner = subprocess.run(["unshare", *rights, "--mount", "sh", "-c", script, self.folder, sys.executable, __file__,
                                PROGRAMS.iomhost, PROGRAMS.iompeer, PROGRAMS.modules, PROGRAMS.contract, "--full-disk", self.folder],
                               capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(inner.returncode, 0, inner.stderr)

    def full_disk(self, folder):
        self.folder = folder
        host = self.host("--web", "127.0.0.1:0")
        before = host.project.read_bytes()
        with open(host.folder / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass # full
        self.assertEqual(host.ask("GET", "/api/system").status, 200)
        draft = lambda: host.ask("PUT", "/api/instances/press", {"settings": {"hostname": "127.0.0.1", "bearer-token": "opensesame"}},
                                 self.revision(host, "/api/instances/press"))
        refused = draft()
        self.assertEqual(refused.status, 500, refused)
        self.assertIn("No space left on device", refused.json["sentence"])
        self.assertNotIn("opensesame", refused.json["sentence"])
        self.assertEqual(host.ask("PUT", "/api/files/ca.pem", "PEM", {"Content-Type": "application/octet-stream"}).status, 500)
        secret = host.ask("PUT", "/api/secrets/door", {"value": "opensesame"})
        self.assertEqual((secret.status, secret.json["error"]), (500, "failed"), secret)
        token = host.ask("POST", "/api/tokens", {"name": "x", "right": "read"})
        self.assertEqual(token.status, 500, token)
        self.assertEqual(host.ask("GET", "/api/tokens").json, []) # what is not kept is not there
        first = host.ask("POST", "/api/password/first", {"password": PASSWORD})
        self.assertEqual(first.status, 500, first)
        self.assertNotIn("set-cookie", first.headers)
        self.assertEqual(host.ask("GET", "/api/session").json["state"], "open")
        self.assertEqual(host.project.read_bytes(), before)
        self.assertEqual([each for each in os.listdir(folder) if each not in ("ballast", "line.xml", "line.access", "files")], [])
        self.assertEqual(host.ask("GET", "/api/instances/press").json["settings"]["path"], "/echo")
        os.remove(host.folder / "ballast")
        self.assertEqual(draft().status, 200)
        self.assertIn("press-bearer-token", (host.folder / "line.secrets").read_text())
        self.assertEqual(host.stop(), 0)

    def test_rules(self):
        host, _ = self.with_peer()
        rule = {"name": "Say it", "on": [{"trigger": "press/message-received", "match": [{"kind": "prefix", "text": "SAY "}]}],
                "when": [{"status": "press/is-ready", "is": "true"}],
                "do": [{"action": "host/log", "arguments": {"message": "said ${message}"}}]}
        wrong = {**rule, "do": [{"action": "host/log", "arguments": {"message": "${nothing}"}}]}
        check = host.ask("POST", "/api/rules?check=true", wrong).json
        self.assertEqual(check["mistakes"][0]["at"], "/do/0/arguments/message")
        made = host.ask("POST", "/api/rules", {**rule, "before": "Count"})
        self.assertEqual(made.status, 201, made)
        names = lambda: [one["name"] for one in host.ask("GET", "/api/rules").json["rules"]]
        self.assertEqual(names(), ["Say it", "Count", "By hand"])
        host.ask("POST", "/api/instances/press/actions/send-message?wait=20", {"arguments": {"message": "SAY hello"}})
        eventually("the rule logs", lambda: host.ask("GET", "/api/log?search=said%20SAY%20hello").json["records"])
        say_it = self.revision(host, "/api/rules/Say%20it")
        off = {"enabled": False}
        self.assertEqual(host.ask("PUT", "/api/rules/Say%20it/enabled", off).status, 428)
        self.assertEqual(host.ask("PUT", "/api/rules/Say%20it/enabled", off, say_it).status, 200)
        late = host.ask("PUT", "/api/rules/Say%20it/enabled", {"enabled": True}, say_it)
        self.assertEqual((late.status, late.json["rule"]["enabled"]), (412, False)) # with what it is now
        self.assertFalse(host.ask("GET", "/api/rules/Say%20it").json["enabled"])
        self.assertEqual(host.ask("POST", "/api/rules/Say%20it/duplicate", {"name": "Say: it/again"}).status, 201)
        order = {"names": ["By hand", "Count", "Say it", "Say: it/again"]}
        self.assertEqual(host.ask("PUT", "/api/rules-order", order, self.revision(host, "/api/rules")).status, 200)
        self.assertEqual(names(), order["names"])
        other = "/api/rules/Say%3A%20it%2Fagain"
        renamed = host.ask("PUT", other, {**rule, "name": "Renamed"}, self.revision(host, other))
        self.assertEqual(renamed.status, 200, renamed)
        self.assertEqual(host.ask("DELETE", "/api/rules/Renamed", headers=self.revision(host, "/api/rules/Renamed")).status, 200)
        level = {"type": "int", "initial": "3"}
        made = host.ask("PUT", "/api/variables/level", level)
        self.assertEqual(made.status, 200, made)
        self.assertEqual(host.ask("PUT", "/api/variables/level", level).status, 428)
        seen = {"If-Match": f'"{made.json["revision"]}"'}
        listed = {one["name"]: one for one in host.ask("GET", "/api/rules").json["variables"]}
        self.assertEqual(listed["level"]["revision"], made.json["revision"])
        self.assertEqual(host.ask("PUT", "/api/variables/level", {**level, "initial": "4"}, seen).status, 200)
        late = host.ask("PUT", "/api/variables/level", {**level, "initial": "5"}, seen)
        self.assertEqual((late.status, late.json["error"]), (412, "changed"))
        self.assertIn('name="level" type="int" value="4"', host.project.read_text())
        self.assertEqual(host.ask("PUT", "/api/variables/new", level, seen).status, 412) # somebody has removed it
        gone = lambda name, seen: host.ask("DELETE", f"/api/variables/{name}", headers=seen).status
        self.assertEqual(gone("strokes", self.listed(host, "/api/rules", "strokes")), 409) # it is used
        self.assertEqual(gone("level", {}), 428)
        self.assertEqual(gone("level", seen), 412)
        self.assertEqual(gone("level", self.listed(host, "/api/rules", "level")), 200)

    def test_the_file_changed_by_hand_is_never_overwritten(self):
        host, _ = self.with_peer()
        by_hand = host.project.read_text().replace("/echo", "/by-hand")
        host.project.write_text(by_hand)
        eventually("it is seen", lambda: host.ask("GET", "/api/system").json["project"]["onDisk"] == "changed")
        draft = {"settings": {"hostname": "127.0.0.1"}}
        refused = host.ask("PUT", "/api/instances/press", draft, self.revision(host, "/api/instances/press"))
        self.assertEqual(refused.status, 409, refused)
        self.assertEqual(host.project.read_text(), by_hand)
        self.assertEqual(host.ask("POST", "/api/project/reload").status, 200)
        self.assertEqual(host.ask("GET", "/api/instances/press").json["settings"]["path"], "/by-hand")
        xml = host.ask("GET", "/api/project")
        changed = xml.bytes.decode().replace("/by-hand", "/uploaded")
        headers = {"If-Match": xml.headers["etag"], "Content-Type": "application/xml"}
        broken = host.ask("PUT", "/api/project?check=true", changed.replace("websocket-client", "nothing"), headers).json
        self.assertFalse(broken["ok"])
        self.assertGreater(broken["mistakes"][0]["line"], 0)
        self.assertEqual(host.ask("PUT", "/api/project", changed, headers).status, 200)
        self.assertEqual(host.ask("PUT", "/api/project", changed, headers).status, 412)
        self.assertEqual(host.ask("GET", "/api/instances/press").json["settings"]["path"], "/uploaded")

    def test_files(self):
        host = self.host("--web", "127.0.0.1:0")
        plain = {"Content-Type": "application/octet-stream"}
        put = lambda name, seen={}: host.ask("PUT", f"/api/files/{name}", "PEM", {**plain, **seen}).status
        remove = lambda name, seen={}: host.ask("DELETE", f"/api/files/{name}", headers=seen).status
        self.assertEqual(put("plant-ca.pem"), 204)
        self.assertEqual(host.ask("GET", "/api/files").json[0]["name"], "plant-ca.pem")
        for name in (".hidden", "a%2Fb", "..%2Fline.xml"):
            self.assertIn(put(name), (404, 405, 422))
        os.symlink("/etc/passwd", host.folder / "files" / "link")
        self.assertEqual(put("link"), 422)
        seen = self.listed(host, "/api/files", "plant-ca.pem")
        self.assertEqual((put("plant-ca.pem"), remove("plant-ca.pem")), (428, 428))
        self.assertEqual(put("plant-ca.pem", seen), 204)
        self.assertEqual((put("plant-ca.pem", seen), remove("plant-ca.pem", seen)), (412, 412)) # somebody has written it since
        self.assertEqual(put("other.pem", seen), 412) # somebody has removed it
        self.assertEqual(remove("plant-ca.pem", self.listed(host, "/api/files", "plant-ca.pem")), 204)
        self.assertEqual(remove("plant-ca.pem"), 404)

    def test_what_is_asked_at_once_is_answered_in_turn(self):
        host = self.host("--web", "127.0.0.1:0")
        settings = json.dumps({"settings": {"hostname": "127.0.0.1", "port": "1"}})
        wrong, until = [], time.monotonic() + 2

        def ask_again_and_again():
            line = host.connect()
            try:
                while time.monotonic() < until and not wrong:
                    line.request("PUT", "/api/instances/press?check=true", settings, {"Content-Type": "application/json"})
                    answer = line.getresponse()
                    if (answer.status, json.loads(answer.read())["ok"]) != (200, True):
                        wrong.append(answer.status)
            except OSError as error:
                wrong.append(repr(error))
            finally:
                line.close()

        askers = [threading.Thread(target=ask_again_and_again) for _ in range(2)]
        for each in askers:
            each.start()
        for each in askers:
            each.join(30)
            self.assertFalse(each.is_alive(), "an answer never came")
        self.assertEqual(wrong, [])
        self.assertIsNone(host.process.poll())

    def test_names_that_no_address_could_mean(self):
        host = self.host("--web", "127.0.0.1:0")
        rule = lambda name: {"name": name, "on": [{"trigger": "host/manual"}], "do": [{"action": "host/log", "arguments": {"message": "x"}}]}
        for name in ("a//b", "/a", "a/", "..", ".", "a/../b", "a\nb", "Count/enabled", "a/fire", "a/duplicate"):
            with self.subTest(name):
                refused = host.ask("POST", "/api/rules", rule(name))
                self.assertEqual((refused.status, refused.json["mistakes"][0]["at"]), (422, "/name"))
        for name in ("Start/Stop", "1.5 bar", "fire", "...", "100 %", "a?b#c", "Tür auf"):
            with self.subTest(name):
                self.assertEqual(host.ask("POST", "/api/rules", rule(name)).status, 201)
                at = "/api/rules/" + urllib.parse.quote(name, safe="")
                self.assertEqual(host.ask("GET", at).json["name"], name)
                self.assertEqual(host.ask("POST", at + "/fire").json["fired"], True)
                self.assertEqual(host.ask("DELETE", at, headers=self.revision(host, at)).status, 200)

    def test_a_file_that_defaults_need_stays(self):
        host = self.host("--web", "127.0.0.1:0")
        self.assertEqual(host.ask("PUT", "/api/files/ca.pem", pathlib.Path(__file__).read_text(), {"Content-Type": "application/octet-stream"}).status, 204)
        host.project.write_text(host.project.read_text().replace(
            "<instance", '<defaults module="websocket-client"><set name="tls-ca">ca.pem</set></defaults>\n<instance', 1))
        self.assertEqual(host.ask("POST", "/api/project/reload").status, 200)
        self.assertEqual(host.ask("GET", "/api/files").json[0]["usedBy"], ["the defaults of websocket-client"])
        self.assertEqual(host.ask("DELETE", "/api/files/ca.pem", headers=self.listed(host, "/api/files", "ca.pem")).status, 409)

    def test_the_project_is_called_what_it_says(self):
        host = self.host("--web", "127.0.0.1:0")
        xml = host.ask("GET", "/api/project")
        named = re.sub(r"<project[^>]*>", '<project name="Line 4">', xml.bytes.decode(), count=1)
        self.assertEqual(host.ask("PUT", "/api/project", named, {"If-Match": xml.headers["etag"], "Content-Type": "application/xml"}).status, 200)
        self.assertEqual(host.ask("GET", "/api/session").json["project"], "Line 4")
        self.assertEqual(host.ask("GET", "/api/system").json["project"]["name"], "Line 4")

    def test_a_row_takes_away_what_its_pattern_has(self):
        host = self.host("--web", "127.0.0.1:0")
        settings = host.ask("GET", "/api/instances/press").json["settings"]
        given = {**settings, "bearer-token": "opensesame"}
        self.assertEqual(host.ask("PUT", "/api/instances/press", {"settings": given}, self.revision(host, "/api/instances/press")).status, 200)
        rows = [{"name": "with", "settings": {}}, {"name": "without", "settings": {"bearer-token": ""}},
                {"name": "elsewhere", "settings": {"hostname": "127.0.0.2", "bearer-token": ""}}]
        made = host.ask("POST", "/api/instances/table", {"module": "websocket-client", "like": "press", "rows": rows})
        self.assertEqual(made.status, 201, made)
        has = {row["name"]: "bearer-token" in host.ask("GET", f"/api/instances/{row['name']}").json["settings"] for row in rows}
        self.assertEqual(has, {"with": True, "without": False, "elsewhere": False})

    def test_secrets_that_somebody_else_has_changed(self):
        host = self.host("--web", "127.0.0.1:0")
        put = lambda value, seen={}: host.ask("PUT", "/api/secrets/door", {"value": value}, seen).status
        remove = lambda seen={}: host.ask("DELETE", "/api/secrets/door", headers=seen).status
        self.assertEqual(put("one"), 204)
        seen = self.listed(host, "/api/secrets", "door")
        self.assertEqual((put("two"), remove()), (428, 428))
        self.assertEqual(put("one", seen), 204)
        self.assertNotEqual(self.listed(host, "/api/secrets", "door"), seen) # the same value is no reason to be the same: nobody can guess it so
        self.assertEqual((put("three", seen), remove(seen)), (412, 412))
        self.assertEqual(remove(self.listed(host, "/api/secrets", "door")), 204)
        self.assertEqual((put("four", seen), remove(seen)), (412, 404))


def take_arguments(given):
    PROGRAMS.iomhost, PROGRAMS.iompeer, PROGRAMS.modules, PROGRAMS.contract = given[1:5]
    CONTRACT.update(json.loads(pathlib.Path(given[4]).read_text()))


if __name__ == "__main__":
    take_arguments(sys.argv)
    if sys.argv[5:6] == ["--full-disk"]:
        inside = Editing("full_disk")
        try:
            inside.full_disk(sys.argv[6])
        finally:
            inside.doCleanups()
        sys.exit(0)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
