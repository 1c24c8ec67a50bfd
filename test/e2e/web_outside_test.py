"""The page on an address that others can reach: python3 web_outside_test.py IOMHOST IOMPEER MODULES CONTRACT [TEST …]

Runs in a network namespace of its own, which it makes; there 192.0.2.7 and 192.0.2.8 are addresses like any other's.
"""

import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import time
import unittest
import warnings

import web_test
from web_support import Answer, eventually
from web_test import PASSWORD, RANK, filled, routes

HERE, NEIGHBOUR = "192.0.2.7", "192.0.2.8"


def enter_namespace():
    """Runs this very program again where nothing but it is."""
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = f'ip link set lo up && ip addr add {HERE}/32 dev lo && ip addr add {NEIGHBOUR}/32 dev lo && exec "$@"'
    os.execvp("unshare", ["unshare", *rights, "--net", "sh", "-c", script, "sh", "env", "IOM_INSIDE=yes", sys.executable,
                          *sys.argv])


class Line:
    """Many requests on one connection, as a browser does it."""

    def __init__(self, host):
        self.host = host
        self.connection = host.connect()

    def ask(self, method, path, headers=None, body=None):
        headers = dict(headers or {})
        for _ in range(2):
            try:
                self.connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
                if method not in ("GET", "HEAD", "OPTIONS", "DELETE") or body is not None:
                    self.connection.putheader("Content-Length", str(len(body or b"")))
                for name, value in headers.items():
                    self.connection.putheader(name, value)
                self.connection.endheaders(body)
                return Answer(self.connection.getresponse())
            except (http.client.RemoteDisconnected, ConnectionError, http.client.CannotSendRequest):
                self.connection.close() # closed after the answer before
        raise AssertionError(f"{method} {path}: no answer")

    def close(self):
        self.connection.close()


class Outside(web_test.WebTest):
    def line(self, host):
        line = Line(host)
        self.addCleanup(line.close)
        return line

    def secretive_project(self, port=1):
        self.write_project(port)
        file = pathlib.Path(self.folder) / "line.xml"
        file.write_text(file.read_text().replace(
            '<set name="path">', '<set name="bearer-token">opensesame</set>\n    <set name="path">'))

    def tokens(self, host, session):
        made = {}
        for name, right in {"r": "read", "o": "operate", "c": "configure", "gone": "configure", "old": "configure"}.items():
            answer = host.ask("POST", "/api/tokens", {"name": name, "right": right, "days": 1}, session)
            self.assertEqual(answer.status, 201, answer)
            made[name] = (answer.json["token"], answer.json["info"]["id"])
        self.assertEqual(host.ask("DELETE", f"/api/tokens/{made['gone'][1]}", headers=session).status, 204)
        # A day is too long to wait: its end is moved in the file, as the host would find it after a start.
        file = pathlib.Path(self.folder) / "line.access"
        kept = json.loads(file.read_text())
        next(one for one in kept["tokens"] if one["name"] == "old")["expires"] = int(time.time() * 1000) - 1
        fresh = file.with_suffix(".fresh")
        fresh.write_text(json.dumps(kept))
        fresh.chmod(0o600)
        fresh.rename(file)
        return {name: token for name, (token, _) in made.items()}

    def closed(self, line, headers, suffix=""):
        """Every route, and what is no route, answers 401 and tells nothing."""
        telling = re.compile(rb"press|Line 3|line\.xml|STROKE|Count|strokes|opensesame|websocket-client|0\.\d+\.\d+")
        every = [(method, filled(path), operation["x-right"]) for method, path, operation in routes()]
        every += [("GET", "/api/nothing", "read"), ("PATCH", "/api/instances", "read"), ("OPTIONS", "/api/system", "read"),
                  ("GET", "/api", "read"), ("GET", "/api/instances/other", "read"), ("HEAD", "/api/system", "read")]
        for method, path, right in every:
            with self.subTest(f"{method} {path} {headers}"):
                answer = line.ask(method, path + suffix, headers)
                self.assertIsNone(telling.search(answer.bytes) if path not in ("/", "/index.html") else None, answer)
                self.assertIsNone(telling.search(str(answer.headers).encode()), answer.headers)
                if right == "public":
                    self.assertIn(answer.status, (200, 400, 401, 403, 409, 415, 422, 429, 501), answer)
                    continue
                self.assertEqual(answer.status, 401, answer)
                if method != "HEAD":
                    self.assertEqual(answer.json, {"error": "unauthorised", "sentence": "Log in first."})

    def test_every_route_is_closed_to_strangers(self):
        self.secretive_project()
        host = self.host("--web", f"{HERE}:0", "--web-plain")
        line = self.line(host)
        self.closed(line, {}) # no password yet
        first = host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": host.code()})
        session = {"Cookie": first.headers["set-cookie"].split(";")[0], "Origin": host.origin}
        tokens = self.tokens(host, session)
        session = self.log_in(host) # the file was changed by somebody, which ends sessions
        ended = self.log_in(host)
        self.assertEqual(host.ask("DELETE", "/api/session", headers=ended).status, 204)
        value = session["Cookie"].split("=", 1)[1]
        before = host.project.read_text()
        for headers in ({}, {"Authorization": "Bearer iom_wrong"}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"},
                        {"Authorization": f"Bearer {tokens['gone']}"}, {"Authorization": f"Bearer {tokens['old']}"},
                        {"Authorization": f"Basic {tokens['c']}"}, {"Authorization": tokens["c"]},
                        {"Authorization": f"Bearer {value}"}, {"Cookie": "iom-session=wrong"}, {"Cookie": "iom-session="},
                        {"Cookie": f"iom-session={tokens['c']}"}, {"Cookie": ended["Cookie"]},
                        {"Cookie": f"other={value}"}, {"Authorization": "Bearer iom_wrong", "Cookie": session["Cookie"]}):
            self.closed(line, headers)
            self.assertEqual(self.channel(host, headers).status, 401)
        for name in ("token", "access_token", "authorization", "iom-session"):
            for value in (tokens["c"], f"Bearer%20{tokens['c']}"):
                self.closed(line, {}, f"?{name}={value}")
        self.assertEqual(host.project.read_text(), before)
        said = "\n".join(host.lines["out"] + host.lines["err"])
        for token in tokens.values():
            self.assertNotIn(token, said)

    def test_who_has_a_right_has_it_and_no_other(self):
        self.secretive_project()
        self.set_password()
        host = self.host("--web", f"{HERE}:0", "--web-plain")
        tokens = self.tokens(host, self.log_in(host))
        line = self.line(host)
        left_out = {"openChannel", "logOut", "setPassword", "generateCertificate", "saveCertificate"}
        for name, right in {"r": "read", "o": "operate", "c": "configure"}.items():
            headers = {"Authorization": f"Bearer {tokens[name]}"}
            for method, path, operation in routes():
                if operation["operationId"] in left_out:
                    continue
                with self.subTest(f"{right}: {method} {path}"):
                    # Without the body that it takes nothing is done; who may is told so by another status.
                    answer = line.ask(method, filled(path).replace("/1", "/99"), headers)
                    if RANK[operation["x-right"]] > RANK[right]:
                        self.assertEqual((answer.status, answer.json["error"]), (403, "forbidden"), answer)
                    else:
                        self.assertNotIn(answer.status, (401, 403, 500), answer)
                    self.assertNotIn(b"opensesame", answer.bytes)
            channel = self.channel(host, headers)
            self.assertEqual((channel.status, channel.hear()["rights"][-1]), (101, right))

    def test_https_by_itself_and_plain_only_when_asked(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", f"{HERE}:0")
        self.assertTrue(host.https)
        pem = ssl.get_server_certificate((HERE, host.port), timeout=20)
        context = ssl.create_default_context(cadata=pem) # whoever has seen it once can hold on to it, name and all
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        with socket.create_connection((HERE, host.port), 20) as raw, \
                context.wrap_socket(raw, server_hostname=HERE) as secured:
            self.assertIn(secured.version(), ("TLSv1.2", "TLSv1.3"))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname = False
        old.verify_mode = ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        with socket.create_connection((HERE, host.port), 20) as raw, self.assertRaises(OSError):
            old.wrap_socket(raw).close()
        with socket.create_connection((HERE, host.port), 20) as raw:
            raw.sendall(b"GET /api/session HTTP/1.1\r\nHost: 192.0.2.7\r\n\r\n")
            said = b""
            try:
                while some := raw.recv(4096):
                    said += some
            except ConnectionResetError:
                pass
            self.assertNotIn(b"HTTP/1.1 200", said)
        session = self.log_in(host)
        self.assertEqual(host.ask("GET", "/api/system", headers=session).status, 200)
        self.assertNotIn("strict-transport-security", host.ask("GET", "/api/session").headers)
        self.assertEqual(self.channel(host, {**session, "Host": f"{HERE}:{host.port}"}).status, 101)
        key = json.loads((pathlib.Path(self.folder) / "line.access").read_text())["certificateKey"].split("\n")[1]
        for path in ("/api/certificate", "/api/system", "/api/support-bundle", "/api/log/download"):
            self.assertNotIn(key.encode(), host.ask("GET", path, headers=session).bytes)
        host.stop()
        again = self.host("--web", f"{HERE}:0")
        self.assertEqual(ssl.get_server_certificate((HERE, again.port), timeout=20), pem) # the same after a start
        again.stop()
        self.assertFalse(self.host("--web", f"{HERE}:0", "--web-plain").https)

    def openssl(self, *argv):
        done = subprocess.run(["openssl", *argv], cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def issued(self):
        """A root, what it signed, and what that signed for HERE; with keys in every form that openssl writes."""
        folder = pathlib.Path(self.folder)
        signer = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"]
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.crt", "-days", "9",
                     "-subj", "/CN=Root of the plant", *signer)
        (folder / "middle.ext").write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        (folder / "leaf.ext").write_text(f"subjectAltName=IP:{HERE}\n")
        certificates, keys = {}, {}
        for name, by, kind in (("middle", "root", ["rsa:2048"]), ("ec", "middle", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
                               ("rsa", "middle", ["rsa:2048"])):
            self.openssl("req", "-newkey", *kind, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
            self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial",
                         "-days", "9", "-extfile", "middle.ext" if name == "middle" else "leaf.ext", "-out", f"{name}.crt")
            certificates[name] = (folder / f"{name}.crt").read_text()
            keys[name] = (folder / f"{name}.key").read_text()
        parameters = self.openssl("ecparam", "-name", "prime256v1")
        plain = self.openssl("ec", "-in", "ec.key")
        text = self.openssl("x509", "-in", "ec.crt", "-text")
        self.assertIn("BEGIN PRIVATE KEY", keys["ec"] + keys["rsa"])
        return (folder / "root.crt").read_text(), {
            "PKCS #8": (certificates["ec"] + certificates["middle"], keys["ec"]),
            "SEC 1": (certificates["ec"] + certificates["middle"], plain),
            "SEC 1 behind its parameters": (certificates["ec"] + certificates["middle"], parameters + plain),
            "RSA in PKCS #8": (certificates["rsa"] + certificates["middle"], keys["rsa"]),
            "RSA in PKCS #1": (certificates["rsa"] + certificates["middle"], self.openssl("rsa", "-in", "rsa.key", "-traditional")),
            "text before each": ("Subject: something\n" + text + "and more\n" + certificates["middle"], "Key:\n" + keys["ec"]),
            "lines of Windows": ((certificates["ec"] + certificates["middle"]).replace("\n", "\r\n"),
                                 keys["ec"].replace("\n", "\r\n")),
        }

    def shown(self, host, trusted):
        """The certificate that somebody is shown who trusts nobody but `trusted`."""
        context = ssl.create_default_context(cadata=trusted)
        try:
            with socket.create_connection((HERE, host.port), 20) as raw, \
                    context.wrap_socket(raw, server_hostname=HERE) as secured:
                return hashlib.sha256(secured.getpeercert(True)).hexdigest()
        except OSError:
            return None

    def test_certificates_as_others_make_them(self):
        self.write_project()
        self.set_password()
        root, pairs = self.issued()
        host = self.host("--web", f"{HERE}:0")
        session = self.log_in(host)
        for name, (certificate, key) in pairs.items():
            with self.subTest(name):
                generated = host.ask("DELETE", "/api/certificate", headers=session).json["fingerprint"]
                eventually("the generated one is shown", lambda: self.offered(host) == generated)
                answer = host.ask("PUT", "/api/certificate", {"certificate": certificate, "key": key}, session)
                self.assertEqual(answer.status, 200, answer)
                eventually("trusted through the whole chain", lambda: self.shown(host, root) == answer.json["fingerprint"])
        for certificate, key, at in ((pairs["PKCS #8"][0], pairs["RSA in PKCS #8"][1], "/key"), ("none", "none", "/certificate"),
                                     (pairs["PKCS #8"][0][:-40], pairs["PKCS #8"][1], "/certificate")):
            refused = host.ask("PUT", "/api/certificate", {"certificate": certificate, "key": key}, session)
            self.assertEqual((refused.status, refused.json["mistakes"][0]["at"]), (422, at), refused)
        self.assertEqual(self.shown(host, root), answer.json["fingerprint"])
        self.assertIn("strict-transport-security", host.ask("GET", "/api/session").headers)
        self.assertEqual(host.stop(), 0)
        again = self.host("--web", f"{HERE}:0")
        self.assertEqual(self.shown(again, root), answer.json["fingerprint"])

    def test_a_certificate_that_cannot_be_served_stops_no_rule(self):
        self.write_project()
        self.set_password()
        self.host("--web", f"{HERE}:0").stop()
        file = pathlib.Path(self.folder) / "line.access"
        kept = json.loads(file.read_text())
        for certificate, key in ((kept["certificate"], "none"), ("none", kept["certificateKey"])):
            file.write_text(json.dumps({**kept, "certificate": certificate, "certificateKey": key, "generated": False}))
            host = self.host("--web", f"{HERE}:0")
            host.wait("err", "the certificate of the web page cannot be served")
            facts = host.ask("GET", "/api/certificate", headers=self.log_in(host)).json
            self.assertTrue(facts["generated"])
            self.assertEqual(self.offered(host), facts["fingerprint"])
            host.stop()

    def offered(self, host):
        try:
            pem = ssl.get_server_certificate((HERE, host.port), timeout=20)
        except OSError:
            return None
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    def test_the_code_of_the_console(self):
        host = self.host("--web", f"{HERE}:0", "--web-plain")
        code = host.code()
        self.assertRegex(code, r"^\d{4}-\d{4}-\d{4}$")
        self.assertNotIn(code, "\n".join(host.lines["err"]))
        give = lambda said, password=PASSWORD: host.ask("POST", "/api/password/first", {"password": password, "code": said})
        for wrong in ("", "0000-0000-0000", code[:-1], code + "0"):
            self.assertEqual(give(wrong).status, 403)
        self.assertEqual(give(code).status, 200)
        self.assertEqual(give(code, "another pass phrase").status, 409)
        self.assertEqual(host.ask("POST", "/api/session", {"password": "another pass phrase"}).status, 401)
        host.stop()
        other = self.host("--web", f"{HERE}:0", "--web-plain")
        self.assertEqual([line for line in other.lines["out"] if "code" in line], [])

    def test_guessing_the_code_is_slowed(self):
        host = self.host("--web", f"{HERE}:0", "--web-plain")
        for _ in range(5):
            self.assertEqual(host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": "0"}).status, 403)
        refused = host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": host.code()})
        self.assertEqual(refused.status, 429)
        self.assertTrue(1 <= int(refused.headers["retry-after"]) <= 60)

    def test_who_guesses_locks_out_nobody_else(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", f"{HERE}:0", "--web-plain")
        for _ in range(5):
            self.assertEqual(host.ask("POST", "/api/session", {"password": "wrong"}).status, 401)
        self.assertEqual(host.ask("POST", "/api/session", {"password": PASSWORD}).status, 429)
        host.source = NEIGHBOUR
        self.assertEqual(host.ask("POST", "/api/session", {"password": PASSWORD}).status, 200)

    def test_names_that_do_not_lead_here(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", f"{HERE}:0", "--web-plain", "--web-name", "press.plant.example")
        session = self.log_in(host)
        for name, status in {HERE: 200, f"{HERE}:{host.port}": 200, "press.plant.example": 200, "10.1.2.3": 200,
                             "[2001:db8::1]:80": 200, "localhost": 403, "evil.example": 403, "192.0.2.7.evil.example": 403,
                             "press.plant.example.evil.example": 403, "192.0.2.7@evil.example": 403, "": 403}.items():
            with self.subTest(name):
                self.assertEqual(host.ask("GET", "/api/system", headers={"Cookie": session["Cookie"], "Host": name}).status,
                                 status)
                if status == 403:
                    self.assertEqual(self.channel(host, {**session, "Host": name}).status, 403)

    def test_proxies_without_a_password(self):
        host = self.host("--web", f"{HERE}:0", "--web-plain")
        for header in ("Forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Forwarded-Client-Cert", "Via"):
            with self.subTest(header):
                for path in ("/api/session", "/api/system", "/"):
                    self.assertEqual(host.ask("GET", path, headers={header: "for=10.0.0.1"}).status, 403)
                first = host.ask("POST", "/api/password/first", {"password": PASSWORD, "code": host.code()}, {header: "x"})
                self.assertEqual(first.status, 403)

    def test_what_the_page_may_load(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", f"{HERE}:0", "--web-plain")
        pages = ["/", "/api/session", "/api/nothing", "/nothing", *re.findall(
            r'(?:src|href)="(/[^"]+)"', host.ask("GET", "/").bytes.decode())]
        for path in pages:
            with self.subTest(path):
                headers = host.ask("GET", path).headers
                policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
                self.assertEqual(policy, {"default-src": "'self'", "base-uri": "'none'", "form-action": "'none'",
                                          "frame-ancestors": "'none'"})
                self.assertEqual(headers["x-content-type-options"], "nosniff")
                self.assertEqual(headers["referrer-policy"], "no-referrer")
                self.assertNotIn("access-control-allow-origin", headers)
        text = host.ask("GET", "/").bytes.decode()
        self.assertNotRegex(text, r"<script(?![^>]*\bsrc=)|\son\w+=|style=|https?://")


class Clock(web_test.WebTest):
    """With a clock that can be moved; libfaketime moves it."""

    def moved(self, *options, start=0, **environment):
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        self.clock = pathlib.Path(self.folder) / "clock"
        self.move(start)
        return self.host(*options, environment={
            **os.environ, "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(self.clock), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DISABLE_SHM": "1", "NO_FAKE_STAT": "1", **environment})

    def move(self, seconds):
        fresh = self.clock.with_suffix(".fresh")
        fresh.write_text(f"{seconds:+}\n")
        fresh.rename(self.clock)

    def test_a_certificate_from_a_wrong_clock(self):
        self.write_project()
        self.set_password()
        day, now = 86400, time.time()

        def start(moved, *options):
            host = self.moved("--web", f"{HERE}:0", *options, start=moved, FAKETIME_DONT_FAKE_MONOTONIC="1")
            facts = host.ask("GET", "/api/certificate", headers=self.log_in(host)).json
            made = [line for line in host.lines["err"] if facts["fingerprint"] in line]
            self.assertEqual(host.stop(), 0)
            return facts, made

        first, made = start(-int(now) + 3600) # 1970: no controller is that old
        self.assertTrue(made)
        self.assertLess(first["notBefore"] / 1000, now)
        self.assertGreater(first["notAfter"] / 1000, 2035 * 365.25 * day - 1970 * 365.25 * day)
        self.assertEqual(start(-int(now) + 3600), (first, [])) # that clock proves nothing later, either
        late, made = start(4000 * day)
        self.assertTrue(made)
        self.assertGreater(late["notBefore"] / 1000, now + 3990 * day)
        right, made = start(0)
        self.assertTrue(made)
        self.assertLess(right["notBefore"] / 1000, now)
        self.assertGreater(right["notAfter"] / 1000, now + 3600 * day)
        self.assertEqual(start(0), (right, []))
        self.assertEqual(start(-int(now) + 3600), (right, []))
        named, made = start(0, "--web-name", "press.plant.example")
        self.assertIn("does not name press.plant.example", made[0])
        self.assertIn("press.plant.example", named["names"])
        self.assertEqual(start(0), (named, [])) # one name more does no harm

    def test_sessions_end(self):
        self.write_project()
        self.set_password()
        host = self.moved("--web", f"{HERE}:0", "--web-plain")
        alive = lambda session, **more: host.ask("GET", "/api/system", headers={**session, **more}).status
        used, forgotten, idle = self.log_in(host), self.log_in(host), self.log_in(host)
        now = 0
        while now < 42_000: # half an hour is never full for one
            now += 1750
            self.move(now)
            self.assertEqual(alive(used), 200, now)
            if now < 2000:
                # What a page asks by itself, and its channel, are no use of a session.
                self.assertEqual(alive(idle, **{"X-Iom-Idle": "1"}), 200)
                self.assertEqual(self.channel(host, idle).status, 101)
        self.assertEqual((alive(forgotten), alive(idle)), (401, 401))
        self.assertEqual(self.channel(host, idle).status, 401)
        self.move(12 * 3600 + 1)
        self.assertEqual(alive(used), 401)
        self.assertEqual(alive(self.log_in(host)), 200)

    def test_guessing_may_go_on_when_it_says(self):
        self.write_project()
        self.set_password()
        host = self.moved("--web", f"{HERE}:0", "--web-plain")
        for _ in range(5):
            self.assertEqual(host.ask("POST", "/api/session", {"password": "wrong"}).status, 401)
        refused = host.ask("POST", "/api/session", {"password": PASSWORD})
        self.assertEqual(refused.status, 429)
        wait = int(refused.headers["retry-after"])
        self.assertEqual(refused.json["retryAfter"], wait)
        self.move(wait - 10)
        self.assertEqual(host.ask("POST", "/api/session", {"password": PASSWORD}).status, 429)
        self.move(wait + 1)
        self.log_in(host)

    def test_who_is_slow_holds_nobody_up(self):
        self.write_project()
        self.set_password()
        host = self.moved("--web", "0.0.0.0:0", "--web-plain")
        head = b"POST /api/session HTTP/1.1\r\nHost: 192.0.2.7\r\nContent-Type: application/json\r\n"
        slow = [b"", b"G", head, head + b"X-A: b\r\n c\r\n", head + b"Content-Length: 4000\r\n\r\n", # a part of a request …
                head + b"Content-Length: 4000\r\n\r\n{", b"CONNECT / HTTP/1.1\r\nHost: 192.0.2.7\r\n\r\n",
                head + b"Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n"] # … or one and a half
        lines = []
        for number in range(160):
            line = socket.create_connection((HERE, host.port), 20, (NEIGHBOUR, 0))
            self.addCleanup(line.close)
            line.settimeout(20)
            try:
                line.sendall(slow[number % len(slow)])
            except ConnectionError:
                pass # one too many
            lines.append(line)
        host.source = HERE
        self.assertEqual(host.ask("GET", "/api/session", address=HERE).status, 200)
        session = self.log_in(host)
        self.move(25)
        for line in lines: # each of them is sent away
            try:
                while line.recv(4096):
                    pass
            except ConnectionError:
                pass
        host.source = NEIGHBOUR
        self.assertEqual(host.ask("GET", "/api/system", headers={"Cookie": session["Cookie"]}, address=HERE).status, 200)

    def test_a_token_ends_on_its_day(self):
        self.write_project()
        self.set_password()
        host = self.moved("--web", f"{HERE}:0", "--web-plain", FAKETIME_DONT_FAKE_MONOTONIC="1")
        made = host.ask("POST", "/api/tokens", {"name": "day", "right": "read", "days": 1}, self.log_in(host)).json
        token = {"Authorization": f"Bearer {made['token']}"}
        channel = self.channel(host, token)
        channel.say({"type": "subscribe", "id": 1, "topic": "modules"})
        channel.until(lambda message: message["type"] == "full")
        self.move(86_300)
        self.assertEqual(host.ask("GET", "/api/system", headers=token).status, 200)
        self.move(86_401)
        self.assertEqual(host.ask("GET", "/api/system", headers=token).status, 401)
        self.assertEqual(channel.until(lambda message: message["type"] == "bye")["reason"], "session-ended")


if __name__ == "__main__":
    if "IOM_INSIDE" not in os.environ:
        enter_namespace()
    web_test.take_arguments(sys.argv)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
