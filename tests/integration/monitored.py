"""A server with a monitoring port, alone or with routes to another, and the traffic that it tells of."""
import collections
import http.client
import json
import re
import socket

import harness
from cluster import free_port
from harness import Client, expect, wait_for

MEMBERS = b'"verbose":false,"pedantic":false,"protocol":1,"headers":true'

Reply = collections.namedtuple("Reply", "status headers body")


class Monitored(harness.Server):
    """A server with a monitoring port of the kernel's choice."""

    def __init__(self, command, extra=(), **more):
        super().__init__(command, ["-m", "-1", *extra], **more)
        self.monitor_port = int(re.search(r"Starting http monitor on \S*:(\d+)", self.log()).group(1))

    def get(self, path, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.monitor_port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()},
                         answer.read().decode())
        finally:
            connection.close()

    def json(self, path):
        reply = self.get(path)
        expect(reply.status == 200, f"{path}: {reply.status} {reply.body[:200]}")
        expect(reply.headers["content-type"] == "application/json", f"{path}: {reply.headers}")
        expect(reply.headers["access-control-allow-origin"] == "*", f"{path}: {reply.headers}")
        return json.loads(reply.body)

    def raw(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.monitor_port), timeout=timeout)

    def raw_answer(self, data):
        """Everything that comes until the server closes."""
        with self.raw() as sock:
            sock.sendall(data)
            return read_all(sock)


def read_all(sock):
    data = b""
    while piece := sock.recv(1 << 16):
        data += piece
    return data


def connect(server, **members):
    client = Client(server.port, greet=False)
    client.read_info()
    more = b"".join(b',"%s":%s' % (name.encode(), json.dumps(value).encode())
                    for name, value in members.items())
    client.send(b"CONNECT {" + MEMBERS + more + b"}\r\n")
    client.ping()
    return client


def traffic(server):
    """The same for each server: two that stay, one that has gone. Returns those that stay."""
    subscriber = connect(server, name="sub", lang="python", version="1.0", user="u")
    publisher = connect(server, name="pub")
    subscriber.send(b"SUB foo.* 1\r\nSUB bar workers 2\r\nUNSUB 1 100\r\n")
    subscriber.ping()
    publisher.send(b"PUB foo.a 5\r\nhello\r\n" * 10 + b"PUB bar 2\r\nok\r\n" * 3
                   + b"HPUB foo.b 21 25\r\nNATS/1.0\r\nName: v\r\n\r\nbody\r\n"
                   + b"PUB nobody 3\r\nabc\r\n")
    publisher.ping()
    subscriber.ping()
    with connect(server, name="gone") as gone:
        gone.send(b"SUB gone 1\r\nPUB foo.c 1\r\nx\r\n")
        gone.ping()
    wait_for(lambda: server.json("/varz")["connections"] == 2, "the third does not go")
    subscriber.ping()
    return subscriber, publisher


IN_MSGS, IN_BYTES = 10 + 3 + 1 + 1 + 1, 50 + 6 + 25 + 3 + 1
OUT_MSGS, OUT_BYTES = 10 + 3 + 1 + 1, 50 + 6 + 25 + 1


class Pair:
    """Two servers of one kind: B has connected to A, a client of B wants something."""

    def __init__(self, command, flags=()):
        self.route_port = free_port()
        self.a = self.server("A", command, flags, self.route_port)
        self.b = self.server("B", command, [*flags, "--routes",
                                            f"nats://127.0.0.1:{self.route_port}"], free_port())
        # Pool and $SYS; behind the first PING each knows how far the other is.
        wait_for(lambda: all(len(s.json("/routez")["routes"]) == 4 and all(
            r["rtt"] != "0s" for r in s.json("/routez")["routes"]) for s in (self.a, self.b)),
                 "no four routes")
        self.subscriber, self.publisher = connect(self.b), connect(self.a)
        self.subscriber.send(b"SUB foo.* 1\r\nSUB bar workers 2\r\nSUB bar workers 3\r\n")
        self.subscriber.ping()
        wait_for(lambda: self.route(self.a)["subscriptions"] == 2, "no interest")
        self.publisher.send(b"PUB foo.a 5\r\nhello\r\n" * 10 + b"PUB bar 2\r\nok\r\n" * 3)
        self.publisher.ping()
        wait_for(lambda: self.route(self.b)["in_msgs"] == 13, "no messages")

    @staticmethod
    def server(name, command, flags, port):
        return Monitored(command, ["-n", name, "--cluster_name", "C", "--cluster",
                                   f"nats://127.0.0.1:{port}", *flags])

    @staticmethod
    def route(server, query=""):
        """The one that carries $G."""
        return server.json("/routez" + query)["routes"][2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in (self.subscriber, self.publisher):
            each.close()
        self.a.stop()
        self.b.stop()
