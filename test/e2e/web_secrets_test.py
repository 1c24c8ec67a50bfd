"""Secrets and the web interface: python3 web_secrets_test.py IOMHOST IOMPEER MODULES CONTRACT [TEST …]

Where stored ones may go, who may send them there, and that nothing that is told has them or a part of them in it.
"""

import gzip
import json
import os
import pathlib
import socket
import sys
import threading
import unittest
import unittest.mock

import web_test
from web_support import PROJECT, Program, eventually

SECRET = "Zq7TOPSECRET"


class Listener:
    """A server that takes whatever comes, answers nothing, and keeps the first lines of it."""

    def __init__(self):
        self.seen = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    self.seen.append(connection.recv(65536).decode())
                except OSError:
                    self.seen.append("")

    def close(self):
        self.socket.close()


class Secrets(web_test.WebTest):
    def host_with(self, settings="", rules="", secrets=f"vault = {SECRET}\n", **more):
        file = pathlib.Path(self.folder) / "line.xml"
        text = PROJECT.format(port=more.pop("port", 1))
        file.write_text(text.replace('<set name="path">', settings + '<set name="path">').replace("</project>", rules + "</project>"))
        kept = file.with_suffix(".secrets")
        kept.touch(0o600)
        kept.write_text(secrets)
        return self.host("--web", "127.0.0.1:0", **more)

    def listener(self):
        made = Listener()
        self.addCleanup(made.close)
        return made

    def peer(self):
        peer = Program(web_test.PROGRAMS.iompeer, "--port", "0")
        self.addCleanup(peer.kill)
        return int(peer.wait("out", r"^ready (\d+)$")[1])

    def token(self, host, right, name=None):
        made = host.ask("POST", "/api/tokens", {"name": name or right, "right": right})
        return {"Authorization": "Bearer " + made.json["token"]}

    def seen(self, host, path):
        return {"If-Match": host.ask("GET", path).headers["etag"]}

    def seen_secret(self, host, name):
        return {"If-Match": f'"{next(one["revision"] for one in host.ask("GET", "/api/secrets").json if one["name"] == name)}"'}

    def ready(self, host, name="press"):
        eventually(f"{name} is ready", lambda: host.ask("GET", f"/api/instances/{name}").json["summary"]["state"] == "ready")

    def told(self, host):
        """All that is told of a host, by where."""
        paths = ("/api/instances", "/api/instances/press", "/api/instances/press/text", "/api/rules", "/api/project", "/api/log",
                 "/api/log/download", "/api/frames", "/api/trace", "/api/support-bundle", "/api/system", "/metrics")
        all = {path: host.ask("GET", path).bytes for path in paths}
        all["/api/support-bundle"] = gzip.decompress(all["/api/support-bundle"])
        all["stderr"] = "\n".join(host.lines["err"]).encode()
        for topic in ("modules", "instance", "rules", "log", "frames", "trace"):
            channel = self.channel(host)
            about = {"instance": "press"} if topic == "instance" else {}
            channel.say({"type": "subscribe", "id": 1, "topic": topic, **about})
            heard = channel.until(lambda message: message["type"] not in ("hello", "subscribed"))
            all["channel " + topic] = json.dumps(heard).encode()
            channel.close()
        return all

    def test_a_stored_one_goes_by_its_name_only_to_where_it_is_used(self):
        there, here = self.listener(), self.listener()
        host = self.host_with(settings='<set name="headers"><item>X-Key: ${secret:vault}</item></set><set name="connect-at-startup">false</set>',
                              secrets=f"vault = {SECRET}\nother = swordfish\n", port=here.port,
                              environment={**os.environ, "IOM_VAULT": "ENVSECRET77"})
        operate = self.token(host, "operate")
        draft = {"name": "evil", "module": "websocket-client",
                 "settings": {"hostname": "127.0.0.1", "port": str(there.port), "connect-at-startup": "false", "auto-reconnect": "false"}}
        self.assertEqual(host.ask("POST", "/api/instances", draft).status, 201)
        connect = lambda name, token, who: host.ask("POST", f"/api/instances/{name}/actions/connect?wait=5", {"arguments": {"bearer-token": token}}, who)
        for name, token, sentence in (("evil", "${secret:vault}", "is not used where evil leads"), ("press", "${secret:other}", "is not used"),
                                      ("evil", "${secret:nothing}", "is not used"), ("press", "${env:IOM_VAULT}", "not given to an action")):
            refused = connect(name, token, operate)
            self.assertEqual((refused.status, refused.json["mistakes"][0]["at"]), (422, "/arguments/bearer-token"), refused)
            self.assertIn(sentence, refused.json["sentence"])
        connect("press", "${secret:vault}", operate)
        eventually("it goes to where it is used", lambda: any("Bearer " + SECRET in one for one in here.seen))
        # Who has just given it knows it, and may send it anywhere; nobody else may because of that.
        self.assertEqual(host.ask("PUT", "/api/secrets/vault", {"value": "thirdone"}, self.seen_secret(host, "vault")).status, 204)
        self.assertEqual(connect("evil", "${secret:vault}", operate).status, 422)
        self.assertEqual(there.seen, [])
        self.assertIn(connect("evil", "${secret:vault}", {}).status, (200, 202))
        eventually("it goes", lambda: any("Bearer thirdone" in one for one in there.seen))

    def test_what_a_cut_shows_tells_nothing_of_a_secret(self):
        host = self.host_with(settings='<set name="headers"><item>X-Key: ${secret:vault}</item></set>', port=self.peer())
        self.ready(host)
        def shown(guess):
            message = "-" * (4096 - len(guess)) + guess + "?" * 50
            count = len(host.ask("GET", "/api/frames?limit=1000").json["frames"])
            sent = host.ask("POST", "/api/instances/press/actions/send-message?wait=20", {"arguments": {"message": message}})
            self.assertEqual(sent.json["state"], "done", sent)
            frames = eventually("both frames", lambda: (lambda all: len(all) >= count + 2 and all)(
                [one for one in host.ask("GET", "/api/frames?limit=1000").json["frames"]]))
            statuses = lambda: host.ask("GET", "/api/instances/press").json["statuses"]
            eventually("it came back", lambda: statuses()["messages-received"]["value"] == statuses()["messages-sent"]["value"])
            return [one["payload"] for one in frames[-2:]] + [statuses()[id]["value"] for id in ("last-sent", "last-received")]
        right, wrong = shown("Zq7TOP"), shown("Zq7TOX")
        self.assertEqual(right, wrong)
        for payload in right:
            self.assertRegex(payload, "^-{4000,}$")
        self.assertEqual(host.ask("GET", "/api/instances/press").json["statuses"]["last-sent"]["cut"], True)

    def test_no_part_of_one_that_was_sent_is_told(self):
        def send(name, before):
            return (f'<rule name="{name}"><on trigger="host/manual"/><do action="press/send-message"><arg name="message">{"-" * before}'
                    '${secret:vault}tail</arg></do></rule>')
        rules = (send("whole", 200) + send("cut", 4088) + send("short", 150) + send("kept", 1010) +
                 '<rule name="Keep"><on trigger="press/message-received"/><do action="host/set"><arg name="variable">text</arg>'
                 '<arg name="value">${message}</arg></do></rule><variable name="text" type="text" value=""/>')
        host = self.host_with(rules=rules, port=self.peer())
        self.ready(host)
        status = lambda id: host.ask("GET", "/api/instances/press").json["statuses"][id]["value"]
        for number, name in enumerate(("whole", "cut", "short", "kept"), 1):
            self.assertEqual(host.ask("POST", f"/api/rules/{name}/fire").status, 200)
            eventually("it came back", lambda: status("messages-received") == number)
            for place, all in self.told(host).items():
                for size in range(len(SECRET), 2, -1):
                    self.assertNotIn(SECRET[:size].encode(), all, (name, place))
        self.assertIn("***tail", host.ask("GET", "/api/frames").bytes.decode())
        events = host.ask("GET", "/api/trace").json["events"]
        for event in events:
            replayed = host.ask("POST", f"/api/trace/{event['number']}/replay", {})
            self.assertNotIn(SECRET[:3], replayed.bytes.decode())

    def test_what_actions_are_given_neither_fills_memory_nor_blots_the_log(self):
        # AddressSanitizer keeps what was freed; here the memory is what counts.
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1")))
        with unittest.mock.patch.dict(os.environ, {"ASAN_OPTIONS": options}):
            host = self.host_with(settings='<set name="connect-at-startup">false</set>')
        connect = lambda token: host.ask("POST", "/api/instances/press/actions/connect?wait=5", {"arguments": {"bearer-token": token}})
        resident = lambda: host.ask("GET", "/api/system").json["memory"]["resident"]
        self.assertIn(connect("e").status, (200, 202))
        self.assertIn("refused", host.ask("GET", "/api/instances/press").json["summary"]["lastError"])
        before = resident()
        for number in range(14):
            refused = connect(chr(65 + number) * 4_000_000)
            self.assertEqual((refused.status, refused.json["mistakes"][0]["at"]), (422, "/arguments/bearer-token"))
        self.assertIn("8192", refused.json["sentence"])
        self.assertLess(resident() - before, 64 << 20)
        self.assertIn(connect("x" * 8192).status, (200, 202))

    def test_rules_lead_none_elsewhere(self):
        there, here = self.listener(), self.listener()
        rule = {"name": "Fetch", "enabled": True, "stop": False, "on": [{"trigger": "host/manual"}], "when": [],
                "do": [{"action": "host/http", "arguments": {"method": "POST", "url": f"http://127.0.0.1:{here.port}/login", "body": "${secret:vault}"}}]}
        when = '<when value="${secret:vault}" contains="TOP"/>'
        host = self.host_with(rules=f'<rule name="Fetch"><on trigger="host/manual"/><do action="host/http"><arg name="method">POST</arg>'
                                    f'<arg name="url">{rule["do"][0]["arguments"]["url"]}</arg><arg name="body">${{secret:vault}}</arg></do></rule>'
                                    f'<rule name="Asks"><on trigger="host/manual"/>{when}<do action="host/log"><arg name="message">x</arg></do></rule>')
        def save(draft, name="Fetch"):
            return host.ask("PUT", f"/api/rules/{name}", draft, self.seen(host, f"/api/rules/{name}"))
        to = lambda url, **more: {**rule, "do": [{"action": "host/http", "arguments": {**rule["do"][0]["arguments"], "url": url, **more}}]}
        for draft in (to(f"http://127.0.0.1:{there.port}/login"), to(f"https://127.0.0.1:{here.port}/login"), to("${host/strokes}"),
                      {**rule, "do": [{"action": "host/log", "arguments": {"message": "${secret:vault}"}}]},
                      to(f"http://127.0.0.1:{here.port}/login", **{"tls-verify": "false"})):
            asked = save(draft)
            self.assertEqual((asked.status, asked.json.get("needsSecrets")), (422, ["rule Fetch"]), asked)
        self.assertEqual(save(to(f"http://127.0.0.1:{here.port}/other?x=1")).status, 200)
        self.assertEqual(host.ask("POST", "/api/rules/Fetch/fire").status, 200)
        eventually("it goes on", lambda: any(SECRET in one for one in here.seen))
        asks = {"name": "Asks", "on": [{"trigger": "host/manual"}], "when": [{"value": "${secret:vault}", "contains": "TOP"}],
                "do": [{"action": "host/log", "arguments": {"message": "x"}}]}
        for draft in ({**asks, "when": [{"value": "${secret:vault}", "contains": "TOPS"}]},
                      {**asks, "when": [{"value": "${secret:vault}", "is": "TOP"}]},
                      {**asks, "on": [{"trigger": "press/ready"}]}):
            asked = save(draft, "Asks")
            self.assertEqual((asked.status, asked.json.get("needsSecrets")), (422, ["rule Asks"]), asked)
        self.assertEqual(save({**asks, "do": [{"action": "host/log", "arguments": {"message": "y"}}]}, "Asks").status, 200)
        self.assertEqual(host.ask("POST", "/api/rules/Asks/duplicate", {"name": "Asks too"}).status, 201)
        self.assertEqual(there.seen, [])

    def test_given_anew_counts_for_who_has_given_it(self):
        there = self.listener()
        host = self.host_with(settings='<set name="bearer-token">${secret:vault}</set><set name="connect-at-startup">false</set>')
        alice, bob = self.token(host, "configure", "alice"), self.token(host, "configure", "bob")
        settings = {"hostname": "127.0.0.1", "port": str(there.port), "bearer-token": "${secret:vault}", "path": "/echo", "connect-at-startup": "false"}
        save = lambda who: host.ask("PUT", "/api/instances/press?check=true", {"settings": settings}, {**who, **self.seen(host, "/api/instances/press")}).json
        give = lambda value, who: host.ask("PUT", "/api/secrets/vault", {"value": value}, {**who, **self.seen_secret(host, "vault")}).status
        self.assertEqual(give("alices own", alice), 204)
        self.assertEqual(save(bob)["needsSecrets"], ["bearer-token"])
        self.assertEqual(save({})["needsSecrets"], ["bearer-token"])
        self.assertTrue(save(alice)["ok"])
        self.assertEqual(give("bobs own", bob), 204) # now it is not what Alice has given
        self.assertEqual(save(alice)["needsSecrets"], ["bearer-token"])
        self.assertTrue(save(bob)["ok"])

    def test_one_that_says_where_a_line_leads_leads_no_other_elsewhere(self):
        host = self.host_with(settings='<set name="proxy">http://u:${secret:pass}@127.0.0.1:3128</set><set name="bearer-token">${secret:vault}</set>'
                                       '<set name="connect-at-startup">false</set>',
                              secrets=f"vault = {SECRET}\nby = 127.0.0.1\npass = swordfish\n")
        file = host.project
        file.write_text(file.read_text().replace('<set name="hostname">127.0.0.1</set>', '<set name="hostname">${secret:by}</set>'))
        self.assertEqual(host.ask("POST", "/api/project/reload").status, 200)
        give = lambda name, value: host.ask("PUT", f"/api/secrets/{name}", {"value": value}, self.seen_secret(host, name))
        asked = give("by", "127.0.0.2")
        self.assertEqual((asked.status, asked.json["needsSecrets"]), (422, ["proxy", "bearer-token"]), asked)
        self.assertIn("by = 127.0.0.1\n", (host.folder / "line.secrets").read_text())
        self.assertEqual(give("pass", "other").status, 204) # leads nowhere else
        self.assertEqual(give("vault", "thirdone").status, 204)
        self.assertEqual(give("by", "127.0.0.2").status, 204)

    def test_those_written_into_proxies_headers_and_comments(self):
        literal = ('<set name="proxy">http://u:LITERAL2@127.0.0.1:9</set><set name="headers">'
                   '<item>X-Key: LITERAL3</item><item>Authorization: Digest LITERAL4</item><item>X-Site: hall 7</item></set>'
                   '<set name="extended-logging">true</set>')
        rules = ('<rule name="Con"><on trigger="host/manual"/><do action="press/connect"><arg name="bearer-token">LITERAL5</arg></do>'
                 '<do action="host/http"><arg name="url">http://127.0.0.1:9/</arg><arg name="headers"><item>Cookie: LITERAL6</item></arg></do></rule>'
                 '<!-- once LITERAL2, now LITERAL3 -->')
        host = self.host_with(settings=literal, rules=rules)
        host.ask("GET", "/api/instances")
        self.assertEqual(host.ask("POST", "/api/rules/Con/fire").status, 200)
        eventually("it has failed", lambda: "lastError" in host.ask("GET", "/api/instances/press").json["summary"])
        for place, all in self.told(host).items():
            self.assertNotIn(b"LITERAL", all, place)
        self.assertIn(b"<!-- once ***, now *** -->", host.ask("GET", "/api/project").bytes)
        here = host.ask("GET", "/api/instances/press").json["settings"]
        self.assertEqual(here["proxy"], "http://u:${secret:press-proxy}@127.0.0.1:9")
        self.assertEqual(here["headers"], ["X-Key: ${secret:press-headers-X-Key}",
                                           "Authorization: Digest ${secret:press-headers-Authorization}", "X-Site: hall 7"])
        def save(settings, check=""):
            return host.ask("PUT", "/api/instances/press" + check, {"settings": settings}, self.seen(host, "/api/instances/press"))
        # What is shown as a reference is kept when the form is saved, and asked for when it is led elsewhere.
        for changed in ({"hostname": "127.0.0.2"}, {"proxy": "http://u:${secret:press-proxy}@127.0.0.2:9"}):
            self.assertIn("headers", save({**here, **changed}).json["needsSecrets"])
        trial = host.ask("POST", "/api/instances/press/test", {"settings": {**here, "path": "/other"}})
        self.assertEqual(trial.status, 202, trial)
        self.assertEqual(save({**here, "path": "/other"}, "?check=true").json["ok"], True)
        self.assertEqual(host.project.read_text().count("LITERAL"), 7)
        saved = save({**here, "path": "/other"})
        self.assertEqual(saved.status, 200, saved)
        text, kept = host.project.read_text(), (host.folder / "line.secrets").read_text()
        self.assertIn("X-Key: ${secret:press-headers-X-Key}", text)
        self.assertEqual(text.count("LITERAL"), 2) # in the comment, which is the owner's
        for name, value in (("press-proxy", "LITERAL2"), ("press-headers-X-Key", "LITERAL3"), ("press-headers-Authorization", "LITERAL4"),
                            ("Con-1-bearer-token", "LITERAL5"), ("Con-2-headers-Cookie", "LITERAL6")):
            self.assertRegex(kept, f"{name} ?= ?{value}\n")
        # Another one is typed in the form, as any text is.
        typed = ["X-Key: LITERAL7", *here["headers"][1:]]
        self.assertEqual(save({**here, "headers": typed}).status, 200)
        self.assertRegex((host.folder / "line.secrets").read_text(), "press-headers-X-Key ?= ?LITERAL7\n")
        for place, all in self.told(host).items():
            self.assertNotIn(b"LITERAL", all, place)
        project = host.ask("GET", "/api/project")
        headers = {"If-Match": project.headers["etag"], "Content-Type": "application/xml"}
        self.assertEqual(host.ask("PUT", "/api/project", project.bytes.decode().replace("hall 7", "hall 8"), headers).status, 200)
        self.assertIn("hall 8", host.project.read_text())


if __name__ == "__main__":
    web_test.take_arguments(sys.argv)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
