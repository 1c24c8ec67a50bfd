#!/usr/bin/env python3
"""Speed and size, each figure side by side in one run: `./dev bench` builds what this needs and calls it.

Everybody echoes against the same driver, in turns, several times; a figure is the median of the ratios of the
turns. Exit status 1: a figure was missed; 2: something was not measured.

Binary messages and deflate are raced with many in flight only: the bytes on the way are the same for binary, and
compression is a matter of throughput."""

import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import counted
import report
from contestants import (BARE_PEERS, BEAST, LIBWEBSOCKETS, NODE_RED, NPM_WS, ROAD, ROOT, STARTS, Failed, Place,
                         WEBSOCKETPP, WEBSOCKETS, can, measure, road)
from report import median, short, spread

ALL = [ROAD, LIBWEBSOCKETS, BEAST, WEBSOCKETPP, NPM_WS, WEBSOCKETS, NODE_RED]
OTHER = "other build"

IN_FLIGHT = {64: 256, 4096: 64, 262144: 4}
NAMES = {64: "64 B", 4096: "4 KiB", 262144: "256 KiB"}


def races():
    """Name → case. One in flight gives the round trip, many in flight the messages per second."""
    cases = {}
    for scheme, secure in (("ws", False), ("wss", True)):
        for size, name in NAMES.items():
            cases[f"{scheme} {name}, round trip"] = {"size": size, "in_flight": 1, "secure": secure}
            cases[f"{scheme} {name}"] = {"size": size, "in_flight": IN_FLIGHT[size], "secure": secure}
    for size, name in NAMES.items():
        cases[f"ws {name}, binary"] = {"size": size, "in_flight": IN_FLIGHT[size], "binary": True}
    cases["wss 4 KiB, binary"] = {"size": 4096, "in_flight": 64, "secure": True, "binary": True}
    for size, name in NAMES.items():
        cases[f"ws {name}, deflate"] = {"size": size, "in_flight": IN_FLIGHT[size], "deflate": True}
    for size in (64, 4096):
        cases[f"wss {NAMES[size]}, deflate"] = {"size": size, "in_flight": IN_FLIGHT[size], "secure": True,
                                                "deflate": True}
    return cases


# ---- the figures that count --------------------------------------------------------------------------------------
#
# name, case or source, how to take it, "at least" or "at most", limit, unit


class Target:
    def __init__(self, name, case, take, sense, limit, unit=""):
        self.name, self.case, self.take, self.sense, self.limit, self.unit = name, case, take, sense, limit, unit

    def holds(self, value):
        return value >= self.limit if self.sense == "≥" else value <= self.limit


def ratio(metric, *others):
    """Per turn: the whole road ÷ the other; of several others the one that was fastest over all."""
    def take(seen):
        there = [who for who in others if seen.get(who)]
        if not seen.get(ROAD) or not there:
            return None
        fastest = max(there, key=lambda who: median([one["rate"] for one in seen[who]]))
        values = [ours[metric] / theirs[metric] for ours, theirs in zip(seen[ROAD], seen[fastest])]
        return values, fastest
    return take


TARGETS = [
    Target("round trip 64 B ws, p50, whole road ÷ bare libwebsockets", "ws 64 B, round trip",
           ratio("p50_us", LIBWEBSOCKETS), "≤", 1.3),
    Target("round trip 64 B ws, p99, whole road ÷ bare libwebsockets", "ws 64 B, round trip",
           ratio("p99_us", LIBWEBSOCKETS), "≤", 2.0),
    Target("messages/s 64 B ws, whole road ÷ the fastest bare peer", "ws 64 B", ratio("rate", *BARE_PEERS), "≥", 1.0),
    Target("messages/s 4 KiB ws, whole road ÷ the fastest bare peer", "ws 4 KiB", ratio("rate", *BARE_PEERS), "≥", 1.0),
    Target("messages/s 64 B wss, whole road ÷ npm ws", "wss 64 B", ratio("rate", NPM_WS), "≥", 1.5),
    Target("messages/s 4 KiB wss, whole road ÷ npm ws", "wss 4 KiB", ratio("rate", NPM_WS), "≥", 1.0),
    Target("messages/s 64 B ws, whole road ÷ Node-RED flow", "ws 64 B", ratio("rate", NODE_RED), "≥", 10.0),
    Target("messages/s, 1,000 rules on one trigger ÷ one", "rules", None, "≥", 0.8),
    Target("memory per idle session beyond its instance, ws", "memory ws", None, "≤", 8.0, "KiB"),
    Target("memory per idle session beyond its instance, wss", "memory wss", None, "≤", 30.0, "KiB"),
    Target("processor for 1,000 idle sessions, pings every 20 s", "processor", None, "≤", 1.0, "%"),
    Target("stripped module, x86-64", "size x86-64", None, "≤", 560.0, "KB"),
    Target("stripped module, armhf", "size armhf", None, "≤", 420.0, "KB"),
    Target("iomhost run to WebSocket Established on loopback", "start", None, "≤", 50.0, "ms"),
    Target("allocations per message in steady state, ws", "allocations ws", None, "≤", 0.001),
    Target("allocations per message in steady state, wss", "allocations wss", None, "≤", 0.001),
]

# What a quick run races: only those that a figure hangs on, against those it names.
QUICK = {"ws 64 B, round trip": [ROAD, LIBWEBSOCKETS], "ws 64 B": [ROAD, *BARE_PEERS, NODE_RED],
         "ws 4 KiB": [ROAD, *BARE_PEERS], "wss 64 B": [ROAD, NPM_WS], "wss 4 KiB": [ROAD, NPM_WS]}


COST = "processor time, µs per message, 64 B"


class Bench:
    def __init__(self, options, place):
        self.options = options
        self.place = place
        self.rounds = options.rounds
        self.seconds = 0.3 if options.quick else 0.5
        self.wanted = re.compile(options.pattern or "")
        self.results = {"races": {}, "scaling": {}, "counted": {}, "rooms": {}}
        self.values = {}  # case of a figure that is no race → values
        self.failed = {}  # case → why it, or somebody in it, was not measured

    def say(self, what):
        if sys.stderr.isatty():
            print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)

    def want(self, case):
        """Whether a case is asked for by its own name or by a figure's that hangs on it."""
        return bool(self.wanted.search(case)) or any(
            target.case == case and self.wanted.search(target.name) for target in TARGETS)

    def turns(self, title, runs):
        """Runs all of them in turn, again and again; answers what each gave. runs: [(key, function)]"""
        seen = {key: [] for key, _ in runs}
        for turn in range(self.rounds):
            first = turn % len(runs)
            for key, run in runs[first:] + runs[:first]:
                if seen[key] is None:
                    continue
                self.say(f"{title}: turn {turn + 1} of {self.rounds}, {key}")
                seen[key] = self.attempt(title, lambda key=key, run=run: [*seen[key], run()])
        self.say("")
        return seen

    def attempt(self, case, run):
        """What it answers, or nothing where it failed: the others are measured all the same."""
        try:
            return run()
        except (Failed, OSError, ValueError, subprocess.CalledProcessError) as failed:
            self.say("")
            print(f"bench: {case}: {failed}", file=sys.stderr)
            self.failed.setdefault(case, str(failed))
            return None

    # ---- races ----------------------------------------------------------------------------------------------------

    def race(self):
        for name, case in races().items():
            if not self.want(name) or (self.options.quick and not self.options.pattern and name not in QUICK):
                continue
            who = QUICK[name] if self.options.quick and name in QUICK else [one for one in ALL if can(one, case)]
            if self.options.against:
                who = [ROAD, OTHER]
            self.results["races"][name] = self.turns(name, [
                (one, lambda one=one: measure(self.place, one, case, self.seconds)) for one in who])

    def race_tables(self, brief=False):
        """brief: medians alone, for a page that is not as wide as a terminal."""
        for metric, title, pick in (("rate", "messages/s (and whole road ÷ each)", report.rate),
                                    ("processor_us", "processor time per message, µs (and whole road ÷ each)", short),
                                    ("p50_us", "round trip, µs, median (and whole road ÷ each)", short),
                                    ("p99_us", "round trip, µs, 99th percentile (and whole road ÷ each)", short)):
            rows = []
            for name, seen in self.results["races"].items():
                if metric != "processor_us" and name.endswith("round trip") != (metric in ("p50_us", "p99_us")):
                    continue
                row = [name]
                for who in self.columns():
                    if who not in seen:
                        row.append("–")
                        continue
                    if not seen[who]:
                        row.append("failed")
                        continue
                    values = [one[metric] for one in seen[who]]
                    cell = pick(median(values))
                    if brief:
                        pass
                    elif who == ROAD:
                        cell += f" ±{50 * (max(values) - min(values)) / median(values):.0f} %"
                    elif seen.get(ROAD):
                        ratios = [ours[metric] / one[metric] for ours, one in zip(seen[ROAD], seen[who])]
                        cell += f"  ({short(median(ratios))}: {spread(ratios)})"
                    row.append(cell)
                share = max((one["driver"] for values in seen.values() for one in values or []), default=0)
                row.append(f"{share:.2f}" + (": driver is the bottleneck" if share > 0.9 else ""))
                rows.append(row)
            if rows:
                yield [[title.partition(" (and")[0] if brief else title, *self.columns(), "driver"], *rows]

    def columns(self):
        there = {who for seen in self.results["races"].values() for who in seen}
        return [who for who in [*ALL, OTHER] if who in there]

    # ---- cost against numbers -------------------------------------------------------------------------------------

    def scale(self):
        numbers = [1, 1000] if self.options.quick else [1, 10, 100, 1000]
        if self.want("rules"):
            seen = self.turns("rules", [(number, lambda number=number: measure(
                self.place, ROAD, {"size": 64, "in_flight": 256, "rules": number}, self.seconds)) for number in numbers])
            self.results["scaling"]["rules"] = seen
            if seen[1] and seen[1000]:
                self.values["rules"] = [many["rate"] / one["rate"] for one, many in zip(seen[1], seen[1000])]
        if self.want("instances") and (self.options.pattern or not self.options.quick):
            self.results["scaling"]["instances"] = self.turns("instances", [(number, lambda number=number: measure(
                self.place, ROAD, {"size": 64, "in_flight": max(1, 256 // number), "sessions": number},
                self.seconds)) for number in numbers])

    def panels(self):
        drawn = []
        for key, title, axis in (("rules", COST, "rules on one trigger, the last one matches"),
                                 ("instances", COST, "instances, all of them echo")):
            seen = self.results["scaling"].get(key)
            if seen and len(seen) > 2 and all(seen.values()):
                drawn.append((title, axis, [(number, [one["processor_us"] for one in values])
                                            for number, values in seen.items()]))
        return drawn

    # ---- counted --------------------------------------------------------------------------------------------------

    def count(self):
        if self.want("start"):
            self.values["start"] = self.attempt("start", lambda: [
                1000 * counted.established(self.place) for _ in range(max(self.rounds, 9))])
        for scheme, secure in (("ws", False), ("wss", True)):
            case = f"allocations {scheme}"
            if self.want(case):
                self.values[case] = self.attempt(case, lambda secure=secure: [
                    counted.allocations(self.place, secure, 1.0) for _ in range(self.rounds)])
        self.idle()
        for name, target, strip in (("size x86-64", "release", "strip"),
                                    ("size armhf", "armhf", "arm-linux-gnueabihf-strip")):
            if self.want(name):
                self.values[name] = self.attempt(name, lambda target=target, strip=strip: [
                    counted.stripped_size(self.place, target, strip) / 1000])
        self.say("")

    def idle(self):
        """ws and wss in turns, so that what else the machine does falls on both."""
        kinds = [(f"memory {scheme}", secure, not secure and self.want("processor"))
                 for scheme, secure in (("ws", False), ("wss", True))]
        found = {name: [] for name, _, processor in kinds if processor or self.want(name)}
        for turn in range(3 if self.options.quick else self.rounds):
            for name, secure, processor in kinds:
                if found.get(name) is None:
                    continue
                self.say(f"1,000 idle sessions, {name}: turn {turn + 1}")
                # A whole period of the pings.
                found[name] = self.attempt(name, lambda name=name, secure=secure, seconds=20 if processor else 0: [
                    *found[name], counted.idle(self.place, secure, seconds)])
        for name, _, processor in kinds:
            if found.get(name):
                self.results["counted"][name] = found[name]
                self.values[name] = [one["session"] / 1024 for one in found[name]]
                if processor:
                    self.values["processor"] = [100 * one["processor"] for one in found[name]]
            elif processor and name in self.failed:
                self.failed["processor"] = self.failed[name]

    def look_at_rooms(self):
        if self.want("rooms"):
            self.say("rooms")
            self.results["rooms"] = counted.rooms(self.rounds)
            self.say("")

    def room_rows(self):
        yield ["pure rooms", "ns", "spread", "allocations"]
        for name, runs in self.results["rooms"].items():
            times = [time for time, _ in runs]
            yield [name, short(median(times)), spread(times), short(max(count for _, count in runs))]

    # ---- the figures ----------------------------------------------------------------------------------------------

    def judge(self):
        """For each figure that is asked for: target, value, values, remark, whether it holds; without a value the
        remark says why it has none."""
        for target in TARGETS:
            if not (self.wanted.search(target.case) or self.wanted.search(target.name)):
                continue
            values, remark = None, ""
            if target.take:
                taken = target.take(self.results["races"].get(target.case, {}))
                if taken:
                    values, against = taken
                    remark = against if "fastest" in target.name else ""
            else:
                values = self.values.get(target.case)
            if values:
                if target.case in self.results["counted"]:
                    own = median([one["instance"] for one in self.results["counted"][target.case]]) / 1024
                    remark = f"the instance itself: {short(own)} KiB"
                value = median(values)
                yield target, value, values, remark, target.holds(value)
            else:
                yield target, None, [], self.failed.get(target.case, "nobody to measure took part"), None


def figure_rows(judged):
    rows = [["figure", "measured", "spread", "limit", ""]]
    for target, value, values, remark, holds in judged:
        unit = f" {target.unit}" if target.unit else ""
        limit = f"{target.sense} {short(target.limit)}{unit}"
        if value is None:
            rows.append([target.name, "not measured", "", limit, remark.strip().partition("\n")[0]])
            continue
        rows.append([target.name + (f" ({remark})" if remark else ""), short(value) + unit,
                     spread(values) if len(values) > 1 else "", limit, "ok" if holds else "MISSED"])
    return rows


def versions():
    """Of what is not built here."""
    found = {}
    for name, command in (("node", ["node", "--version"]), ("openssl", ["openssl", "version"]),
                          ("gcc", ["gcc", "--version"])):
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        found[name] = said.partition("\n")[0]
    for name in ("ws", "bufferutil", "node-red"):
        about = ROOT / "test" / "bench" / "node_modules" / name / "package.json"
        found[f"npm {name}"] = json.loads(about.read_text(encoding="utf-8"))["version"] if about.exists() else ""
    return found


def machine():
    model = re.search(r"model name\s*: (.+)", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True,
                            check=False).stdout.strip()
    return {"processor": model[1] if model else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load": os.getloadavg()[0], "commit": commit, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}


BEGIN = "<!-- figures: written by ./dev bench --publish -->\n"
END = "<!-- end of figures -->\n"


def publish(bench, rows, about):
    """Plot and table into docs/ and README.md."""
    panels = bench.panels()
    if len(panels) != 2 or any(row[1] == "not measured" for row in rows):
        print("bench: not published, as not all was measured: mend what is said above and run it again.",
              file=sys.stderr)
        return False
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "cost.svg").write_text(report.plot(panels), encoding="utf-8")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    races = "\n".join(report.markdown(each) for each in bench.race_tables(brief=True))
    written = (f"{BEGIN}\n{report.markdown(rows)}\n"
               f"Medians of {bench.rounds} turns; a figure is the median of the ratios within each turn. "
               f"{about['processor']}, {about['cores']} cores, Linux {about['kernel']}; commit {about['commit']}. "
               f"The whole road runs with `--no-web --log-level warning`.\n\n"
               f"{races}\n"
               f"![Processor time per message, µs, against number of rules and of instances](docs/cost.svg)\n\n{END}")
    readme.write_text(before + written + after, encoding="utf-8")
    return True


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short turns, and only what a figure hangs on")
    parser.add_argument("-k", dest="pattern", metavar="PATTERN",
                        help="only cases and figures whose names match this regular expression")
    parser.add_argument("--json", metavar="FILE", help="all values, also those of each turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--publish", action="store_true", help="write docs/cost.svg and the figures in README.md")
    parser.add_argument("--against", metavar="BUILD",
                        help="race this build's host against another one's (a build folder), nobody else")
    parser.add_argument("--list", action="store_true", help="print the names of cases and figures")
    options = parser.parse_args()
    if options.list:
        print("\n".join([*races(), "rules", "instances", "rooms", "", *(target.name for target in TARGETS)]))
        return 0
    check(parser, options)
    if options.against:
        host = pathlib.Path(options.against).resolve() / "iomhost"
        STARTS[OTHER] = lambda *how: ([host, *road(*how)[0][1:]], {})
    with tempfile.TemporaryDirectory(prefix="iom-bench-") as folder:
        bench = Bench(options, Place(folder))
        about = machine()
        bench.race()
        if not options.against:
            bench.scale()
            bench.count()
            bench.attempt("rooms", bench.look_at_rooms)
        return tell(bench, about)


def check(parser, options):
    """What cannot come to anything is refused before it takes half an hour."""
    try:
        wanted = re.compile(options.pattern or "")
    except re.error as error:
        parser.error(f"-k takes a regular expression, and '{options.pattern}' is none: {error}.")
    names = list(races())
    if options.against:
        if not (pathlib.Path(options.against) / "iomhost").exists():
            parser.error(f"--against takes a build folder, and there is no iomhost in {options.against}.")
    else:
        names += ["rules", "instances", "rooms"]
    names += [name for target in TARGETS if not options.against or target.take for name in (target.case, target.name)]
    if not any(wanted.search(name) for name in names):
        parser.error(f"-k '{options.pattern}' matches no case and no figure; --list prints their names.")
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more.")
    if options.json:
        try:
            with open(options.json, "a", encoding="utf-8"):
                pass
        except OSError as error:
            parser.error(f"--json {options.json} cannot be written: {error.strerror}.")
    if options.publish:
        if options.quick or options.pattern or options.against:
            parser.error("--publish takes a whole run, without --quick, -k and --against.")
        if options.rounds < 5:
            parser.error("--publish takes 5 --rounds or more.")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        if not 0 <= readme.find(BEGIN) < readme.find(END):
            parser.error(f"--publish writes between two lines of README.md, which are not there: {BEGIN}{END}")


def tell(bench, about):
    """Tables, JSON, README; answers the exit status."""
    options = bench.options
    for rows in bench.race_tables():
        report.table(rows)
        print()
    for name, seen in bench.results["scaling"].items():
        rows = [[f"µs per message, {name}", "by rate", "spread", "processor", "spread"]]
        for number, values in seen.items():
            if not values:
                rows.append([f"{number:,}", "failed", "", "failed", ""])
                continue
            by_rate, processor = [1e6 / one["rate"] for one in values], [one["processor_us"] for one in values]
            rows.append([f"{number:,}", short(median(by_rate)), spread(by_rate), short(median(processor)),
                         spread(processor)])
        report.table(rows)
        print()
    if bench.results["rooms"]:
        report.table(list(bench.room_rows()))
        print()
    judged = [] if options.against else list(bench.judge())
    rows = figure_rows(judged)
    if judged:
        report.table(rows)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps({
            "machine": about, "versions": versions(), "rounds": bench.rounds, "quick": options.quick,
            "seconds": bench.seconds, "pattern": options.pattern, "cases": races(), **bench.results,
            "failed": bench.failed,
            "figures": [{"name": target.name, "value": value, "values": values, "unit": target.unit,
                         "limit": f"{target.sense} {target.limit}", "remark": remark, "holds": holds}
                        for target, value, values, remark, holds in judged]}, indent=1), encoding="utf-8")
    for target, value, _, remark, holds in judged:
        if value is None:
            print(f"bench: not measured: {target.name}: {remark}", file=sys.stderr)
        elif not holds:
            print(f"bench: missed: {target.name}", file=sys.stderr)
    published = not options.publish or publish(bench, rows, about)
    if bench.failed or not published or any(value is None for _, value, _, _, _ in judged):
        return 2
    return 0 if all(holds for *_, holds in judged) else 1


try:
    sys.exit(main())
except Exception as error:  # status 1 is for what was missed alone
    print(f"bench: {type(error).__name__}: {error}", file=sys.stderr)
    sys.exit(2)
