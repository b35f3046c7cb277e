#!/usr/bin/env python3
"""What the NATS documents on clusters tell their readers to do, done, with their command lines.

    seed_documents.py --server build/martlet-server [--only PATTERN] [--strict] [--full]

The documents are "Upgrading a Cluster", "Clustering" and a note on publishers on hot standby behind
`-sl reload`. Only ports differ from theirs. Clients are those that tools/install-interop brings; one
that is not there is named and skipped, or a failure with --strict. All cases pass on nats-server 2.15.1.
"""
import argparse
import contextlib
import json
import os
import re
import shlex
import signal
import statistics
import sys
import threading
import time

from roaming import Clients, Crier, Node, Program, find_servers, stable_port  # first: leads to the others
from clients import ROOT
from cluster import expect, mesh, subscribe, wait_for
from harness import Client, Tally, write_config
from stall_watch import StallWatch

CLIENTS = ("cli", "go", "python")
REFUSED = r"dial tcp (127\.0\.0\.1|\[::1\]):%d: connect: connection refused"


# --- "Upgrading a Cluster" ------------------------------------------------------------------------


class Upgrading:
    """The servers A, B and C of the document; without `more` they have no name and no address, as there."""

    def __init__(self, args, more=""):
        self.command, self.more = args.server, more
        self.ports = {name: stable_port() for name in "ABC"}
        self.routes = {name: stable_port() for name in "ABC"}
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def start(self, name, routes="AB", command=None):
        """`nats-server -D -p 4222 -cluster nats://localhost:6222 -routes nats://localhost:6222,...`"""
        words = f"-D -p {self.ports[name]} -cluster nats://localhost:{self.routes[name]}"
        if routes:
            words += " -routes " + ",".join(f"nats://localhost:{self.routes[to]}" for to in routes)
        node = Node(command or self.command, (words + self.more).split(), self.ports[name])
        return self.stack.enter_context(node)

    def url(self, name):
        return f"nats://localhost:{self.ports[name]}"


def upgrade(args, clients, old=None):
    """The hands-on part: clients hear of C, leave A, B and C as these stop, and lose nothing after.

    `old`: the server that A and B are before their upgrade.
    """
    crier = Crier("news")
    with Upgrading(args) as ours, contextlib.ExitStack() as stack:
        a = ours.start("A", command=old)
        refused = (r"\[ERR\] Error trying to connect to route \(attempt 1\): "
                   + REFUSED % ours.routes["B"])
        wait_for(lambda: re.search(refused, a.log()), "the line about B in the log of A")
        expect(f":{ours.routes['A']})" not in a.log(), "A has dialled itself")

        b = ours.start("B", command=old)
        mesh([a, b])

        before = a.clients_seen()
        programs = [stack.enter_context(clients.follow(name, ours.url("A"), ">"))
                    for name in clients.argv]
        wait_for(lambda: a.clients_seen() >= before + len(programs), "the new clients at A")
        crier.reaches(a, programs)

        with a.client() as raw:
            c = ours.start("C")
            def told():
                raw.until(b"INFO ")
                urls = json.loads(raw.line()).get("connect_urls", [])
                return any(url.endswith(f":{ours.ports['C']}") for url in urls)
            wait_for(told, "the INFO that names C, at a client of A")
        wait_for(lambda: all(p.knows(c.port) in (True, None) for p in programs),
                 "C known to the client libraries")
        mesh([a, b, c])

        def leave(node, others):
            """Ctrl+C; where clients were on it, one of the others reports them."""
            aboard = [p for p in programs if p.is_on() == node.port]
            seen = sum(other.clients_seen() for other in others)
            status = node.interrupt(signal.SIGINT)
            expect(status == 0, f"status {status} after SIGINT")
            if aboard:
                wait_for(lambda: sum(other.clients_seen() for other in others)
                         >= seen + len(aboard), "the clients at the other servers", 20)
            for other in others:
                crier.reaches(other, programs)
            expect(all(p.is_on() in (None, *(o.port for o in others)) for p in programs),
                   "a client is where it cannot be")

        leave(a, [b, c])
        a = ours.start("A")
        mesh([a, b, c])
        leave(b, [a, c])
        b = ours.start("B")
        mesh([a, b, c])
        leave(c, [a, b])
        mesh([a, b])
        Crier.expect_no_doubles(programs)
        return f"{', '.join(clients.argv)}; {crier.number} messages"


def herd(args, clients):
    """Half of the clients of A go to B, half to C, when A stops.

    The cluster has a name, which the document's has not: A would take C's where that is the greater one
    and leave B for a second. Its clients would forget B, and nats.go, which shuffles servers only when it
    hears of one for the first time, would then try B last.
    """
    count = 40
    with Upgrading(args, " -cluster_name herd") as ours:
        a, b = ours.start("A"), ours.start("B")
        mesh([a, b])
        with Program([*clients.argv["go"], "crowd", ours.url("A"), str(count)]) as crowd:
            crowd.await_line("ready")
            c = ours.start("C")
            mesh([a, b, c])
            wait_for(lambda: len({line.split()[1] for line in crowd.find("urls ")
                                  if f":{c.port}" in line}) >= count,
                     "C known to all clients")
            before = {node: node.clients_seen() for node in (b, c)}
            a.interrupt(signal.SIGINT)
            wait_for(lambda: len(crowd.find("connected")) >= count, "all connected again", 20)
            at_b, at_c = (node.clients_seen() - before[node] for node in (b, c))
            expect(at_b + at_c >= count and min(at_b, at_c) >= count // 5, f"{at_b} and {at_c}")
            return f"{at_b} to B, {at_c} to C"


def everywhere(nodes):
    """What is published at any node arrives once at each."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(node.client()) for node in nodes]
        for listener in listeners:
            subscribe(listener, "all", 1)
        for number, node in enumerate(nodes):
            with node.client() as publisher:
                def heard(number=number):
                    text = b"probe %d" % number
                    publisher.send(b"PUB all %d\r\n%s\r\n" % (len(text), text))
                    publisher.ping()
                    try:
                        return [listener.until(text, timeout=0.2) for listener in listeners]
                    except TimeoutError:
                        return None
                wait_for(heard, f"a message from {node.port} at all")
                for listener in listeners:
                    listener.rest(0.1)
                publisher.send(b"PUB all 4\r\nonce\r\n")
                publisher.ping()
                for listener in listeners:
                    copies = listener.rest(0.2)[0].count(b"once")
                    expect(copies == 1, f"{copies} copies of what {node.port} was told")


def seed_server(args):
    """B and C know A alone and find each other."""
    with Upgrading(args) as ours:
        nodes = [ours.start("A", ""), ours.start("B", "A"), ours.start("C", "A")]
        mesh(nodes)
        everywhere(nodes)


# --- "Clustering" ---------------------------------------------------------------------------------


def connection_lines(log, peer, dialled):
    """The lines of the connection that registered `peer` first, each cut to what it says."""
    for rid in re.findall(r'- (rid:\d+) - Registering remote route "%s"' % peer, log):
        lines = re.findall(r"\[(\w+)\] ([\d.\[\]:a-f]+) - %s - (.*)" % rid, log)
        if dialled is None or any("Route connect msg sent" in text for _, _, text in lines) == dialled:
            return [(level, text) for level, _, text in lines]
    raise AssertionError(f"no connection {'to' if dialled else 'from'} {peer}")


def check_lines(node, peer, dialled, sent):
    """The document's lines, in its order but for the last two, of which the order is not fixed."""
    peer_id = re.search(r"ID:\s+(\w+)", peer.log()).group(1)
    lines = connection_lines(node.log(), peer_id, dialled)
    dialled = lines[0][1] == "Route connect msg sent"
    wanted = [("DBG", "Route connect msg sent")] if dialled else []
    wanted += [("INF", "Route connection created")]
    expect(lines[:len(wanted)] == wanted, f"{lines[:3]}, want {wanted}")
    after = lines[len(wanted):len(wanted) + 2]
    registering = re.compile(r'Registering remote route "%s"( for account "\$SYS")?$' % peer_id)
    expect(any(level == "DBG" and registering.match(text) for level, text in after), f"{after}")
    if sent:
        def told():
            found = re.search(r"\[DBG\] \S+ - rid:\d+ - Sent local subscriptions to route", node.log())
            return found
        wait_for(told, "Sent local subscriptions to route")


class Clustering:
    """The seed and two servers that know it, each a shell command of the document."""

    def __init__(self, args, seed):
        self.args = args
        self.ports = [stable_port() for _ in range(3)]
        self.routes = [stable_port() for _ in range(3)]
        self.http = stable_port()
        self.seed_words = seed(self)

    def other(self, number):
        return (f"-p {self.ports[number]} -cluster nats://localhost:{self.routes[number]} "
                f"-routes nats://localhost:{self.routes[0]} -D").split()

    def start(self, number):
        words = self.seed_words if number == 0 else self.other(number)
        return Node(self.args.server, words, self.ports[number])


def by_flags(page):
    return f"-p {page.ports[0]} -cluster nats://localhost:{page.routes[0]} -D".split()


def by_file(page):
    conf = write_config(f"""# Cluster Seed Node
listen: 127.0.0.1:{page.ports[0]}
http: {page.http}
cluster {{
listen: 127.0.0.1:{page.routes[0]}
}}
""")
    return ["-config", conf, "-D"]


def by_host_and_port(page):
    conf = write_config(f"""listen: 127.0.0.1:{page.ports[0]}
cluster {{
host: 127.0.0.1
port: {page.routes[0]}
}}
""")
    return ["-config", conf, "-D"]


def clustering(seed):
    def case(args, clients):
        page = Clustering(args, seed)
        with page.start(0) as first:
            order = ["Server is ready", f":{page.routes[0]}"]
            wait_for(lambda: "Listening for route connections on" in first.log(), "the cluster's port")
            places = [first.log().index(text) for text in order]
            expect(places == sorted(places), f"{order} at {places}")
            with first.client() as listener, page.start(1) as second:
                subscribe(listener, "hello", 1)
                mesh([first, second])
                dialling = (f"[DBG] Trying to connect to route on localhost:{page.routes[0]} "
                            f"(127.0.0.1:{page.routes[0]})")
                expect(dialling in second.log(), f"no {dialling!r}")
                check_lines(second, first, True, False)
                check_lines(first, second, False, True)
                with page.start(2) as third:
                    nodes = [first, second, third]
                    mesh(nodes)
                    check_lines(third, first, None, False)
                    check_lines(first, third, None, True)
                    check_lines(second, third, None, False)
                    everywhere(nodes)
                    if "cli" in clients.argv:
                        hello_world(clients, nodes)
    return case


def hello_world(clients, nodes):
    """`nats sub hello` at the first server; `nats pub` at each, and at any of a list."""
    urls = [f"nats://127.0.0.1:{node.port}" for node in nodes]
    with clients.follow("cli", urls[0], "hello") as sub:
        wanted = []
        for where, what in [(url, f"world_{url.rsplit(':')[-1]}") for url in urls] + [
                (",".join(urls), "whole_world")]:
            with Program([*clients.argv["cli"], "pub", "-s", where, "hello", what]) as pub:
                expect(pub.process.wait(15) == 0, f"nats pub -s {where}: {pub.lines} {pub.stderr()}")
            wanted.append(what)
            wait_for(lambda: sub.payloads() == wanted, f"{wanted}, heard {sub.payloads()}")


def lines_with_interest(args):
    """All five lines of one connection, where both sides have something to send."""
    page = Clustering(args, by_flags)
    with page.start(1) as second, second.client() as there:
        subscribe(there, "hello", 1)
        with page.start(0) as first, first.client() as here:
            subscribe(here, "hello", 1)
            mesh([first, second])
            check_lines(second, first, None, True)


# --- publishers on hot standby --------------------------------------------------------------------


class Standby:
    """server0 and server1, a subscriber at each; dummy0 and dummy1, a publisher at each.

    The note takes it that nobody finds a server with `no_advertise` by himself. Today that option is
    about what clients are told, and gossip goes on: a route that a reload has taken out comes back from
    the other side within 100 ms, on nats-server as here. So the dummies are `hidden`: the address that
    they have others told (`cluster_advertise`) is one where nobody answers.
    """

    def __init__(self, args, stack, hidden):
        self.command, self.hidden = args.server, hidden
        self.nowhere = stable_port()
        self.ports = {name: stable_port() for name in ("server0", "server1", "dummy0", "dummy1")}
        self.routes = {name: stable_port() for name in self.ports}
        self.files = {name: write_config("") for name in self.ports}
        self.nodes = {}
        for name, to in (("server0", ()), ("server1", ("server0",)),
                         ("dummy0", ("server0", "server1")), ("dummy1", ())):
            self.write(name, to)
            node = Node(self.command, ["-c", self.files[name], "-D"], self.ports[name])
            self.nodes[name] = stack.enter_context(node)

    def write(self, name, to):
        routes = ", ".join(f"nats-route://127.0.0.1:{self.routes[other]}" for other in to)
        hidden = self.hidden and name.startswith("dummy")
        advertise = f"cluster_advertise: 127.0.0.1:{self.nowhere}" if hidden else ""
        with open(self.files[name], "w") as file:
            file.write(f"""listen: 127.0.0.1:{self.ports[name]}
cluster {{
  name: standby
  listen: 127.0.0.1:{self.routes[name]}
  no_advertise: true
  routes: [{routes}]
  {advertise}
}}
""")

    def set_routes(self, name, to):
        """The file edited, then `-sl reload=<pid>`, as the note has it."""
        self.write(name, to)
        with Program([*self.command, "-sl", f"reload={self.nodes[name].pid}"]) as command:
            expect(command.process.wait(10) == 0, f"-sl reload: {command.stderr()}")


class Ear:
    """Subscribes to `test`; keeps what came, of whom and when."""

    def __init__(self, port):
        self.client = Client(port)
        subscribe(self.client, "test", 1)
        self.first = {}  # (publisher, round) -> when
        self.heard = {}  # number -> by whom
        self.doubles = []
        self.error = None
        self.last = {}  # publisher -> when
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        message = re.compile(rb"MSG test 1 \d+\r\n(\d) (\d+) (\d+)\r\n")
        pending = b""
        self.client.sock.settimeout(None)
        try:
            while data := self.client.sock.recv(1 << 16):
                now = time.monotonic()
                pending += data
                end = 0
                for found in message.finditer(pending):
                    end = found.end()
                    publisher, turn, number = map(int, found.groups())
                    self.first.setdefault((publisher, turn), now)
                    self.last[publisher] = now
                    if number in self.heard:
                        self.doubles.append((number, self.heard[number], publisher))
                    self.heard[number] = publisher
                if b"PING\r\n" in pending[end:]:
                    self.client.send(b"PONG\r\n")
                    pending = pending.replace(b"PING\r\n", b"")
                    end = max(0, end - 6) if end else 0
                pending = pending[end:]
        except (OSError, ValueError) as why:
            self.error = why


class Publishers:
    """The same numbers at both dummies at the same time, each with the number of the switch."""

    def __init__(self, nodes, every=0.001):
        self.clients = [nodes["dummy0"].client(), nodes["dummy1"].client()]
        self.turn, self.number, self.every = 0, 0, every
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while self.running:
            self.number += 1
            for who, client in enumerate(self.clients):
                text = b"%d %d %d" % (who, self.turn, self.number)
                client.send(b"PUB test %d\r\n%s\r\n" % (len(text), text))
            time.sleep(self.every)

    def stop(self):
        self.running = False
        self.thread.join()


def standby(args, hidden=True):
    """The routes taken out of one dummy and put into the other, again and again."""
    times = 1000 if args.full and hidden else 40
    both = ("server0", "server1")
    with contextlib.ExitStack() as stack:
        place = Standby(args, stack, hidden)
        names = ("dummy0", "dummy1")
        mesh([place.nodes[name] for name in ("server0", "server1", "dummy0")])
        ears = [Ear(place.ports[name]) for name in both]
        publishers, watch = Publishers(place.nodes), StallWatch()
        stack.callback(publishers.stop)
        stack.callback(watch.stop)
        wait_for(lambda: all((0, 0) in ear.first for ear in ears), "the first message")
        switches = []  # (from, until)
        for turn in range(1, times + 1):
            old, new = names[(turn - 1) % 2], names[turn % 2]
            publishers.turn = turn
            begin = time.monotonic()
            place.set_routes(old, ())
            place.set_routes(new, both)
            key = (turn % 2, turn)
            wait_for(lambda: all(key in ear.first for ear in ears),
                     f"a message of {new} after switch {turn}")
            switches.append((begin, max(ear.first[key] for ear in ears)))
            time.sleep(0.15)  # a route that comes back by itself does so within 100 ms
        publishers.stop()
        time.sleep(0.2)
        doubles = [double for ear in ears for double in ear.doubles]
        took = sorted(1000 * (end - begin) for begin, end in switches)
        late = [(begin, end) for begin, end in switches if 1000 * (end - begin) > 100]
        slow = [(begin, end) for begin, end in late
                if 1000 * (end - begin) - watch.stalled_ms(begin, end) > 100]
        figures = (f"{times} switches, {len(doubles)} duplicates; ms: median {statistics.median(took):.0f}, "
                   f"p90 {took[len(took) * 9 // 10]:.0f}, p99 {took[len(took) * 99 // 100]:.0f}, "
                   f"max {took[-1]:.0f}, above 100: {len(late)}, of which not for want "
                   f"of CPU: {len(slow)}")
        expect(not (doubles and hidden), f"{figures}; {doubles[:5]}")
        expect(statistics.median(took) < 100 and (not slow or not hidden), figures)
        return figures


# --- all ------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, type=shlex.split, help="server command")
    parser.add_argument("--nats-server", action="append", default=[], metavar="COMMAND")
    parser.add_argument("--only", metavar="PATTERN", help="cases whose name matches")
    parser.add_argument("--cache", default=os.environ.get("MARTLET_INTEROP_CACHE")
                        or ROOT / "build" / "interop", help="where clients are built")
    parser.add_argument("--no-build", action="store_true", help="run only what is built already")
    parser.add_argument("--strict", action="store_true", help="a skip is a failure (for CI)")
    parser.add_argument("--full", action="store_true",
                        help="1,000 switches instead of 40, upgrades from every nats-server there is")
    parser.add_argument("--quick", action="store_true", help="the default: under a minute")
    args = parser.parse_args()
    tally = Tally(args.only)
    clients = Clients(args.cache, CLIENTS, not args.no_build)
    clients.report_missing(tally, args.strict)
    tally.run("upgrading: A, B and C", upgrade, args, clients)
    own, others = find_servers(args, shlex.join(args.server))
    for other in others if args.full else others[:1]:
        tally.run(f"upgrading: A and B from {other} to {own}", upgrade, args, clients,
                  shlex.split(other.command))
    if "go" in clients.argv:
        tally.run("upgrading: half to B, half to C", herd, args, clients)
    tally.run("upgrading: seed server", seed_server, args)
    for seed in (by_flags, by_file, by_host_and_port):
        tally.run(f"clustering: three servers, {seed.__name__.replace('_', ' ')}",
                  clustering(seed), args, clients)
    tally.run("clustering: lines of a connection", lines_with_interest, args)
    tally.run("standby: publishers that take turns", standby, args)
    if args.full:
        tally.run("standby: found by gossip again, for its figures", standby, args, False)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
