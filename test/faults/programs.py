"""The programs of a row, and what they tell: iompeer's events, iomhost's log, both as stories with times."""

import contextlib
import datetime
import http.client
import itertools
import json
import os
import pathlib
import signal
import ssl
import subprocess
import threading
import time
import xml.sax.saxutils

SERIAL = itertools.count(1)
PATIENCE = 10  # seconds for things that take none


class Missed(Exception):
    """Something that had to happen did not; the text says what."""


def seconds_of(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Event(dict):
    """What was told, with `at`: when it happened, and `came`: when we heard of it (both seconds since 1970)."""

    @property
    def at(self):
        return self["at"]


class Story:
    """What was told so far, in order; any thread may wait for the next thing."""

    def __init__(self):
        self.events = []
        self.grown = threading.Condition()
        self.ended = False

    def add(self, event):
        with self.grown:
            self.events.append(event)
            self.grown.notify_all()

    def end(self):
        with self.grown:
            self.ended = True
            self.grown.notify_all()

    def all(self, *kinds, since=0.0, **wanted):
        with self.grown:
            return [each for each in self.events if fits(each, kinds, since, wanted)]

    def wait(self, *kinds, since=0.0, within=PATIENCE, count=1, **wanted):
        """The count-th event of these kinds at or after `since`."""
        until = time.time() + within
        looked = 0
        found = 0
        with self.grown:
            while True:
                for each in self.events[looked:]:
                    if fits(each, kinds, since, wanted):
                        found += 1
                        if found == count:
                            return each
                looked = len(self.events)
                if self.ended or not self.grown.wait(max(0.0, until - time.time())) and time.time() >= until:
                    break
            last = ", ".join(str(each["what"]) for each in self.events[-5:]) or "nothing"
        raise Missed(f"no {'/'.join(kinds)}{' ' + str(wanted) if wanted else ''} within {within:.1f} s; "
                     f"the last events were: {last}")


def fits(event, kinds, since, wanted):
    # Times of a log are cut to milliseconds.
    return ((not kinds or event["what"] in kinds) and event["at"] + 0.00099 >= since
            and all(wish(event.get(key)) if callable(wish) else event.get(key) == wish
                    for key, wish in wanted.items()))


class Program:
    """A process whose stderr is read line by line."""

    def __init__(self, command, hear, **options):
        self.hear = hear
        # It goes with the thread that started it, also when the bench is killed.
        self.process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        errors="replace", **options)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.hear(line.rstrip("\n"), time.time())
        self.hear(None, time.time())

    def ready(self, within=60):
        guard = threading.Timer(within, self.process.kill)
        guard.start()
        line = self.process.stdout.readline()
        guard.cancel()
        if not line.startswith("ready"):
            self.end()
            raise Missed(f"{self.process.args[-3:]} did not get ready")
        return line.split()[1:]

    def send(self, number):
        now = time.time()
        self.process.send_signal(number)
        return now

    def end(self, number=signal.SIGKILL, within=PATIENCE):
        """Ends it, and waits until all it said is read; answers its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            if number != signal.SIGKILL:
                self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        return self.process.returncode


class Peer:
    """iompeer; it can be killed and started again at the same port, and its story goes on."""

    def __init__(self, program, host, address, *options, port=0, tls=False, environment=None):
        self.program_file, self.host, self.address, self.options = program, host, address, list(options)
        self.port = port
        self.story = Story()
        self.received = {}  # instance → [(session, number, time)], of texts like "press 17"
        self.life = 0  # sessions are counted anew after a restart
        self.program = None
        self.tls = tls
        self.environment = environment or {}
        self.start()

    def start(self):
        self.life += 1
        life = self.life
        self.program = Program(
            self.host.command(self.program_file, "--address", self.address, "--port", str(self.port), "--log",
                              *self.options),
            lambda line, came: self._hear(life, line, came), env={**os.environ, **self.environment})
        self.port = int(self.program.ready()[0])

    def _hear(self, life, line, came):
        if line is None:
            return
        try:
            told = json.loads(line)
        except ValueError:
            self.story.add(Event(what="stderr", text=line, at=came, came=came))
            return
        what = told.pop("event", "stderr")
        event = Event(told, what=what, at=seconds_of(told["time"]), came=came)
        if "session" in told:
            event["session"] = (self.address, self.port, life, told["session"])
        if what == "message":
            words = told["text"].split(" ", 2)
            if len(words) > 1 and words[1].isdigit():
                self.received.setdefault(words[0], []).append((event["session"], int(words[1]), event.at))
                return
        self.story.add(event)

    def request(self, method, path, body=None):
        line = self.host.connect((self.address if self.address != "0.0.0.0" else "127.0.0.1", self.port))
        if self.tls:
            anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            anyone.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            anyone.set_ciphers("ALL:@SECLEVEL=0")
            anyone.check_hostname = False
            anyone.verify_mode = ssl.CERT_NONE
            line = anyone.wrap_socket(line)
        with contextlib.closing(line):
            connection = http.client.HTTPConnection("127.0.0.1")
            connection.sock = line
            connection.request(method, path, body)
            return json.loads(connection.getresponse().read())

    def get(self, path):
        return self.request("GET", path)

    def send(self, path, text):
        return self.request("POST", f"/send?path={path}", text)

    def unread(self):
        """Bytes that have come for it, and that it has not read."""
        with open(f"/proc/{self.program.process.pid}/net/tcp", encoding="ascii") as file:
            lines = [line.split() for line in file.readlines()[1:]]
        established = "01"
        return sum(int(line[4].partition(":")[2], 16) for line in lines
                   if int(line[1].partition(":")[2], 16) == self.port and line[3] == established)

    def kill(self):
        at = self.program.send(signal.SIGKILL)
        self.program.end()
        return at

    def stop(self):
        return self.program.send(signal.SIGSTOP)

    def go_on(self):
        return self.program.send(signal.SIGCONT)

    def close(self):
        if self.program:
            self.program.end()


def settings_xml(settings):
    lines = []
    for name, value in settings.items():
        if value is None:
            continue
        if isinstance(value, (list, tuple)):
            inner = "".join(f"<item>{xml.sax.saxutils.escape(str(each))}</item>" for each in value)
        elif isinstance(value, Raw):
            inner = value.text
        else:
            inner = xml.sax.saxutils.escape(str(value))
        lines.append(f'    <set name="{name}">{inner}</set>')
    return "\n".join(lines)


class Raw:
    """XML that stands in a setting as it is."""

    def __init__(self, text):
        self.text = text


def told_rule(name, trigger, fields):
    """A rule that tells the bench of a trigger: a log line with JSON behind an @."""
    body = ",".join(f'"{key}":{value}' for key, value in fields.items())
    text = xml.sax.saxutils.escape("@{" + body + "}")
    return (f'  <rule name="tell {name}"><on trigger="{trigger}"/>\n'
            f'    <do action="host/log"><arg name="message">{text}</arg></do></rule>')


class Instance:
    """One websocket-client: its settings, and what its triggers told."""

    def __init__(self, name, settings, every=0.1, rules="", tail=""):
        self.name, self.settings, self.every, self.rules, self.tail = name, settings, every, rules, tail
        self.story = Story()
        self.given = []       # numbers that the rule tried to send, in order: (number, time)
        self.refused = set()  # of these: refused at once, with a sentence
        self.dropped = {}     # of these: given up by message-dropped; number → reason
        self.echoes = []      # what came back: (session ordinal, number)
        self.sessions = 0
        self.heard = threading.Condition()  # that an echo came
        self.next = None      # seconds until the next attempt, as last told
        self.unnamed = []     # times of sends reported without their text, as it was too large to be kept
        self.quiet = False    # messages received are not told
        self.silent = False   # nothing is

    @property
    def path(self):
        return self.settings["path"]

    def __getitem__(self, setting):
        return self.settings[setting]

    def xml(self):
        name = self.name
        rules = [f'  <instance name="{name}" module="websocket-client">\n{settings_xml(self.settings)}\n  </instance>']
        if self.silent:
            return rules[0]
        state = {"state": f'"${{{name}/connection-status}}"', "next": f"${{{name}/next-retry}}"}
        parts = (f"last-error{part}" for part in (".layer", ".code", ""))
        state["last"] = "[" + ", ".join(f'"${{{name}/{part}|json}}"' for part in parts) + "]"
        why = {"layer": '"${layer|json}"', "code": '"${code|json}"', "sentence": '"${sentence|json}"'}
        for trigger, fields in {
                "connected": {"remote": '"${remote-address|json}"'},
                "websocket-established": {},
                "ready": {},
                "error": {**why, **state, "attempt": f"${{{name}/attempt}}"},
                "credentials-rejected": why,
                "faulted": why,
                "disconnected": {**why, **state, "clean": "${clean}", "up": "${seconds-up}",
                                 "unconfirmed": "${unconfirmed}"},
                "message-dropped": {"message": '"${message|json}"', "reason": '"${reason}"'},
                "message-received": {"message": '"${message|json}"'}}.items():
            if trigger == "message-received" and self.quiet:
                continue
            rules.append(told_rule(f"{name} {trigger}", f"{name}/{trigger}",
                                   {"i": f'"{name}"', "what": f'"{trigger}"', **fields}))
        if self.every:
            rules.append(f'  <variable name="n-{name}" type="int" value="0"/>')
            told = xml.sax.saxutils.escape(f'@{{"i":"{name}","what":"given","n":${{host/n-{name}}}}}')
            rules.append(f"""  <rule name="count {name}"><on trigger="host/every" interval="{int(self.every * 1000)}ms"/>
    <do action="host/add"><arg name="variable">n-{name}</arg></do>
    <do action="host/log"><arg name="message">{told}</arg></do>
    <do action="{name}/send-message"><arg name="message">{name} ${{host/n-{name}}}{self.tail}</arg></do></rule>""")
        rules.append(self.rules.replace("THIS", name))
        return "\n".join(rules)

    def hear(self, event):
        what = event["what"]
        if what == "given":
            self.given.append((event["n"], event["at"]))
        elif what == "message-dropped":
            number = self.number_of(event["message"])
            if number is not None:
                self.dropped[number] = event["reason"]
            elif not event["message"]:
                self.unnamed.append(event.at)
            self.story.add(event)
        elif what == "message-received":
            number = self.number_of(event["message"])
            if number is not None:
                with self.heard:
                    self.echoes.append((self.sessions, number))
                    self.heard.notify_all()
            else:
                self.story.add(event)
        else:
            if what == "websocket-established":
                self.sessions += 1
            self.story.add(event)

    def number_of(self, text):
        words = text.split(" ", 2)
        return int(words[1]) if words[0] == self.name and len(words) > 1 and words[1].isdigit() else None

    # What a row asks.

    def longest_gap(self, since=0.0, until=float("inf")):
        """Between two firings of the rule that counts: how long the controller's loop was not free, about."""
        times = [at for _, at in self.given if since <= at <= until]
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)

    def talks(self, within=PATIENCE):
        """Waits until a number that is given from now on has gone both ways."""
        after = self.given[-1][0] if self.given else 0
        with self.heard:
            if not self.heard.wait_for(lambda: any(n > after for _, n in reversed(self.echoes)), within):
                raise Missed(f"{self.name}: no number given after {after} came back within {within:g} s")

    def established(self, since=0.0, within=PATIENCE, count=1):
        return self.story.wait("websocket-established", since=since, within=within, count=count)

    def lost(self, since=0.0, within=PATIENCE, **wanted):
        return self.story.wait("error", since=since, within=within, **wanted)


def refused_at_once(sentence):
    """Whether a failed action was refused as it was given: what failed later, message-dropped tells of."""
    return "there is no session" in sentence or "wait to be sent" in sentence


class Controller:
    """iomhost with a project made of instances."""

    def __init__(self, program, modules, host, folder, instances, *, rules="", options=(), wrap=(), secrets=None,
                 environment=None, clock="at", web="--no-web"):
        self.clock = clock  # "came": its clock is not ours, so what counts is when we heard of it
        self.instances = {each.name: each for each in instances}
        self.story = Story()  # lines of the log that are not for us, as {"what": level, "text", "instance"}
        self.failures = []    # host/action-failed: (rule, action, sentence)
        self.project = pathlib.Path(folder) / f"project{next(SERIAL)}.xml"
        self.extra = rules
        self.write()
        if secrets is not None:
            self.secrets(secrets)
        self.program = Program(
            host.command(*wrap, program, "run", self.project, web, "--modules", modules, "--log-format",
                         "json", "--files", folder, *options),
            self._hear, cwd=folder, env={**os.environ, **(environment or {})})
        said = self.program.ready()
        self.page = said[0] if said else None  # its address, with a slash at the end

    def write(self):
        failed = told_rule("failed", "host/action-failed",
                           {"what": '"failed"', "rule": '"${rule|json}"', "action": '"${action|json}"',
                            "sentence": '"${sentence|json}"'})
        text = "\n".join(each.xml() for each in self.instances.values())
        self.project.write_text(f'<project name="faults">\n{text}\n{failed}\n{self.extra}\n</project>\n')

    def secrets(self, values):
        file = self.project.with_suffix(".secrets")
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    def _hear(self, line, came):
        if line is None:
            self.story.end()
            for each in self.instances.values():
                each.story.end()
            return
        try:
            told = json.loads(line)
            at = came if self.clock == "came" else seconds_of(told["time"])
        except (ValueError, KeyError, TypeError):
            self.story.add(Event(what="stderr", text=line, at=came, came=came))
            return
        text = told.get("message", "")
        if not text.startswith("@{"):
            if text.startswith("next attempt in ") and told.get("instance") in self.instances:
                # The status counts in whole seconds; this says tenths.
                self.instances[told["instance"]].next = float(text.split()[3]) + 0.05
            self.story.add(Event(what=told.get("level", ""), text=text, instance=told.get("instance", ""),
                                 at=at, came=came))
            return
        try:
            event = Event(json.loads(text[1:]), at=at, came=came)
        except ValueError:
            self.story.add(Event(what="stderr", text=f"unreadable: {text}", at=at, came=came))
            return
        if event.get("next", 0) > 0 and event.get("i") in self.instances and self.instances[event["i"]].next is not None:
            event["next"] = self.instances[event["i"]].next
        if event["what"] == "failed":
            self.failures.append((event["rule"], event["action"], event["sentence"]))
            head, _, name = event["rule"].partition(" ")
            if head == "count" and name in self.instances and refused_at_once(event["sentence"]):
                one = self.instances[name]
                one.refused.add(one.given[-1][0])
            return
        if event.get("i") in self.instances:
            self.instances[event["i"]].hear(event)
        else:
            self.story.add(event)

    def peak_memory(self):
        """The most bytes that were resident."""
        with open(f"/proc/{self.program.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM"))

    def memory(self):
        """Resident bytes."""
        with open(f"/proc/{self.program.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def threads(self):
        return len(os.listdir(f"/proc/{self.program.process.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.program.process.pid}/fd"))

    def reload(self):
        self.write()
        return self.program.send(signal.SIGHUP)

    def stop(self):
        return self.program.end(signal.SIGTERM)
