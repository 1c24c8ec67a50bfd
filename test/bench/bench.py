#!/usr/bin/env python3
"""Speed and size, each figure side by side in one run: `./dev bench` builds what this needs and calls it.

Everybody echoes against the same driver, in turns, several times; a figure is the median of the ratios of the
turns. Exit status 1: a figure was missed; 2: a measurement failed."""

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
    for size in (64, 4096):
        cases[f"ws {NAMES[size]}, binary"] = {"size": size, "in_flight": IN_FLIGHT[size], "binary": True}
    for size, name in NAMES.items():
        cases[f"ws {name}, deflate"] = {"size": size, "in_flight": IN_FLIGHT[size], "deflate": True}
    cases["wss 4 KiB, deflate"] = {"size": 4096, "in_flight": 64, "secure": True, "deflate": True}
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
        there = [who for who in others if who in seen]
        if ROAD not in seen or not there:
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
    Target("memory per idle session, ws", "memory ws", None, "≤", 8.0, "KiB"),
    Target("memory per idle session, wss", "memory wss", None, "≤", 30.0, "KiB"),
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


class Bench:
    def __init__(self, options, place):
        self.options = options
        self.place = place
        self.rounds = options.rounds
        self.seconds = 0.3 if options.quick else 1.0
        self.wanted = re.compile(options.pattern or "")
        self.results = {"races": {}, "scaling": {}, "counted": {}, "rooms": {}}
        self.values = {}  # case of a figure that is no race → values

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
                self.say(f"{title}: turn {turn + 1} of {self.rounds}, {key}")
                seen[key].append(run())
        self.say("")
        return seen

    # ---- races ----------------------------------------------------------------------------------------------------

    def race(self):
        for name, case in races().items():
            if not self.want(name) or (self.options.quick and name not in QUICK):
                continue
            who = QUICK[name] if self.options.quick else [one for one in ALL if can(one, case)]
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
                if name.endswith("round trip") != (metric in ("p50_us", "p99_us")):
                    continue
                row = [name]
                for who in self.columns():
                    if who not in seen:
                        row.append("–")
                        continue
                    values = [one[metric] for one in seen[who]]
                    cell = pick(median(values))
                    if brief:
                        pass
                    elif who == ROAD:
                        cell += f" ±{50 * (max(values) - min(values)) / median(values):.0f} %"
                    else:
                        ratios = [ours[metric] / one[metric] for ours, one in zip(seen[ROAD], seen[who])]
                        cell += f"  ({short(median(ratios))}: {spread(ratios)})"
                    row.append(cell)
                rows.append(row)
            if rows:
                yield [[title.partition(" (and")[0] if brief else title, *self.columns()], *rows]

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
            self.values["rules"] = [many["rate"] / one["rate"] for one, many in zip(seen[1], seen[1000])]
        if self.want("instances") and not self.options.quick:
            self.results["scaling"]["instances"] = self.turns("instances", [(number, lambda number=number: measure(
                self.place, ROAD, {"size": 64, "in_flight": max(1, 256 // number), "sessions": number},
                self.seconds)) for number in numbers])

    def panels(self):
        drawn = []
        for key, title, axis in (("rules", "µs per message, 64 B", "rules on one trigger, the last one matches"),
                                 ("instances", "µs per message, 64 B", "instances, all of them echo")):
            seen = self.results["scaling"].get(key)
            if seen and len(seen) > 2:
                drawn.append((title, axis, [(number, [1e6 / one["rate"] for one in values])
                                            for number, values in seen.items()]))
        return drawn

    # ---- counted --------------------------------------------------------------------------------------------------

    def count(self):
        if self.want("start"):
            self.values["start"] = [1000 * counted.established(self.place) for _ in range(max(self.rounds, 9))]
        for scheme, secure in (("ws", False), ("wss", True)):
            if self.want(f"allocations {scheme}"):
                self.values[f"allocations {scheme}"] = [
                    counted.allocations(self.place, secure, 1.0) for _ in range(2)]
            processor = not secure and self.want("processor")
            if self.want(f"memory {scheme}") or processor:
                self.say(f"1,000 idle sessions, {scheme}")
                # Whole periods of the pings.
                found = counted.idle(self.place, secure, (20 if self.options.quick else 60) if processor else 0)
                self.values[f"memory {scheme}"] = [found["session"] / 1024]
                self.results["counted"][f"memory {scheme}"] = found
                if processor:
                    self.values["processor"] = [100 * found["processor"]]
        for name, target, strip in (("size x86-64", "release", "strip"),
                                    ("size armhf", "armhf", "arm-linux-gnueabihf-strip")):
            size = counted.stripped_size(self.place, target, strip) if self.want(name) else None
            if size is not None:
                self.values[name] = [size / 1000]
        self.say("")

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
        """For each figure that was measured: target, value, values, remark, whether it holds."""
        for target in TARGETS:
            values, remark = None, ""
            if target.take:
                taken = target.take(self.results["races"].get(target.case, {}))
                if taken:
                    values, against = taken
                    remark = against if "fastest" in target.name else ""
            else:
                values = self.values.get(target.case)
            if values:
                value = median(values)
                yield target, value, values, remark, target.holds(value)


def figure_rows(judged):
    rows = [["figure", "measured", "spread", "at least", ""]]
    for target, value, values, remark, holds in judged:
        unit = f" {target.unit}" if target.unit else ""
        rows.append([target.name + (f" ({remark})" if remark else ""), short(value) + unit,
                     spread(values) if len(values) > 1 else "", f"{target.sense} {short(target.limit)}{unit}",
                     "ok" if holds else "MISSED"])
    return rows


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
    if len(panels) != 2 or len(rows) <= len(TARGETS):
        print("bench: not published: that takes a whole run, without --quick and -k, and a module for armhf "
              "(./dev build --target armhf).", file=sys.stderr)
        return False
    docs = ROOT / "docs"
    docs.mkdir(exist_ok=True)
    (docs / "cost.svg").write_text(report.plot(panels), encoding="utf-8")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    races = "\n".join(report.markdown(each) for each in bench.race_tables(brief=True))
    written = (f"{BEGIN}\n{report.markdown([row[:4] for row in rows])}\n"
               f"Medians of {bench.rounds} turns; a figure is the median of the ratios within each turn. "
               f"{about['processor']}, {about['cores']} cores, Linux {about['kernel']}.\n\n"
               f"{races}\n"
               f"![µs per message against number of rules and of instances](docs/cost.svg)\n\n{END}")
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
    try:
        re.compile(options.pattern or "")
    except re.error as error:
        parser.error(f"-k takes a regular expression, and '{options.pattern}' is none: {error}.")
    if options.against:
        host = pathlib.Path(options.against).resolve() / "iomhost"
        STARTS[OTHER] = lambda *how: ([host, *road(*how)[0][1:]], {})
    about = machine()
    with tempfile.TemporaryDirectory(prefix="iom-bench-") as folder:
        bench = Bench(options, Place(folder))
        try:
            bench.race()
            if not options.against:
                bench.scale()
                bench.count()
                bench.look_at_rooms()
        except Failed as failed:
            bench.say("")
            print(f"bench: {failed}", file=sys.stderr)
            return 2
        for rows in bench.race_tables():
            report.table(rows)
            print()
        for name, seen in bench.results["scaling"].items():
            report.table([[f"µs per message, {name}", "median", "spread"],
                          *([f"{number:,}", short(median(costs)), spread(costs)] for number, costs in
                            ((number, [1e6 / one["rate"] for one in values]) for number, values in seen.items()))])
            print()
        for name, found in bench.results["counted"].items():
            print(f"{name}: {found['session'] / 1024:.1f} KiB per session, "
                  f"{found['instance'] / 1024:.1f} KiB per instance without one")
        if bench.results["rooms"]:
            print()
            report.table(list(bench.room_rows()))
            print()
        judged = [] if options.against else list(bench.judge())
        rows = figure_rows(judged)
        if judged:
            report.table(rows)
        missed = [target.name for target, _, _, _, holds in judged if not holds]
        if not options.against and bench.want("size armhf") and "size armhf" not in bench.values:
            print("bench: not measured: stripped module, armhf: there is none. Make it: ./dev build --target armhf",
                  file=sys.stderr)
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps({
                "machine": about, "rounds": options.rounds, **bench.results,
                "figures": [{"name": target.name, "value": value, "values": values, "unit": target.unit,
                             "limit": f"{target.sense} {target.limit}", "against": remark, "holds": holds}
                            for target, value, values, remark, holds in judged]}, indent=1), encoding="utf-8")
        for name in missed:
            print(f"bench: missed: {name}", file=sys.stderr)
        if options.publish and not publish(bench, rows, about):
            return 2
        return 1 if missed else 0


sys.exit(main())
