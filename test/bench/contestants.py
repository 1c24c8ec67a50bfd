"""Who is measured, how each is started, and one measurement of one of them."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "release"
NEIGHBOURS = HERE / "neighbours"

# The system's, which has Debian's Python modules.
PYTHON = "/usr/bin/python3"

patience = 120.0  # seconds for any one wait; what comes, comes at once


class Failed(Exception):
    """A measurement that came to nothing, with what the programs said."""


@contextlib.contextmanager
def running(command, **options):
    """A child process that goes with the block; what it says on stderr is in `.said()`."""
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen([str(part) for part in command], stderr=errors, text=True,
                                 **{"stdin": subprocess.DEVNULL, **options})

        def said():
            errors.seek(0)
            return errors.read().decode(errors="replace")[-2000:]

        child.said = said
        try:
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(5)
                except subprocess.TimeoutExpired:
                    child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe:
                    pipe.close()


def line_of(child, beginning, other=None):
    """The next line on a child's stdout that begins so; waits no longer than another child lives that it hangs on."""
    over = threading.Event()
    died = []

    def watch():
        end = time.monotonic() + patience
        while not over.wait(0.1):
            if other and other.poll() is not None:
                over.wait(0.5)  # what the child itself says of it tells more
                if child.poll() is None and not over.is_set():
                    died.append(other.returncode)
            if died or time.monotonic() > end:
                child.kill()
                return

    watchdog = threading.Thread(target=watch, daemon=True)
    watchdog.start()
    try:
        for line in child.stdout:
            if line.startswith(beginning):
                return line
    finally:
        over.set()
        watchdog.join()
    if died:
        raise Failed(f"ended with status {died[0]} while the driver waited for it.")
    raise Failed(f"{pathlib.Path(child.args[0]).name} said no '{beginning}': {child.said()}")


def processor_seconds(process):
    """Of all its threads so far, those that have ended left out."""
    spent = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
                spent.append(int((task / "schedstat").read_text(encoding="ascii").split()[0]))
    if not spent:
        raise Failed(f"no thread's schedstat can be read in /proc/{process.pid}/task: has it ended?")
    return sum(spent) / 1e9


class Place:
    """What all measurements share: a folder and a certificate."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.certificate = self.folder / "files" / "certificate.pem"
        self.key = self.folder / "key.pem"
        self.certificate.parent.mkdir()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path


# ---- the whole road ---------------------------------------------------------------------------------------------


def project(instances, rules=""):
    return f'<project name="Bench">\n{instances}\n{rules}\n</project>\n'


def instance(name, port, secure=False, **settings):
    settings = {"hostname": "127.0.0.1", "port": port, **settings}
    if secure:
        settings |= {"protocol": "wss", "tls-ca": "certificate.pem"}
    lines = "".join(f'<set name="{key.replace("_", "-")}">{what}</set>' for key, what in settings.items())
    return f'<instance name="{name}" module="websocket-client">{lines}</instance>'


def echo_rule(name, binary=False, match="", number=0):
    action = (f'<do action="{name}/send-binary"><arg name="data">${{message}}</arg><arg name="encoding">raw</arg></do>'
              if binary else f'<do action="{name}/send-message"><arg name="message">${{message}}</arg></do>')
    return f'<rule name="{name} {number}"><on trigger="{name}/message-received">{match}</on>{action}</rule>'


def host_command(path, page=False):
    web = ["--web", "127.0.0.1:0"] if page else ["--no-web"]
    return [BUILD / "iomhost", "run", path, *web, "--log-level", "warning"]


def text_of_rule(number):
    return f"text {number};"


def road(place, port, case):
    """iomhost with one echo rule for each session; more rules only look, and the last one acts."""
    sessions = case.get("sessions", 1)
    names = [f"line{at}" for at in range(sessions)]
    settings = {"max_message_size": 1 << 26, "reconnect_first_max": 0}
    if case.get("deflate"):
        settings["compression"] = "true"
    instances = "\n".join(instance(name, port, case.get("secure", False), **settings) for name in names)
    rules = case.get("rules")
    if rules is None:
        # Node-RED's flow looks at each message too.
        match = "" if case.get("binary") else "<match>value</match>"
        written = "\n".join(echo_rule(name, case.get("binary", False), match) for name in names)
    else:
        written = "\n".join(echo_rule("line0", match=f"<match>{text_of_rule(at)}</match>", number=at)
                            for at in range(1, rules + 1))
    return host_command(place.write("road.xml", project(instances, written))), {}


# ---- the neighbours ---------------------------------------------------------------------------------------------


def url(port, case):
    return f"{'wss' if case.get('secure') else 'ws'}://127.0.0.1:{port}/"


def bare(*command):
    def start(place, port, case):
        more = [url(port, case)]
        if case.get("secure"):
            more += ["--ca", place.certificate]
        if case.get("deflate"):
            more.append("--deflate")
        return [*command, *more], {}
    return start


def node_red(place, port, case):
    """A flow as an integrator draws it: websocket in, switch (contains), websocket out, over one client."""
    folder = place.folder / "node-red"
    folder.mkdir(exist_ok=True)
    spot = {"z": "tab", "x": 1, "y": 1}  # a node without a place is taken for a configuration
    (folder / "flows.json").write_text(json.dumps([
        {"id": "tab", "type": "tab", "label": "echo"},
        {"id": "client", "type": "websocket-client", "path": url(port, case), "tls": "", "wholemsg": "false",
         "hb": "0", "subprotocol": "", "headers": []},
        {"id": "in", "type": "websocket in", **spot, "server": "", "client": "client", "wires": [["switch"]]},
        {"id": "switch", "type": "switch", **spot, "property": "payload", "propertyType": "msg",
         "rules": [{"t": "cont", "v": "value", "vt": "str"}], "checkall": "true", "outputs": 1, "wires": [["change"]]},
        # As a client "websocket out" sends only what does not claim to be an answer to a session of a server.
        {"id": "change", "type": "change", **spot, "rules": [{"t": "delete", "p": "_session", "pt": "msg"}],
         "wires": [["out"]]},
        {"id": "out", "type": "websocket out", **spot, "server": "", "client": "client", "wires": []},
    ]), encoding="utf-8")
    (folder / "settings.js").write_text(
        "module.exports = { httpAdminRoot: false, httpNodeRoot: false, flowFile: 'flows.json', userDir: __dirname,\n"
        "  credentialSecret: false, logging: { console: { level: 'error' } } };\n", encoding="utf-8")
    return (["node", HERE / "node_modules" / "node-red" / "red.js", "--userDir", folder,
             "--settings", folder / "settings.js"], {"NODE_EXTRA_CA_CERTS": str(place.certificate)})


ROAD = "whole road"
LIBWEBSOCKETS = "libwebsockets"
BEAST = "Boost.Beast"
WEBSOCKETPP = "websocketpp"
NPM_WS = "npm ws"
WEBSOCKETS = "Python websockets"
NODE_RED = "Node-RED"

STARTS = {
    ROAD: road,
    LIBWEBSOCKETS: bare(BUILD / "bin" / "libwebsockets_echo"),
    BEAST: bare(BUILD / "bin" / "beast_echo"),
    WEBSOCKETPP: bare(BUILD / "bin" / "websocketpp_echo"),
    NPM_WS: bare("node", NEIGHBOURS / "ws_echo.mjs"),
    WEBSOCKETS: bare(PYTHON, NEIGHBOURS / "websockets_echo.py"),
    NODE_RED: node_red,
}

# Programs of others that do nothing but echo; libwebsockets is what we stand on ourselves.
BARE_PEERS = [BEAST, WEBSOCKETPP, NPM_WS, WEBSOCKETS]


def can(who, case):
    """websocketpp's usual configuration offers no compression. Node-RED's client does, but its ws 7 sends what is
    shorter than 1024 bytes uncompressed and cannot be told otherwise, so that it would race with less to do."""
    return not (case.get("deflate") and who in (WEBSOCKETPP, NODE_RED))


def driver_command(place, case, seconds, warm_up):
    command = [BUILD / "bin" / "bench_driver", "--size", case["size"], "--in-flight", case["in_flight"],
               "--seconds", seconds, "--warm-up", warm_up, "--sessions", case.get("sessions", 1)]
    if case.get("secure"):
        command += ["--tls-cert", place.certificate, "--tls-key", place.key]
    for flag in ("binary", "deflate"):
        if case.get(flag):
            command.append("--" + flag)
    if case.get("rules"):
        command += ["--text", text_of_rule(case["rules"])]
    return command


def measure(place, who, case, seconds, between=None, environment=None):
    """One measurement: what the driver says of it, and the client's processor time per message. `between` is called
    when measuring begins."""
    warm_up = 0.3 if who not in (NPM_WS, NODE_RED) else 0.8  # until what is hot is compiled
    with running(driver_command(place, case, seconds, warm_up), stdin=subprocess.PIPE,
                 stdout=subprocess.PIPE) as driver:
        port = int(line_of(driver, "ready ").split()[1])
        command, more = STARTS[who](place, port, case)
        with running(command, stdout=subprocess.DEVNULL, env={**os.environ, **more, **(environment or {})}) as client:
            try:
                line_of(driver, "measuring", client)
                if between:
                    between()
                spent = processor_seconds(client)
                said = json.loads(line_of(driver, "{", client))
                said["processor_us"] = 1e6 * (processor_seconds(client) - spent) / said["messages"]
                return said
            except Failed as failed:
                raise Failed(f"{who}: {failed} {client.said()}") from failed


def wait_until(holds, what):
    """Asks again and again until it holds, and answers what it answered."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        answer = holds()
        if answer:
            return answer
        time.sleep(0.05)
    raise Failed(f"waited {patience:.0f} s in vain: {what}")
