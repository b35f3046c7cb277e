#!/usr/bin/env python3
"""Clusters of three and of five members, of this server and nats-server of all versions at once.

    mixed_mesh.py --server build/martlet-server [--nats-server COMMAND]... [--only PATTERN]

All members know the first one alone. From each to each: interest that comes and goes, headers, requests
with and without responders, one member of a queue group for each message and all of them alike; and one
member leaves by lame duck mode.
"""
import argparse
import contextlib
import itertools
import re
import signal
import sys
import time

from cluster import (Node, arrives_reply, count_messages, expect, find_kinds, mesh, published,
                     subscribe, wait_for)
from harness import Tally

QUEUE_MESSAGES = 3000
# Above it is one chi-squared of nine degrees of freedom in a million.
CHI_SQUARED_MAX = 45.0
GROUP = (1, 2, 3, 1, 3)  # members on each server


@contextlib.contextmanager
def cluster_of(kinds):
    with contextlib.ExitStack() as stack:
        nodes = []
        for number, kind in enumerate(kinds):
            routes = [nodes[0].route_port] if nodes else []
            nodes.append(stack.enter_context(Node(kind, "ABCDE"[number], routes=routes)))
        mesh(nodes, 20)
        # The pools are filled a little later.
        time.sleep(1.5)
        yield nodes


def each_way(nodes):
    return itertools.permutations(nodes, 2)


def settle(publisher, subscriber, subject, wanted):
    """Publishes until it arrives, or no longer does."""
    def as_wanted():
        published(publisher, subject, b"probe")
        publisher.ping()
        return (count_messages(subscriber, 0.1)[0] > 0) == wanted
    wait_for(as_wanted, f"{subject} to be {'known' if wanted else 'forgotten'}")
    count_messages(subscriber, 0.2)


def interest(nodes):
    for here, there in each_way(nodes):
        with here.client() as subscriber, there.client() as publisher:
            subscribe(subscriber, "i.*.x", 1)
            settle(publisher, subscriber, "i.1.x", True)
            for number in range(200):
                published(publisher, f"i.{number}.x", b"<%d>" % number)
            publisher.ping()
            _, data = count_messages(subscriber, 0.3)
            came = [int(n) for n in re.findall(rb"<(\d+)>", data)]
            expect(came == list(range(200)), f"{there.name} to {here.name}: {len(came)} of 200, "
                   f"{'in' if came == sorted(came) else 'out of'} order")
            subscriber.send(b"UNSUB 1\r\n")
            subscriber.ping()
            settle(publisher, subscriber, "i.1.x", False)


def headers(nodes):
    for here, there in each_way(nodes):
        with here.client() as subscriber, there.client() as publisher:
            subscribe(subscriber, "h", 1)
            settle(publisher, subscriber, "h", True)
            publisher.send(b"HPUB h re.ply 23 28\r\nNATS/1.0\r\nName: val\r\n\r\nhello\r\n")
            publisher.ping()
            head = subscriber.until(b"hello\r\n")
            expect(b"HMSG h 1 re.ply 23 28\r\nNATS/1.0\r\nName: val\r\n\r\nhello" in head,
                   f"{there.name} to {here.name}: {head!r}")


def requests(nodes):
    for here, there in each_way(nodes):
        with here.client() as requester, there.client() as responder:
            requester.send(b"SUB inbox.* 1\r\n")
            published(requester, "svc", b"?", "inbox.1")
            requester.send(b"PING\r\n")
            expect(b"503" in requester.until(b"PONG\r\n"), f"{here.name}: no 503")
            subscribe(responder, "svc", 9)
            arrives_reply(requester, responder)
        def forgotten():
            with here.client() as requester:
                requester.send(b"SUB inbox.* 1\r\n")
                published(requester, "svc", b"?", "inbox.2")
                requester.send(b"PING\r\n")
                return b"503" in requester.until(b"PONG\r\n")
        wait_for(forgotten, f"503 on {here.name} after the responder of {there.name} went")


def queues(nodes):
    """A message goes to one member, and to each with the same chance, whoever it is sent to."""
    worst = 0.0
    with contextlib.ExitStack() as stack:
        members = []
        for node, count in zip(nodes, GROUP):
            for _ in range(count):
                client = stack.enter_context(node.client())
                subscribe(client, "work", 1, "g")
                members.append(client)
                # nats-server counts a new group that is told with its weight at once wrongly.
                time.sleep(0.05)
        for node in nodes:
            publisher = stack.enter_context(node.client())
            def all_reached():
                for _ in range(100):
                    published(publisher, "work")
                publisher.ping()
                return all([count_messages(client, 0.05)[0] > 0 for client in members])
            wait_for(all_reached, f"all members to be known on {node.name}")
            time.sleep(0.3)
            for client in members:
                count_messages(client, 0.05)
            for number in range(QUEUE_MESSAGES):
                published(publisher, "work", b"<%d>" % number)
            publisher.ping()
            time.sleep(0.3)
            data = [count_messages(client, 0.2)[1] for client in members]
            came = sorted(int(n) for part in data for n in re.findall(rb"<(\d+)>", part))
            expect(came == list(range(QUEUE_MESSAGES)),
                   f"from {node.name}: {len(came)} came, {len(set(came))} different ones")
            due = QUEUE_MESSAGES / len(members)
            counts = [part.count(b"<") for part in data]
            chi_squared = sum((count - due) ** 2 / due for count in counts)
            worst = max(worst, chi_squared)
            expect(chi_squared < CHI_SQUARED_MAX, f"from {node.name}: {counts}, chi-squared "
                   f"{chi_squared:.0f}")
    return f"chi-squared {worst:.0f} at most, of {len(members)} members"


def lame_duck(nodes):
    """The second member goes: its clients are told, the others forget its address."""
    leaver, others = nodes[1], [nodes[0], *nodes[2:]]
    address = f"127.0.0.1:{leaver.port}"
    with leaver.client() as client:
        leaver.process.send_signal(signal.SIGUSR2)
        client.until(b'"ldm":true')
        for node in others:
            def gone():
                with node.client() as other:
                    return address not in other.info.get("connect_urls", [])
            wait_for(gone, f"{node.name} to take {leaver.name} from what it tells clients", 12)
    leaver.process.kill()
    mesh(others)  # without it
    interest(others)


CHECKS = (interest, headers, requests, queues, lame_duck)


def case(kinds, check):
    with cluster_of(kinds) as nodes:
        return check(nodes)


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
    if not others:
        print("SKIPPED, nothing was tested: no nats-server is here")
        return 77
    meshes = [[own, other, own] for other in others]
    meshes.append([(others + [own] * 4)[0], own, *(others[1:] + [own] * 4)][:5])
    for kinds in meshes:
        for check in CHECKS:
            tally.run(f"{check.__name__}, {' '.join(map(str, kinds))}", case, kinds, check)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
