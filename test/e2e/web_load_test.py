"""What the page may cost the rules, and what pages may cost each other: python3 web_load_test.py IOMHOST IOMPEER
MODULES CONTRACT [TEST …]
"""

import fcntl
import itertools
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import time
import unittest

import web_test
from web_support import PROJECT, eventually


class Channels(web_test.WebTest):
    def fire(self, host):
        self.assertEqual(host.ask("POST", "/api/rules/By%20hand/fire").status, 200)

    def test_each_subscription_to_the_trace_gets_every_change(self):
        host = self.host("--web", "127.0.0.1:0")
        channel = self.channel(host)
        filters = {1: {}, 2: {"rule": "By hand"}, 3: {}}
        for number, which in filters.items():
            channel.say({"type": "subscribe", "id": number, "topic": "trace", "filter": which})
        waiting = set(filters)
        def is_last_full(message):
            if message["type"] == "full":
                waiting.discard(message["id"])
            return not waiting
        channel.until(is_last_full)
        for _ in range(3):
            self.fire(host)
            without = set(filters)
            def has_come(message):
                if message["type"] == "change" and any(each["trigger"] == "host/manual" for each in message["change"]["events"]):
                    without.discard(message["id"])
                return not without
            channel.until(has_come)

    def test_a_page_that_says_too_much_is_sent_away_and_takes_nobody_s_place(self):
        host = self.host("--web", "127.0.0.1:0")
        channel = self.channel(host)
        wish = json.dumps({"type": "subscribe", "id": 1, "topic": "trace"}).encode()
        frame = bytes([0x81, 0x80 | len(wish)]) + bytes(4) + wish # masked with zeros
        channel.socket.sendall(frame * 3000)
        for _ in range(20):
            self.assertEqual(host.ask("GET", "/api/instances").status, 200)
        bye = channel.until(lambda message: message["type"] == "bye")
        self.assertEqual(bye["reason"], "too-fast", bye)
        self.assertIsNone(channel.hear())
        self.assertEqual(channel.close_code, 4429)
        # What people do is no such thing.
        calm = self.channel(host)
        for _ in range(6):
            for number in range(1, 17):
                calm.say({"type": "subscribe", "id": number, "topic": "trace"})
        calm.until(lambda message: message["type"] == "full" and message["id"] == 16)
        self.fire(host)
        calm.until(lambda message: message["type"] == "change" and message["id"] == 16)

    def test_so_many_and_no_more(self):
        host = self.host("--web", "127.0.0.1:0")
        channel = self.channel(host)
        for number in range(1, 18):
            channel.say({"type": "subscribe", "id": number, "topic": "system"})
        error = channel.until(lambda message: message["type"] == "error")
        self.assertEqual((error["id"], error["error"]), (17, "too-many"))
        channel.say({"type": "unsubscribe", "id": 3})
        channel.say({"type": "subscribe", "id": 18, "topic": "rules"})
        channel.until(lambda message: message["type"] == "full" and message["id"] == 18)
        others = [self.channel(host) for _ in range(31)]
        self.assertEqual({each.status for each in others}, {101})
        self.assertEqual(self.channel(host).status, 503)
        others[0].close()
        def there_is_room():
            one = self.channel(host)
            return one.status == 101
        eventually("there is room again", there_is_room)

    def test_a_channel_with_nothing_to_say_is_alive(self):
        channel = self.channel(self.host("--web", "127.0.0.1:0"))
        for _ in range(2):
            alive = channel.until(lambda message: message["type"] == "alive")
            self.assertGreater(alive["now"], 1_700_000_000_000)

    def test_states_are_told_in_few_messages_and_lines_are_counted(self):
        many = "".join('<do action="host/log"><arg name="message">again</arg></do>' for _ in range(300))
        host = self.host("--web", "127.0.0.1:0", project=PROJECT.replace("</project>",
            f'<rule name="Many"><on trigger="host/manual"/>{many}</rule></project>'))
        channel = self.channel(host)
        channel.say({"type": "subscribe", "id": 1, "topic": "rules"})
        channel.until(lambda message: message["type"] == "full")
        line = host.connect()
        self.addCleanup(line.close)
        for _ in range(400):
            line.request("POST", "/api/rules/By%20hand/fire", headers={"Content-Length": "0"})
            self.assertEqual(line.getresponse().read()[:1], b"{")
        heard = []
        def has_newest(message):
            heard.append(message)
            return message["type"] == "change" and message["change"].get("reports", {}).get("By hand", {}).get("fired") == 400
        channel.until(has_newest)
        self.assertLess(len(heard), 100)
        channel.say({"type": "unsubscribe", "id": 1})
        channel.say({"type": "subscribe", "id": 2, "topic": "log"})
        last = channel.until(lambda message: message["type"] == "full")["state"]["records"]
        self.assertEqual(host.ask("POST", "/api/rules/Many/fire").status, 200)
        count = {"told": 0, "skipped": 0}
        def all_counted(message):
            if message["type"] == "change" and message["id"] == 2:
                self.assertLessEqual(len(message["change"]["records"]), 200)
                count["told"] += sum(each["text"].endswith("again") for each in message["change"]["records"])
                count["skipped"] += message["change"]["skipped"]
            return count["told"] + count["skipped"] >= 300
        channel.until(all_counted)
        self.assertGreater(count["skipped"], 0, (count, len(last)))

    def test_nothing_is_put_together_for_nobody(self):
        host = self.host("--web", "127.0.0.1:0")
        def states():
            return int(re.search(rb"^iomhost_page_states_total (\d+)$", host.ask("GET", "/metrics").bytes, re.MULTILINE)[1])
        channel = self.channel(host)
        channel.say({"type": "subscribe", "id": 1, "topic": "rules"})
        channel.until(lambda message: message["type"] == "full")
        before = states()
        self.fire(host)
        channel.until(lambda message: message["type"] == "change")
        eventually("it is counted", lambda: states() > before)
        channel.say({"type": "unsubscribe", "id": 1})
        for _ in range(2): # whatever was under way is done by then
            channel.until(lambda message: message["type"] == "alive")
        before = states()
        for _ in range(20):
            self.fire(host)
        channel.until(lambda message: message["type"] == "alive")
        self.assertEqual(states(), before)


class Rules(web_test.WebTest):
    """However much is asked for, rules wait for none of it: the control loop tells how long its longest round was."""

    numbers = itertools.count()
    ROOM = 100.0 # ms: the machine's, which may be busy with other tests; what is measured here took seconds

    def longest(self, host):
        return host.ask("GET", "/api/system").json["loop"]["longest"]

    def ask_as(self, host, right, path, body):
        token = host.ask("POST", "/api/tokens", {"name": f"{right} {next(self.numbers)}", "right": right}).json["token"]
        return host.ask("POST", path, body, {"Authorization": "Bearer " + token})

    def trial(self, host, matches, size):
        text = "".join(random.Random(7).choices("ab", k=size))
        rule = {"name": "x", "on": [{"trigger": "press/message-received", "match": [
                    {"kind": "regex", "text": f"(?:a|b)*a(?:a|b){{{15 + number}}}c"} for number in range(matches)]}],
                "do": [{"action": "host/log", "arguments": {"message": "x"}}]}
        return self.ask_as(host, "read", "/api/try", {"rule": rule, "sample": {
            "trigger": "press/message-received", "variables": {"message": text}}})

    def test_a_trial_holds_up_no_rule(self):
        host = self.host("--web", "127.0.0.1:0")
        tried = self.trial(host, 30, 250_000)
        self.assertEqual(tried.status, 422, tried)
        self.assertIn("longer than 1 s", tried.json["sentence"])
        self.assertLess(self.longest(host), self.ROOM)
        self.assertEqual(self.trial(host, 2, 1000).json["said"], "no-match")

    def test_more_than_can_be_tried(self):
        host = self.host("--web", "127.0.0.1:0")
        for matches, size, at in ((101, 10, "/rule/on"), (1, 300_000, "/sample/variables"), (60, 200_000, "/sample/variables")):
            with self.subTest(matches=matches, size=size):
                refused = self.trial(host, matches, size)
                self.assertEqual(refused.status, 422, refused)
                self.assertEqual(refused.json["mistakes"][0]["at"], at)

    def test_trying_an_event_again_holds_up_no_rule(self):
        host, _ = self.with_peer()
        text = "".join(random.Random(7).choices("ab", k=4000))
        host.ask("POST", "/api/instances/press/actions/send-message?wait=20", {"arguments": {"message": text}})
        def received():
            events = host.ask("GET", "/api/trace").json["events"]
            return next((each["number"] for each in events if each["trigger"] == "press/message-received"), None)
        number = eventually("it was received", received)
        # Rules that come after it: the event itself never went through them.
        matches = "".join(f'<match kind="regex">(?:a|b)*a(?:a|b){{{15 + number}}}c</match>' for number in range(40))
        heavy = "".join(f'<rule name="r{number}"><on trigger="press/message-received">{matches}</on><do action="host/log">'
                        '<arg name="message">x</arg></do></rule>' for number in range(8))
        project = host.ask("GET", "/api/project")
        put = host.ask("PUT", "/api/project", project.bytes.decode().replace("</project>", heavy + "</project>"),
                       {"Content-Type": "application/xml", "If-Match": project.headers["etag"]})
        self.assertEqual(put.status, 200, put)
        replayed = self.ask_as(host, "read", f"/api/trace/{number}/replay", None)
        self.assertIn(replayed.status, (200, 503), replayed)
        if replayed.status == 200:
            self.assertEqual(len(replayed.json["rules"]), 9)
        self.assertLess(self.longest(host), self.ROOM)

    def test_what_an_action_looks_for_is_compiled_where_no_rule_waits(self):
        host = self.host("--web", "127.0.0.1:0")
        def request(count):
            return self.ask_as(host, "operate", "/api/instances/press/actions/request", {"arguments": {
                "message": "x", "match": [{"kind": "regex", "text": f"(?:\\pL{{40}}|\\pN{{40}}){number}"} for number in range(count)]}})
        refused = request(400)
        self.assertEqual(refused.status, 422, refused)
        self.assertEqual(refused.json["mistakes"][0]["at"], "/arguments/match")
        taken = request(64)
        self.assertEqual(taken.status, 409, taken) # the module's own answer: it is not connected
        self.assertLess(self.longest(host), self.ROOM)

    def test_an_edit_of_a_large_project_holds_up_no_rule(self):
        instances = "".join(f'<instance name="i{number}" module="websocket-client"><set name="hostname">127.0.0.1</set>'
                            '<set name="port">1</set><set name="connect-at-startup">false</set></instance>\n' for number in range(1000))
        rules = "".join(f'<rule name="r{number}"><on trigger="i{number % 1000}/message-received">'
                        '<match kind="regex">^S(\\d+)$</match></on><do action="host/log"><arg name="message">${{3}}</arg></do></rule>\n'
                        for number in range(3000))
        host = self.host("--web", "127.0.0.1:0", project=f'<project name="b">{instances}{rules}</project>')
        def edit(enabled):
            seen = host.ask("GET", "/api/rules/r5").headers["etag"]
            put = host.ask("PUT", "/api/rules/r5/enabled", {"enabled": enabled}, {"If-Match": seen})
            self.assertEqual(put.status, 200, put)
        before = self.longest(host)
        edit(False)
        edit(True)
        # What this machine takes to read the project is what rules would wait if they did.
        began = time.monotonic()
        subprocess.run([web_test.PROGRAMS.iomhost, "check", str(host.project), "--modules", web_test.PROGRAMS.modules],
                       capture_output=True, check=True)
        reading = (time.monotonic() - began) * 1000
        longest = self.longest(host)
        self.assertLess(longest, before + reading / 2)
        self.assertEqual(host.ask("GET", "/api/system").json["project"]["generation"], 3)


class Requests(web_test.WebTest):
    def test_a_query_is_read_whole_or_not_at_all(self):
        host = self.host("--web", "127.0.0.1:0")
        names = lambda: [each["name"] for each in host.ask("GET", "/api/instances").json]
        for query in ("?check=true", "?&check=true", "?&&check=true&", "?a=" + "x" * 5000 + "&check=true", "?a&check=true"):
            with self.subTest(query[:20]):
                checked = host.ask("POST", "/api/instances/press/duplicate" + query, {"name": "again"})
                self.assertEqual(checked.status, 200, checked)
                self.assertTrue(checked.json["ok"])
                self.assertEqual(names(), ["press"])
        twice = host.ask("POST", "/api/instances/press/duplicate?check=true&check=false", {"name": "again"})
        self.assertEqual(twice.status, 400, twice)
        self.assertEqual(names(), ["press"])


class Passwords(web_test.WebTest):
    def set_password_to(self, password):
        done = subprocess.run([web_test.PROGRAMS.iomhost, "passwd", str(pathlib.Path(self.folder) / "line.xml")],
                              input=password + "\n", text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_request_begun_before_undoes_no_password(self):
        self.write_project()
        self.set_password()
        host = self.host("--web", "127.0.0.1:0")
        session = self.log_in(host)
        body = json.dumps({"name": "later", "right": "configure"}).encode()
        head = ("POST /api/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"Origin: http://127.0.0.1\r\nCookie: {session['Cookie']}\r\nContent-Length: {len(body)}\r\n\r\n").encode()
        with socket.create_connection((host.address, host.port), 20) as line:
            line.sendall(head + body[:5])
            # The head was read by the time that somebody else is answered.
            self.assertEqual(host.ask("GET", "/api/session", headers=session).json["state"], "in")
            self.set_password_to("another pass phrase")
            line.sendall(body[5:])
            self.assertIn(b"HTTP/1.1 401", line.recv(4096))
        self.assertEqual(host.ask("POST", "/api/session", {"password": web_test.PASSWORD}).status, 401)
        self.assertEqual(host.ask("POST", "/api/session", {"password": "another pass phrase"}).status, 200)

    def test_the_command_line_and_the_page_undo_nothing_of_each_other(self):
        self.write_project()
        host = self.host("--web", "127.0.0.1:0")
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        fcntl.flock(folder, fcntl.LOCK_EX) # as `iomhost passwd` holds it between reading and writing
        refused = host.ask("POST", "/api/tokens", {"name": "x", "right": "read"})
        self.assertEqual(refused.status, 500, refused)
        self.assertIn("locked", refused.json["sentence"])
        self.assertEqual(host.ask("GET", "/api/tokens").json, [])
        fcntl.flock(folder, fcntl.LOCK_UN)
        self.assertEqual(host.ask("POST", "/api/tokens", {"name": "x", "right": "read"}).status, 201)


if __name__ == "__main__":
    web_test.take_arguments(sys.argv)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
