#!/usr/bin/env python3
"""A cluster of three nats-servers under load, rolled to this server node by node, and back.

    upgrade_walk.py --server build/martlet-server [--nats-server COMMAND]... [--full] [--strict]

Meanwhile programs with real client libraries (`roam load`, see README.md) publish, subscribe, ask and
answer in a queue group; all is numbered. For each program is counted: requests that got no answer
and no refusal, answers that were given and did not arrive, requests that were answered twice, numbers
missed or heard twice, the longest silence. The same walk from nats-server to the same nats-server is
the measure: a walk passes without duplicates and with no more lost than that one loses.

Without --full it is one walk: to and from the newest nats-server there is, by SIGTERM.
"""
import argparse
import collections
import contextlib
import json
import os
import shlex
import signal
import sys
import time

from roaming import Clients, Node, Program, find_servers, stable_port  # first: leads to the others
from clients import ROOT
from cluster import mesh
from harness import Skip, Tally, expect, write_config
from stall_watch import StallWatch

CLIENTS = ("go", "python", "c")
NAMES = "ABC"
# The shortest that nats-server takes.
LAME_DUCK = 'lame_duck_grace_period: "1s"\nlame_duck_duration: "30s"\n'
STALL_MS = 50  # in which each client sends as much as a walk may lose by chance
STOPS = {"SIGTERM": signal.SIGTERM, "lame duck": signal.SIGUSR2}

COLUMNS = ("requests", "no answer", "answer lost", "refused", "twice", "silence ms",
           "messages", "missed", "twice ", "silence ms ")


class Rolled:
    """Three nodes on ports and with flags that stay the same, whatever server runs there."""

    def __init__(self, stack):
        self.stack = stack
        self.ports = {name: stable_port() for name in NAMES}
        self.routes = {name: stable_port() for name in NAMES}
        self.conf = write_config(LAME_DUCK)
        self.nodes = {}

    def start(self, name, kind):
        routes = ",".join(f"nats://localhost:{port}" for port in self.routes.values())
        words = (f"-c {self.conf} -D -a 127.0.0.1 -p {self.ports[name]} -n {name} "
                 f"-cluster nats://localhost:{self.routes[name]} -cluster_name walk -routes {routes}")
        command = [*shlex.split(kind.command), *kind.flags]
        self.nodes[name] = self.stack.enter_context(Node(command, words.split(), self.ports[name]))

    def replace(self, name, kind, number):
        self.nodes[name].interrupt(number, 60)
        self.start(name, kind)
        mesh(list(self.nodes.values()), 20)

    def urls(self):
        return ",".join(f"nats://127.0.0.1:{port}" for port in self.ports.values())


def walk(args, clients, old, new, number):
    """One roll from `old` to `new` and back; {client: its figures}."""
    with contextlib.ExitStack() as stack:
        rolled = Rolled(stack)
        for name in NAMES:
            rolled.start(name, old)
        mesh(list(rolled.nodes.values()), 20)
        programs = {
            name: stack.enter_context(Program([*argv, "load", rolled.urls(), name, "walk",
                                               str(args.rate)]))
            for name, argv in clients.argv.items()}
        for program in programs.values():
            program.await_line("ready")
        for program in programs.values():
            program.say()
        time.sleep(args.pause)
        for kind in (new, old):
            for name in NAMES:
                rolled.replace(name, kind, number)
                time.sleep(args.pause)
        for program in programs.values():
            program.say()
        reports = {name: json.loads(program.await_line("report ")[len("report "):])
                   for name, program in programs.items()}
    return figures(reports)


def figures(reports):
    """What the reports of all programs say together, for each of them."""
    handled = collections.Counter()
    for report in reports.values():
        for asker, numbers in report["handled"].items():
            handled.update((asker, number) for number in numbers)
    rows = {}
    for name, report in reports.items():
        requests, messages = report["requests"], report["messages"]
        missing = requests["missing"]
        answered = [number for number in missing if handled[name, number]]
        again = sum(times - 1 for (asker, _), times in handled.items() if asker == name)
        rows[name] = dict(zip(COLUMNS, (
            requests["sent"], len(missing) - len(answered), len(answered), requests["refused"],
            requests["twice"] + again, requests["gap_ms"],
            messages["sent"], len(messages["missing"]), messages["twice"], messages["gap_ms"])))
    return rows


def total(rows, *columns):
    return sum(row[column] for row in rows.values() for column in columns)


class Table:
    """All walks, printed at the end."""

    def __init__(self):
        self.lines = []

    def add(self, what, rows):
        for client, row in rows.items():
            self.lines.append([what, client, *(str(row[column]) for column in COLUMNS)])

    def show(self):
        head = ["roll", "client", *(column.strip() for column in COLUMNS)]
        lines = [head, *self.lines]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        for line in lines:
            texts = [text.ljust(width) if i < 2 else text.rjust(width)
                     for i, (text, width) in enumerate(zip(line, widths))]
            print("  ".join(texts))


def compare(args, clients, own, other, stop, table):
    """The walk and its measure, as often as --walks says, in turns.

    A walk loses what is under way at six moments: some more or less by chance, and many more where
    the machine stands still at one of them. What seems to lose more where it did walks again, up to
    twice as often and once more; all walks count.
    """
    sums = {own: collections.Counter(), other: collections.Counter()}
    stalled_ms = 0
    for walks in range(1, 2 * args.walks + 2):
        watch = StallWatch()
        for new in (other, own):
            rows = walk(args, clients, other, new, STOPS[stop])
            table.add(f"{other} -> {new} -> {other}, {stop}", rows)
            add(sums[new], rows)
        watch.stop()
        stalled_ms = max(stalled_ms, watch.longest_ms())
        here, there = sums[own], sums[other]
        told = ", ".join(f"{what} {here[what]} ({there[what]})"
                         for what in ("lost", "missed", "refused", "silence")) + f" ms, {walks} walks"
        expect(here["twice"] == 0, f"{here['twice']} duplicates; {told}")
        more = [what for what in ("lost", "missed")
                if here[what] > there[what] + args.chance * walks]
        if walks >= args.walks and not more:
            return told
        if walks >= args.walks and stalled_ms < STALL_MS:
            break
    raise AssertionError(f"more {' and '.join(more)}: {told}; the machine stood still for "
                         f"{stalled_ms:.0f} ms at most")


def add(sums, rows):
    sums.update({
        "twice": total(rows, "twice", "twice "),
        "lost": total(rows, "no answer", "answer lost"),
        "missed": total(rows, "missed"),
        "refused": total(rows, "refused"),
    })
    silences = [row[column] for row in rows.values() for column in ("silence ms", "silence ms ")]
    sums["silence"] = max(sums["silence"], *silences)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="server command")
    parser.add_argument("--nats-server", action="append", default=[], metavar="COMMAND")
    parser.add_argument("--cache", default=os.environ.get("MARTLET_INTEROP_CACHE")
                        or ROOT / "build" / "interop", help="where clients are built")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose name matches")
    parser.add_argument("--no-build", action="store_true", help="run only what is built already")
    parser.add_argument("--strict", action="store_true", help="a skip is a failure (for CI)")
    parser.add_argument("--full", action="store_true", help="all nats-servers, both ways to stop")
    parser.add_argument("--quick", action="store_true", help="the default: less than a minute")
    parser.add_argument("--walks", type=int, help="of each kind (1, with --full 3)")
    parser.add_argument("--rate", type=int, default=100, help="messages and requests a second, each")
    parser.add_argument("--pause", type=float, default=2.3, help="seconds between two steps; nats.py "
                        "waits for 2 before it tries a server again")
    parser.add_argument("--chance", type=int, default=10, help="losses more than the measure's")
    args = parser.parse_args()
    args.walks = args.walks or (3 if args.full else 1)
    tally, table = Tally(args.only), Table()
    clients = Clients(args.cache, CLIENTS, not args.no_build)
    clients.report_missing(tally, args.strict)
    own, others = find_servers(args, args.server)

    def nobody():
        expect(not args.strict, "no nats-server (--strict)")
        raise Skip("no nats-server here; tools/install-interop, or --nats-server")

    if not others:
        tally.run("nats-server", nobody)
    for other in others if args.full else others[:1]:
        for stop in STOPS if args.full else ["SIGTERM"]:
            tally.run(f"{other} to {own} and back, {stop}", compare, args, clients, own, other, stop,
                      table)
    table.show()
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
