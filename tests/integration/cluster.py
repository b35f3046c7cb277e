#!/usr/bin/env python3
"""Clusters of real servers: this one alone, and mixed with nats-server of several versions.

    cluster.py --server build/martlet-server [--nats-server COMMAND]... [--only PATTERN]

Each --nats-server is one more kind of member; without any, /usr/sbin/nats-server and those that
tools/install-interop has built are taken as far as they are there.
"""
import argparse
import collections
import json
import re
import socket
import subprocess
import sys
import time

from harness import CONNECT, Client, Server, Tally, expect, reference_servers, wait_for

HEADERS_CONNECT = (b'CONNECT {"verbose":false,"pedantic":false,"protocol":1,"headers":true,'
                   b'"no_responders":true}\r\n')


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Kind:
    """A server program and what is special about it."""

    def __init__(self, name, command, flags=()):
        self.name, self.command, self.flags = name, command, list(flags)

    def __str__(self):
        return self.name


class Member(Server):
    """A server that may have routes, and what its log says of them."""

    def client(self, greet=True):
        client = Client(self.port, greet=False)
        if greet:
            client.read_info()
            client.send(HEADERS_CONNECT)
            client.ping()
        return client

    def registered(self):
        """Ids of the servers that it has a route to, one for each connection."""
        return collections.Counter(peer for peer, _ in self._open_routes())

    def peers(self):
        """Ids of the servers that it has a route to which is not for `$SYS` alone.

        The route of `$SYS` is often there first; where two generated cluster names meet, by a second.
        """
        return {peer for peer, account in self._open_routes() if account != "$SYS"}

    def _open_routes(self):
        log = self.log()
        open_routes = {}
        for line in log.splitlines():
            rid = re.search(r"rid:(\d+)", line)
            if not rid:
                continue
            peer = re.search(r'Registering remote route "([^"]+)"(?: for account "([^"]+)")?', line)
            if peer:
                open_routes[rid.group(1)] = peer.groups()
            elif "Router connection closed" in line:
                open_routes.pop(rid.group(1), None)
        return open_routes.values()

    def stop_now(self):
        self.process.terminate()
        self.wait(5)


class Node(Member):
    """A member of a cluster on ports that stay the same over restarts."""

    def __init__(self, kind, name, routes=(), cluster="C1", route_port=None, port=None, extra=()):
        self.kind, self.name = kind, name
        self.route_port = route_port or free_port()
        args = ["-n", name, "-D", "--cluster", f"nats://127.0.0.1:{self.route_port}"]
        if cluster:
            args += ["--cluster_name", cluster]
        if routes:
            args += ["--routes", ",".join(f"nats://127.0.0.1:{port}" for port in routes)]
        super().__init__([kind.command, *kind.flags], args + list(extra), port=port or free_port())


def mesh(nodes, seconds=10.0):
    """Waits until each node has routes to all others."""
    wait_for(lambda: all(len(node.peers()) == len(nodes) - 1 for node in nodes),
             "a full mesh: " + str([dict(node.registered()) for node in nodes]), seconds)


def subscribe(client, subject, sid, queue=""):
    client.send(f"SUB {subject} {queue + ' ' if queue else ''}{sid}\r\n".encode())
    client.ping()


def published(publisher, subject, payload=b"x", reply=""):
    publisher.send(f"PUB {subject} {reply + ' ' if reply else ''}{len(payload)}\r\n".encode() +
                   payload + b"\r\n")


def arrives(publisher, subscriber, subject, seconds=5.0):
    """Publishes until one message arrives; then swallows the rest."""
    number = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        number += 1
        published(publisher, subject, f"probe {number}".encode())
        publisher.ping()
        try:
            subscriber.until(f"probe {number}\r\n".encode(), timeout=0.1)
            return
        except TimeoutError:
            continue
    raise AssertionError(f"{subject} does not arrive within {seconds} s")


def count_messages(client, seconds=0.5):
    data, _ = client.rest(seconds)
    return len(re.findall(rb"^H?MSG ", data, re.M)), data


def pair(kinds, check):
    def case(args):
        with Node(kinds[0], "A") as a, Node(kinds[1], "B", routes=[a.route_port]) as b:
            mesh([a, b])
            return check(a, b)
    return case


def messages(a, b):
    """Plain, wildcard, header and large messages both ways, exactly once and in order."""
    for here, there in ((a, b), (b, a)):
        with here.client() as subscriber, there.client() as publisher:
            subscribe(subscriber, "foo.*", 1)
            arrives(publisher, subscriber, "foo.probe")
            count_messages(subscriber, 0.2)
            for number in range(2000):
                published(publisher, f"foo.{number % 7}", b"message %d" % number)
            publisher.ping()
            subscriber.until(b"message 1999\r\n")
            published(publisher, "foo.large", b"L" * 700000)
            publisher.send(b"HPUB foo.h re.ply 22 27\r\nNATS/1.0\r\nName: val\r\nhello\r\n"
                           .replace(b"22 27", b"23 28").replace(b"val\r\n", b"val\r\n\r\n"))
            publisher.ping()
            subscriber.until(b"L" * 700000 + b"\r\n")
            head = subscriber.until(b"hello\r\n")
            expect(b"HMSG foo.h 1 re.ply 23 28\r\nNATS/1.0\r\nName: val\r\n\r\nhello" in head,
                   repr(head))
            count, data = count_messages(subscriber)
            expect(count == 0, f"more than was published: {data[:100]!r}")


def no_responders(a, b):
    with a.client() as requester, b.client() as responder:
        requester.send(b"SUB inbox.* 1\r\n")
        published(requester, "svc", b"?", "inbox.1")
        requester.ping()
        subscribe(responder, "svc", 9)
        arrives_reply(requester, responder)
        responder.send(b"UNSUB 9\r\n")
        responder.ping()

        def refused():
            published(requester, "svc", b"?", "inbox.2")
            requester.send(b"PING\r\n")
            return b"503" in requester.until(b"PONG\r\n")
        wait_for(refused, "503 after the last subscription went")


def arrives_reply(requester, responder):
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        published(requester, "svc", b"?", "inbox.9")
        requester.ping()
        try:
            responder.until(b"inbox.9 1\r\n?\r\n", timeout=0.2)
        except TimeoutError:
            continue
        published(responder, "inbox.9", b"answer")
        responder.ping()
        requester.until(b"answer\r\n")
        return
    raise AssertionError("no request arrives")


def queues(a, b):
    """One member of a group for each message, by weight over both servers."""
    # nats-server counts a group that is told with its full weight once, where it has a remembered
    # match for the subject: so the pool has to be there before the members come.
    time.sleep(0.6)
    with a.client() as one, b.client() as three, a.client() as publisher:
        subscribe(one, "work", 1, "g")
        for sid in (1, 2, 3):
            subscribe(three, "work", sid, "g")
        arrives(publisher, three, "work")
        time.sleep(0.3)
        count_messages(one, 0.2)
        count_messages(three, 0.2)
        for number in range(4000):
            published(publisher, "work", b"%d" % number)
        publisher.ping()
        time.sleep(0.3)
        first, data_one = count_messages(one)
        second, data_three = count_messages(three)
        expect(first + second == 4000, f"{first} + {second}")
        numbers = [int(n) for n in re.findall(rb"\r\n(\d+)\r\n", data_one + data_three)]
        expect(sorted(numbers) == list(range(4000)), "some came twice, others not at all")
        expect(700 < first < 1300, f"{first} of 4000 here, where 1000 are due")
        return f"{first} here, {second} there"


def client_urls(a, b):
    def knows():
        with a.client() as client:
            return f"127.0.0.1:{b.port}" in client.info.get("connect_urls", [])
    wait_for(knows, "the address of B in the first INFO of A")
    with Client(a.port, greet=False) as client:
        client.read_info()
        client.send(CONNECT)
        client.ping()
        b.stop_now()
        def told():
            client.until(b"INFO ")
            return json.loads(client.line()).get("connect_urls") == [f"127.0.0.1:{a.port}"]
        wait_for(told, "the INFO that leaves the stopped server out")


def gossip(kinds):
    """Two servers that know a third one alone find each other."""
    def case(args):
        a = Node(kinds[0], "A")
        b = Node(kinds[1], "B", routes=[a.route_port])
        c = Node(kinds[2], "C", routes=[a.route_port])
        with a, b, c:
            mesh([a, b, c])
            with b.client() as subscriber, c.client() as publisher:
                subscribe(subscriber, "x", 1)
                arrives(publisher, subscriber, "x")
                count_messages(subscriber, 0.2)
                published(publisher, "x", b"once")
                publisher.ping()
                count, _ = count_messages(subscriber)
                expect(count == 1, f"{count} copies")
    return case


def find_kinds(args):
    kinds = [Kind("martlet", args.server)]
    for command in args.nats_server or reference_servers():
        try:
            out = subprocess.run([command, "--version"], capture_output=True, text=True,
                                 timeout=10).stdout
        except OSError:
            print(f"skip  {command} is not there")
            continue
        version = re.search(r"v?(\d+\.\d+\.\d+)", out)
        if version and all(kind.name != version.group(1) for kind in kinds):
            kinds.append(Kind(version.group(1), command))
    return kinds


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--nats-server", action="append", default=[])
    parser.add_argument("--only")
    args = parser.parse_args()
    tally = Tally(args.only)
    kinds = find_kinds(args)
    own, others = kinds[0], kinds[1:]
    pairs = [(own, own)] + [p for other in others for p in ((own, other), (other, own))]
    checks = (messages, no_responders, queues, client_urls)
    for kind_a, kind_b in pairs:
        for check in checks:
            tally.run(f"{check.__name__}, {kind_a} and {kind_b}", pair((kind_a, kind_b), check),
                      args)
    triples = [(own, own, own)]
    for other in others:
        triples += [(own, other, other), (other, own, own), (other, other, own)]
    for triple in triples:
        tally.run("gossip, " + " ".join(map(str, triple)), gossip(triple), args)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
