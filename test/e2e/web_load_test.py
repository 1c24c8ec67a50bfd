"""What the page may cost the rules, and what pages may cost each other: python3 web_load_test.py IOMHOST IOMPEER
MODULES CONTRACT [TEST …]
"""

import json
import pathlib
import re
import sys
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


if __name__ == "__main__":
    web_test.take_arguments(sys.argv)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
