"""Pages that take what they are told slowly, or not at all: python3 web_slow_test.py IOMHOST IOMPEER MODULES CONTRACT
[TEST …]

Runs in a network namespace of its own, where little fits into a socket.
"""

import os
import pathlib
import socket
import sys
import threading
import time
import unittest

import web_outside_test
import web_test
from web_support import PROJECT, eventually

LINES = 520
LINE = "y" * 1600
LOUD = PROJECT.replace("</project>", f"""<rule name="Loud"><on trigger="host/manual"/>
    <do action="host/log"><arg name="message">{LINE}</arg></do></rule>
</project>""")


class Drop:
    """A socket that is read drop by drop: some 20 kB in a second."""

    def __init__(self, line):
        self.line = line

    def recv(self, size):
        time.sleep(0.06) # that is what makes it slow
        return self.line.recv(min(size, 2000))

    def __getattr__(self, name):
        return getattr(self.line, name)


class Slow(web_test.WebTest):
    def listen(self, host):
        channel = self.channel(host)
        channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.assertEqual(channel.hear()["type"], "hello")
        return channel

    def test_a_slow_reader_stays_and_a_dead_one_goes(self):
        host = self.host("--web", "127.0.0.1:0", project=LOUD)
        for _ in range(LINES):
            self.assertEqual(host.ask("POST", "/api/rules/Loud/fire").status, 200)
        viewers = lambda: host.ask("GET", "/api/system").json["web"]["viewers"]
        slow, dead = self.listen(host), self.listen(host)
        self.assertEqual(viewers(), 2)
        for channel in (slow, dead):
            channel.say({"type": "subscribe", "id": 1, "topic": "log"})
        slow.socket = Drop(slow.socket)
        told = []
        reader = threading.Thread(target=lambda: told.append(slow.hear()), daemon=True)
        began = time.monotonic()
        reader.start()
        eventually("the dead one is gone", lambda: viewers() == 1)
        reader.join(200)
        self.assertTrue(told and told[0], f"cut after {time.monotonic() - began:.0f} s with {slow.close_code}")
        self.assertGreater(time.monotonic() - began, 35) # or it would not have been slow enough to tell
        self.assertGreaterEqual(sum(LINE in each["text"] for each in told[0]["state"]["records"]), 450)
        self.assertEqual(viewers(), 1)
        # What it gets next is the newest, at once.
        slow.socket = slow.socket.line
        slow.say({"type": "subscribe", "id": 2, "topic": "rules"})
        full = slow.until(lambda message: message["type"] == "full" and message["id"] == 2)
        fired = {each["name"]: each["report"]["fired"] for each in full["state"]["rules"]}
        self.assertEqual(fired["Loud"], LINES)


if __name__ == "__main__":
    if "IOM_INSIDE" not in os.environ:
        web_outside_test.enter_namespace()
    pathlib.Path("/proc/sys/net/ipv4/tcp_wmem").write_text("4096 16384 32768")
    web_test.take_arguments(sys.argv)
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]], verbosity=2)
