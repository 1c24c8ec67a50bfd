"""What `./dev run` starts after the build: python3 demo_test.py scripts/demo BUILD examples/machine.xml"""

import json
import os
import pathlib
import re
import signal
import socket
import sys
import unittest
import urllib.request

from web_support import Program

DEMO, BUILD, PROJECT = sys.argv[1:4]


def taken_port():
    """A port that somebody listens on; the demo must look for another one."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return taken


def start(page):
    """The demo, once its page is there, and that page's address; tried anew where another program was quicker to take
    the port of the server."""
    for left in range(5, 0, -1):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        demo = Program(DEMO, environment={**os.environ, "IOM_DEMO_PORT": port, "IOM_DEMO_WEB": page, "IOM_DEMO_BUILD": BUILD})
        try:
            return demo, demo.wait("out", r"^ +Page +(http://127\.0\.0\.1:\d+/)")[1]
        except AssertionError:
            if demo.process.poll() is None:
                demo.process.send_signal(signal.SIGTERM)
            demo.process.wait(60)
            if left == 1 or f"port {port} is taken" not in str(demo.lines):
                raise
    raise AssertionError("not reached")


class Demo(unittest.TestCase):
    def test_prints_the_address_of_a_page_with_its_instances_and_ends_in_order(self):
        with taken_port() as taken:
            demo, address = start(str(taken.getsockname()[1]))
            try:
                pids = [int(demo.wait("out", rf"^ +{name} .* pid (\d+):")[1]) for name in ("server", "host")]
                with urllib.request.urlopen(address, timeout=30) as answer:
                    self.assertEqual(answer.status, 200)
                    self.assertIn(b'<div id="app"', answer.read())
                with urllib.request.urlopen(address + "api/instances", timeout=30) as answer:
                    listed = {one["name"] for one in json.load(answer)}
                written = re.findall(r'<instance name="([^"]+)"', pathlib.Path(PROJECT).read_text())
                self.assertEqual(listed, set(written))
                demo.process.send_signal(signal.SIGINT)
                self.assertEqual(demo.process.wait(60), 0, demo.lines)
                for pid in pids:
                    with self.assertRaises(ProcessLookupError, msg=f"{pid} has outlived the demo"):
                        os.kill(pid, 0)
            finally:
                if demo.process.poll() is None:
                    demo.process.send_signal(signal.SIGTERM)
                    demo.process.wait(60)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
