#!/usr/bin/env python3
"""What options of the cluster do between real servers, configured by file and by reload.

    cluster_options.py --server build/martlet-server [--nats-server COMMAND]... [--only PATTERN]
"""
import argparse
import re
import signal
import socket
import sys
import tempfile
import threading
import time

from cluster import Member, expect, find_kinds, free_port, mesh, published, subscribe, wait_for
from harness import Tally
from route_peer import Peer


class Configured(Member):
    """A member whose cluster block is `lines`, which reload() may change."""

    def __init__(self, kind, name, routes=(), lines="", wait=True, port=None, route_port=None,
                 credentials=""):
        self.kind, self.name, self.routes = kind, name, routes
        self.credentials = credentials  # in its URLs of routes: "user:password@"
        self.port, self.route_port = port or free_port(), route_port or free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="martlet-test-")
        self.path = self.folder.name + "/server.conf"
        self.write(lines)
        client_port = self.port
        super().__init__([kind.command, *kind.flags], ["-c", self.path, "-D"], port=None, wait=wait)
        self.port = client_port

    def write(self, lines):
        routes = ", ".join(f'"nats://{self.credentials}127.0.0.1:{port}"' for port in self.routes)
        with open(self.path, "w") as file:
            file.write(f"server_name: {self.name}\nlisten: 127.0.0.1:{self.port}\n"
                       f"cluster {{\n  name: C1\n  listen: 127.0.0.1:{self.route_port}\n"
                       f"  routes: [{routes}]\n  {lines}\n}}\n")

    def reload(self, lines):
        done = self.log().count("Reloaded server configuration")
        self.write(lines)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.log().count("Reloaded server configuration") > done, "the reload")


class Stream:
    """Numbered messages from one server to a subscriber of another, all the time."""

    def __init__(self, publisher, subscriber):
        self.publisher, self.subscriber = publisher.client(), subscriber.client()
        subscribe(self.subscriber, "stream", 1)
        wait_for(self.is_wanted, "interest at the publisher's server")
        self.sent, self.running, self.data = 0, True, b""
        self.thread = threading.Thread(target=self.publish)
        self.thread.start()

    def is_wanted(self):
        published(self.publisher, "stream", b"<->")
        return b"<->" in self.subscriber.rest(0.05)[0]

    def publish(self):
        while self.running:
            published(self.publisher, "stream", b"<%d>" % self.sent)
            self.sent += 1
            time.sleep(0.001)
        self.publisher.ping()

    def stop(self):
        """The numbers that came, in order of arrival."""
        self.running = False
        self.thread.join()
        self.data += self.subscriber.rest(0.7)[0]
        return [int(number) for number in re.findall(rb"<(\d+)>", self.data)]

    def flows(self, seconds=5):
        """Returns once a message that is sent from now on has come."""
        number = self.sent + 1
        self.data += self.subscriber.until(b"<%d>" % number, timeout=seconds)


def pin_by_reload(kinds):
    """An account gets a route of its own while messages flow, and loses it again."""
    def case(args):
        a = Configured(kinds[0], "A")
        b = Configured(kinds[1], "B", routes=[a.route_port])
        with a, b:
            mesh([a, b])
            wait_for(lambda: sum(a.registered().values()) == 4, "the pool and the system's route")
            stream = Stream(a, b)
            stream.flows()
            for lines, routes in (('accounts: ["$G"]', 5), ("", 4)):
                a.reload(lines)
                b.reload(lines)
                for node in (a, b):
                    wait_for(lambda: sum(node.registered().values()) == routes,
                             f"{routes} routes instead of {node.registered()}")
                stream.flows()
                time.sleep(0.5)
            numbers = stream.stop()
            expect(numbers == sorted(set(numbers)), "messages came twice, or out of order")
            expect(numbers[-1] == stream.sent - 1, f"the last is {numbers[-1]} of {stream.sent}")
            for node in (a, b):
                expect("Interest differs" not in node.log(), f"{node.name}: interest differs")
            return f"{stream.sent} messages"
    return case


def refused(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) != 0


def after_mesh(kinds):
    """Clients are let in when the configured route is up, and know what is wanted there."""
    def case(args):
        port, route_port = free_port(), free_port()
        a = Configured(kinds[0], "A", routes=[route_port], lines="accept_after_mesh: 30s", wait=False)
        with a:
            time.sleep(1)
            expect(refused(a.port), "A listens before B is there")
            expect("Server is ready" not in a.log(), "it says that it is ready")
            expect("Waiting for the configured routes" in a.log(), "it does not say that it waits")
            with Configured(kinds[1], "B", port=port, route_port=route_port) as b:
                subscriber = b.client()
                for number in range(1000):
                    subscriber.send(b"SUB s.%d %d\r\n" % (number, number))
                subscriber.ping()
                a.wait_ready()
                with a.client() as publisher:
                    for number in range(1000):
                        published(publisher, f"s.{number}")
                    publisher.ping()
                data, _ = subscriber.rest(1)
                expect(data.count(b"MSG s.") == 1000, f"{data.count(b'MSG s.')} of 1000 came")
                subscriber.close()
    return case


def after_patience(args, kind):
    """Without the other one they are let in when the time is up; nobody waits for oneself."""
    port = free_port()
    with Configured(kind, "A", routes=[port], lines="accept_after_mesh: 700ms", wait=False) as a:
        time.sleep(0.3)
        expect(refused(a.port), "A listens too early")
        a.wait_ready()
        expect("Not all configured routes are up after 700ms" in a.log(), "it does not say why")
        a.client().close()
    own = free_port()
    with Configured(kind, "A", routes=[own], lines="accept_after_mesh: 30s", route_port=own) as a:
        a.client().close()


def ends_while_waiting(args, kind):
    """INT and lame duck mode end a server that has let nobody in yet."""
    for sent in (signal.SIGINT, signal.SIGUSR2, signal.SIGTERM):
        with Configured(kind, "A", routes=[free_port()], lines="accept_after_mesh: 30s",
                        wait=False) as a:
            wait_for(lambda: "Waiting for the configured routes" in a.log(), "the start")
            a.process.send_signal(sent)
            a.wait(5)
            expect("Server Exiting.." in a.log(), f"{sent}: {a.log()[-300:]}")


# bcrypt's of "rpass", and of "other".
HASHED = "$2a$04$abcdefghijklmnopqrstuuxE/CUt5xzpo0YVn9mhMK.tzO21e/Oqq"
HASHED_OTHER = "$2a$04$abcdefghijklmnopqrstuu0HtfOlPbTiymk5tcV.3TsFPDd3SYZqu"


def hashed_password(kinds):
    """Who knows the password that A has only the hash of gets in; after a reload nobody else stays."""
    def case(args):
        block = 'authorization { user: ruser, password: "%s" }'
        a = Configured(kinds[0], "A", lines=block % HASHED)
        b = Configured(kinds[1], "B", routes=[a.route_port], lines=block % HASHED,
                       credentials="ruser:rpass@")
        with a, b:
            mesh([a, b])
            routes = 1 if kinds[1].name.startswith("2.9.") else 4
            wait_for(lambda: sum(a.registered().values()) == routes, "the pool and the system's route")
            with Configured(kinds[1], "C", routes=[a.route_port], credentials="ruser:wrong@"):
                wait_for(lambda: 'authentication error - User "ruser"' in a.log(), "the refusal of C")
            a.reload(block % HASHED_OTHER)
            wait_for(lambda: not a.registered(), "the end of B's routes")
            a.reload(block % HASHED)
            wait_for(lambda: sum(a.registered().values()) == routes, "the return of B", seconds=15)
    return case


def write_deadline(args, kind):
    """A route that takes nothing is closed at the deadline of the cluster, not of clients."""
    with Configured(kind, "A", lines="write_deadline: 300ms") as a, a.client() as publisher:
        with Peer(a) as peer:
            peer.join()
            peer.send(b"RS+ $G much\r\n")
            peer.ping()
            begin = time.monotonic()
            for _ in range(40):
                published(publisher, "much", b"x" * 1000000)
            wait_for(lambda: "WriteDeadline of 300ms exceeded" in a.log(), "the deadline")
            wait_for(lambda: "Router connection closed: Slow Consumer (Write Deadline)" in a.log(),
                     "the end of the route")
            publisher.ping()
            return f"{time.monotonic() - begin:.2f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--nats-server", action="append", default=[])
    parser.add_argument("--only")
    args = parser.parse_args()
    tally = Tally(args.only)
    kinds = find_kinds(args)
    own, others = kinds[0], [kind for kind in kinds[1:] if not kind.name.startswith("2.9.")]
    for pair in [(own, own)] + [p for other in others for p in ((own, other), (other, own))]:
        tally.run(f"pin by reload, {pair[0]} and {pair[1]}", pin_by_reload(pair), args)
    for kind in kinds:
        tally.run(f"accept after mesh, with {kind}", after_mesh((own, kind)), args)
    for kind in kinds:
        tally.run(f"hashed password, with {kind}", hashed_password((own, kind)), args)
    for check in (after_patience, ends_while_waiting, write_deadline):
        tally.run(check.__name__.replace("_", " "), check, args, own)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
