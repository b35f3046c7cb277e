#!/usr/bin/env python3
"""A cluster in a network that breaks: how soon is it whole again, and was any message lost unsaid?

  partitions.py --server build/martlet-server [--nodes 4] [--faults 500] [--seed 1]
                [--nats-server COMMAND] [--topology seed|all] [--only KIND]

Every node has a network namespace of its own, so this needs root, and the tools ip, nft and ss; it
is skipped without. Faults come one after the other, of a kind, between nodes and for a time that
the seed chooses. After each the mesh must be whole within two seconds: each node has a route to
each other one, and messages of old and of fresh subscriptions pass between all. All the time
numbered messages flow between clients of all nodes; none may come twice or out of order, and where
numbers are missing a log must tell why: a route between the two that closed, a server that was
killed, or one that had just started and knew nothing of the other's wishes yet.

With --nats-server every second node is one of those, and times are told but not judged where it has
a part in it.
"""
import argparse
import calendar
import collections
import os
import random
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time

from harness import Skip
from network_lab import NetworkLab, address
from numbered_traffic import Traffic

CLIENT_PORT = 4222
ROUTE_PORT = 6222
HEAL_SECONDS_MAX = 2.0
HEAL_SECONDS_P99 = 1.2
GIVE_UP_SECONDS = 20.0
SKIPPED = 77  # as meson has it
# Between the clock of the driver and the lines of a log.
SLACK_SECONDS = 0.5

Closed = collections.namedtuple("Closed", "time node peer reason")


class Member:
    """One server of the cluster, restarted with the same ports and name."""

    def __init__(self, lab, number, command, routes, directory):
        self.lab, self.number, self.name = lab, number, f"N{number}"
        self.log_path = os.path.join(directory, self.name + ".log")
        config = os.path.join(directory, self.name + ".conf")
        with open(config, "w") as file:
            file.write(CONFIG % (self.name, CLIENT_PORT, address(number), ROUTE_PORT, routes))
        self.command = [*command, "-D", "-c", config]
        self.process = None
        self.offset = 0
        self.rest = ""
        self.open_routes = {}  # rid -> peer's id
        self.start()

    def start(self):
        self.open_routes = {}
        self.ready_at = None
        self.process = self.lab.start(self.number, self.command, self.log_path)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def read_log(self, closed):
        """Takes in what the log has new; adds to `closed`."""
        with open(self.log_path, errors="replace") as log:
            log.seek(self.offset)
            text = self.rest + log.read()
            self.offset = log.tell()
        lines = text.split("\n")
        self.rest = lines.pop()
        for line in lines:
            if f"[{self.process.pid}] " in line:
                self._read_line(line, closed)

    def _read_line(self, line, closed):
        if "Server is ready" in line:
            self.ready_at = time_of(line)
        rid = re.search(r" - rid:(\d+) - ", line)
        if not rid:
            return
        peer = re.search(r'Registering remote route "([^"]+)"', line)
        if peer:
            self.open_routes[rid.group(1)] = peer.group(1)
            return
        end = re.search(r"Router connection closed: (.*?)(?: - Remote: (\S+))?$", line)
        if end:
            self.open_routes.pop(rid.group(1), None)
            closed.append(Closed(time_of(line), self.name, end.group(2), end.group(1)))


CONFIG = """
server_name: %s
listen: "0.0.0.0:%d"
cluster {
  name: chaos
  listen: "%s:%d"
  routes: [%s]
  ping_interval: "1s"
  ping_max: 2
}
"""


def time_of(line):
    date, clock = line.split()[1:3]
    whole, part = clock.split(".")
    stamp = time.strptime(f"{date} {whole}", "%Y/%m/%d %H:%M:%S")
    return calendar.timegm(stamp) - calendar_offset() + float("0." + part)


def calendar_offset():
    return calendar.timegm(time.localtime()) - int(time.time() // 1)


class Fault:
    """Something that breaks, and can be mended. `parts`: the nodes that have a part in it."""

    def __init__(self, kind, text, parts, begin, end):
        self.kind, self.text, self.parts = kind, text, parts
        self.begin, self.end = begin, end


class Nemesis:
    """Chooses faults."""

    KINDS = ("link", "one-way", "pair", "split", "reset", "refuse", "pause", "kill", "slow",
             "lossy")

    def __init__(self, cluster, dice, only):
        self.cluster, self.lab, self.dice = cluster, cluster.lab, dice
        self.kinds = [kind for kind in self.KINDS if not only or re.search(only, kind)]

    def choose(self):
        kind = self.dice.choice(self.kinds)
        numbers = list(self.lab.numbers)
        self.dice.shuffle(numbers)
        seconds = 0.05 * 100 ** self.dice.random()  # 50 ms to 5 s, short ones more often
        return getattr(self, "_" + kind.replace("-", "_"))(numbers), seconds

    def _link(self, numbers):
        n = numbers[0]
        return Fault("link", f"link of {n}", self.lab.numbers,
                     lambda: self.lab.link(n, "down"), lambda: self.lab.link(n, "up"))

    def _one_way(self, numbers):
        n, others = numbers[0], numbers[1:self.dice.randrange(2, len(numbers) + 1)]
        return Fault("one-way", f"{n} hears nothing of {others}", [n, *others],
                     lambda: self.lab.deafen(n, others), lambda: self.lab.hear_all(n))

    def _cut(self, kind, some, others):
        def begin():
            for n in some:
                self.lab.deafen(n, others)
            for n in others:
                self.lab.deafen(n, some)

        def end():
            for n in [*some, *others]:
                self.lab.hear_all(n)
        return Fault(kind, f"{some} | {others}", [*some, *others], begin, end)

    def _pair(self, numbers):
        return self._cut("pair", numbers[:1], numbers[1:2])

    def _split(self, numbers):
        at = self.dice.randrange(1, len(numbers))
        return self._cut("split", numbers[:at], numbers[at:])

    def _reset(self, numbers):
        one, two = numbers[:2]
        return Fault("reset", f"connections of {one} and {two}", [one, two],
                     lambda: self.lab.reset(one, two), lambda: None)

    def _refuse(self, numbers):
        n, others = numbers[0], numbers[1:self.dice.randrange(2, len(numbers) + 1)]
        return Fault("refuse", f"{n} refuses {others}", [n, *others],
                     lambda: self.lab.refuse(n, others), lambda: self.lab.hear_all(n))

    def _pause(self, numbers):
        process = self.cluster.members[numbers[0]].process
        return Fault("pause", f"{numbers[0]} stands still", self.lab.numbers,
                     lambda: process.send_signal(signal.SIGSTOP),
                     lambda: process.send_signal(signal.SIGCONT))

    def _kill(self, numbers):
        n = numbers[0]
        return Fault("kill", f"{n} dies", self.lab.numbers,
                     lambda: self.cluster.kill(n), lambda: self.cluster.restart(n))

    def _slow(self, numbers):
        n, delay = numbers[0], self.dice.choice((0.02, 0.1, 0.3))
        return Fault("slow", f"{n} is {delay * 1e3:.0f} ms away", self.lab.numbers,
                     lambda: self.lab.begin_slow(n, delay, 0.0, n),
                     lambda: self.lab.end_slow(n))

    def _lossy(self, numbers):
        n, loss = numbers[0], self.dice.choice((0.05, 0.2, 0.4))
        seed = self.dice.randrange(1 << 30)
        return Fault("lossy", f"{n} loses {loss:.0%}", self.lab.numbers,
                     lambda: self.lab.begin_slow(n, 0.001, loss, seed),
                     lambda: self.lab.end_slow(n))


class Cluster:
    """All members, their logs and the traffic between their clients."""

    def __init__(self, lab, commands, topology, directory):
        self.lab = lab
        self.closed = []
        self.kills = []  # (time, name)
        self.starts = []  # (time, name); again, after a kill
        self.members = {}
        for number, command in zip(lab.numbers, commands):
            seeds = lab.numbers if topology == "all" else lab.numbers[:1]
            routes = ", ".join(f'"nats-route://{address(n)}:{ROUTE_PORT}"' for n in seeds
                               if n != number)
            self.members[number] = Member(lab, number, command, routes, directory)
        self.traffic = Traffic(lab, CLIENT_PORT)

    def close(self):
        self.traffic.stop()
        for member in self.members.values():
            member.process.send_signal(signal.SIGCONT)
            member.kill()

    def kill(self, number):
        self.kills.append((time.time(), self.members[number].name))
        self.members[number].kill()

    def restart(self, number):
        member = self.members[number]
        member.start()
        deadline = time.monotonic() + 10
        while member.ready_at is None and time.monotonic() < deadline:
            time.sleep(0.005)
            member.read_log(self.closed)
        self.starts.append((member.ready_at or time.time(), member.name))

    def read_logs(self):
        for member in self.members.values():
            member.read_log(self.closed)

    def routes(self):
        """(each node has a route to each other one, and the whole pool)"""
        self.read_logs()
        ids = {n: client.server_id for n, client in self.traffic.clients.items()}
        meshed = whole = True
        for number, member in self.members.items():
            count = collections.Counter(member.open_routes.values())
            for other, peer in ids.items():
                if other != number:
                    meshed &= peer is not None and count[peer] >= 1
                    whole &= peer is not None and count[peer] >= 4
        return meshed, whole

    def alive(self):
        for member in self.members.values():
            if member.process.poll() is not None:
                raise AssertionError(f"{member.name} ended with {member.process.returncode}: "
                                     f"{tail(member.log_path)}")

    def explained(self, gap):
        names = {f"N{gap.source}", f"N{gap.target}"}
        begin, end = gap.first_published - SLACK_SECONDS, gap.ended + SLACK_SECONDS
        if any(name in names and begin <= when <= end for when, name in self.kills):
            return "a server was killed"
        if any(name in names and when - SLACK_SECONDS <= gap.first_published <= when + HEAL_SECONDS_MAX
               for when, name in self.starts):
            return "a server had just started"
        for event in self.closed:
            if begin <= event.time <= end and {event.node, event.peer} == names:
                return event.reason
        return None


def tail(path, size=2000):
    with open(path, errors="replace") as file:
        return file.read()[-size:]


def wait_whole(cluster, seconds):
    """Seconds until messages of both kinds passed between all, mesh and pool were whole; or None."""
    begin = cluster.traffic.begin_probe()
    heal = mesh = pool = None
    while time.time() < begin + seconds:
        if heal is None and not cluster.traffic.missing():
            heal = cluster.traffic.healed_after()
        if mesh is None or pool is None:
            meshed, whole = cluster.routes()
            now = time.time() - begin
            mesh = now if meshed and mesh is None else mesh
            pool = now if whole and pool is None else pool
        if heal is not None and mesh is not None and pool is not None:
            break
        cluster.alive()
        time.sleep(0.005)
    return heal, mesh, pool


class Figures:
    """Times by kind of fault."""

    def __init__(self):
        self.rows = collections.defaultdict(list)

    def add(self, kind, heal, mesh, pool):
        self.rows[kind].append((max(heal, mesh), pool))

    def all(self):
        return sorted(heal for row in self.rows.values() for heal, _ in row)

    def print(self):
        print("kind        n     half     p90     p99     max   pool half     max   (seconds)")
        for kind in [*sorted(self.rows), "all"]:
            rows = self.rows[kind] if kind != "all" else sum(self.rows.values(), [])
            heals = sorted(row[0] for row in rows)
            pools = sorted(row[1] for row in rows)
            print(f"{kind:8} {len(rows):4}   {at(heals, .5):6.3f}  {at(heals, .9):6.3f}  "
                  f"{at(heals, .99):6.3f}  {heals[-1]:6.3f}      {at(pools, .5):6.3f}  "
                  f"{pools[-1]:6.3f}")


def at(values, part):
    return values[min(len(values) - 1, int(len(values) * part))]


def judge(cluster, figures, args, judged):
    """All that is wrong, as lines."""
    wrong = []
    traffic = cluster.traffic
    causes = collections.Counter()
    for gap in traffic.gaps:
        why = cluster.explained(gap)
        causes[why or "NOTHING"] += gap.count
        if why is None:
            wrong.append(f"{gap.count} messages from {gap.source} to {gap.target} were lost at "
                         f"{gap.first_published:.3f}, and no log tells why")
    for source, target, number, before in traffic.disorder[:5]:
        wrong.append(f"message {number} of {source} came to {target} after {before}")
    for number, when in traffic.lost_clients:
        if not any(name == f"N{number}" and abs(at - when) < 2 for at, name in cluster.kills):
            wrong.append(f"the client of {number} lost its connection at {when:.3f}")
    print(f"{traffic.received} messages received; missing, by what the logs tell: "
          + (", ".join(f"{count} {why}" for why, count in causes.most_common()) or "none"))
    heals = figures.all()
    if judged and len(heals) >= 100 and at(heals, .99) > args.p99:
        wrong.append(f"p99 of the times to heal is {at(heals, .99):.2f} s")
    return wrong


def run(args, lab, directory):
    own = shlex.split(args.server)
    other = shlex.split(args.nats_server) if args.nats_server else own
    commands = [own if n % 2 else other for n in lab.numbers]
    judged = not args.nats_server and not args.lenient
    dice = random.Random(args.seed)
    cluster = Cluster(lab, commands, args.topology, directory)
    figures, wrong = Figures(), []
    try:
        if None in wait_whole(cluster, GIVE_UP_SECONDS):
            raise AssertionError(f"never whole: {tail(cluster.members[1].log_path)}")
        nemesis = Nemesis(cluster, dice, args.only)
        deadline = time.monotonic() + args.seconds if args.seconds else float("inf")
        for number in range(1, args.faults + 1):
            if time.monotonic() > deadline:
                break
            fault, seconds = nemesis.choose()
            fault.begin()
            time.sleep(seconds)
            fault.end()
            heal, mesh, pool = wait_whole(cluster, GIVE_UP_SECONDS)
            line = (f"{number:4} {fault.kind:8} {seconds:5.2f} s  {fault.text:32} "
                    f"messages {told(heal)}  mesh {told(mesh)}  pool {told(pool)}")
            if None in (heal, mesh, pool):
                wrong.append(line + f"  missing {cluster.traffic.missing()}")
                print(wrong[-1], flush=True)
                break
            figures.add(fault.kind, heal, mesh, pool)
            late = max(heal, mesh) > args.longest
            if late and judged:
                wrong.append(line)
            if late or args.verbose:
                print(line, flush=True)
            time.sleep(dice.random() * 0.3)
        cluster.traffic.stop()
        cluster.read_logs()
        if figures.rows:
            figures.print()
        wrong += judge(cluster, figures, args, judged)
    finally:
        cluster.close()
    return wrong


def told(seconds):
    return "never " if seconds is None else f"{seconds:6.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--nats-server")
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--seconds", type=float, help="no new fault after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--topology", choices=("seed", "all"), default="seed")
    parser.add_argument("--only", help="kinds of faults that match this pattern")
    parser.add_argument("--longest", type=float, default=HEAL_SECONDS_MAX)
    parser.add_argument("--p99", type=float, default=HEAL_SECONDS_P99)
    parser.add_argument("--lenient", action="store_true", help="times are told, not judged")
    parser.add_argument("--keep", help="a folder for the logs, which stay there")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    # Whoever ends this early wants no servers and namespaces to stay.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(f"seed {args.seed}, {args.nodes} nodes, routes to {args.topology}; load "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)
    directory = args.keep or tempfile.mkdtemp(prefix="martlet-test-")
    os.makedirs(directory, exist_ok=True)
    lab = None
    try:
        lab = NetworkLab(args.nodes)
        wrong = run(args, lab, directory)
    except Skip as why:
        print(f"SKIPPED, nothing was tested: {why}")
        return SKIPPED
    finally:
        if lab is not None:
            lab.close()
        if not args.keep:
            shutil.rmtree(directory)
    for line in wrong:
        print(f"WRONG  {line}")
    print("FAILED" if wrong else "passed", f"with seed {args.seed}; load now "
          f"{os.getloadavg()[0]:.1f}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
