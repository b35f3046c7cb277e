#!/usr/bin/env python3
"""The monitoring port: what it says, beside the reference server where there is one, and what strangers
may do to it.

  monitor.py --server "build/martlet-server" [--reference nats-server]

The reference is the nats-server that tools/install-interop builds, else the one on PATH; without one of
the release that this server follows nothing is compared with it, and the cases say so.
"""
import collections
import http.client
import json
import os
import re
import shlex
import signal
import socket
import sys
import threading
import time

import harness
from harness import Client, expect

MEMBERS = b'"verbose":false,"pedantic":false,"protocol":1,"headers":true'
PONG_SECONDS_MAX = 1.0
HEAD_SECONDS = 5  # for the head of a request

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


def wait_for(condition, message, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, message)
        time.sleep(0.01)


# --------------------------------------------------------------------------- start

def start(args):
    with Monitored(args.server, ["-D"] + args.flags) as server:
        log = server.log()
        expect(log.index("Starting http monitor on 127.0.0.1:")
               < log.index("Listening for client connections on"), "the clients' port comes first")
        wait_for(lambda: [n for n in os.listdir(server.dir) if n.endswith(".ports")], "no ports file")
        ports = [name for name in os.listdir(server.dir) if name.endswith(".ports")]
        with open(os.path.join(server.dir, ports[0])) as file:
            text = json.load(file)
        expect(text["monitoring"] == [f"http://127.0.0.1:{server.monitor_port}"], f"{text}")
        idle = server.raw()  # does not keep the server from ending
        server.get("/varz")
        server.signal(signal.SIGTERM)
        expect(server.wait(3) == 0, "no exit 0 while a connection is open")
        idle.close()


def bad_port(args):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = harness.Server(args.server, ["-m", str(port), *args.flags], wait=False)
        try:
            expect(server.wait(5) == 1, "no exit 1")
            line = (f"[FTL] Can't start monitoring: can't listen to the monitor port: "
                    f"listen tcp 127.0.0.1:{port}: bind: address already in use")
            expect(line in server.log(), server.log())
            expect("Listening for client" not in server.log(), "listened for clients all the same")
        finally:
            server.stop()
    server = harness.Server(args.server, ["-m", "70000", *args.flags], wait=False)
    try:
        expect(server.wait(5) == 1, "no exit 1")
        expect("[FTL] Can't start monitoring: can't listen to the monitor port: listen tcp: address "
               "70000: invalid port" in server.log(), server.log())
    finally:
        server.stop()


# --------------------------------------------------------------------------- contents

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


def varz(args):
    with Monitored(args.server, args.flags) as server:
        clients = traffic(server)
        before = server.json("/varz")
        server.get("/")
        server.get("/nothing")
        server.get("/connz?limit=x")
        now = server.json("/varz")
        wanted = {"connections": 2, "total_connections": 3, "in_msgs": IN_MSGS, "in_bytes": IN_BYTES,
                  "out_msgs": OUT_MSGS, "out_bytes": OUT_BYTES, "in_client_msgs": IN_MSGS,
                  "out_client_bytes": OUT_BYTES, "slow_consumers": 0, "stalled_clients": 0,
                  "port": server.port, "subscriptions": 2, "routes": 0}
        for name, value in wanted.items():
            expect(now[name] == value, f"{name}: {now[name]} instead of {value}")
        expect(now["http_req_stats"]["/varz"] == before["http_req_stats"]["/varz"] + 1,
               f"{now['http_req_stats']}")
        expect(set(now["http_req_stats"]) == {"/", "/varz"}, f"{now['http_req_stats']}")
        expect(abs(now["mem"] - server.rss()) < 16 << 20, f"mem {now['mem']}, {server.rss()}")
        expect(re.fullmatch(r"\d+s", now["uptime"]), now["uptime"])
        for client in clients:
            client.close()


def cpu(args):
    with Monitored(args.server, args.flags) as server:
        server.get("/varz")
        time.sleep(1.1)
        expect(server.json("/varz")["cpu"] < 20, "an idle server at work")
        stop = time.monotonic() + 1.5
        with connect(server) as client:
            while time.monotonic() < stop:
                client.send(b"PUB x 0\r\n\r\n" * 2000)
                client.ping()
        busy = server.json("/varz")["cpu"]
        expect(1 < busy < 1000, f"{busy} % after a second of work")
        return f"{busy} %"


def connz(args):
    with Monitored(args.server, args.flags) as server:
        subscriber, publisher = traffic(server)
        answer = server.json("/connz?auth=1&subs=1")
        expect([c["name"] for c in answer["connections"]] == ["sub", "pub"], f"{answer}")
        sub, pub = answer["connections"]
        wanted = {"kind": "Client", "type": "nats", "ip": "127.0.0.1", "in_msgs": 0,
                  "out_msgs": OUT_MSGS, "out_bytes": OUT_BYTES, "subscriptions": 2, "lang": "python",
                  "version": "1.0", "authorized_user": "u", "pending_bytes": 0, "name_tag": "$G",
                  "port": subscriber.sock.getsockname()[1], "cid": subscriber.info["client_id"]}
        for name, value in wanted.items():
            expect(sub[name] == value, f"{name}: {sub[name]} instead of {value}")
        expect(sorted(sub["subscriptions_list"]) == ["bar", "foo.*"], f"{sub}")
        expect(pub["in_msgs"] == IN_MSGS - 1 and pub["out_msgs"] == 0, f"{pub}")
        expect("subscriptions_list" not in pub, f"{pub}")
        expect(re.fullmatch(r"[\d.]+(ns|µs|ms)", sub["rtt"]), sub["rtt"])

        detail = server.json("/connz?subs=detail&cid=%d" % sub["cid"])["connections"][0]
        one = next(s for s in detail["subscriptions_list_detail"] if s["subject"] == "foo.*")
        expect(one == {"subject": "foo.*", "sid": "1", "msgs": OUT_MSGS - 3, "max": 100,
                       "cid": sub["cid"]}, f"{one}")
        closed = server.json("/connz?state=closed")
        expect(closed["total"] == 1, f"{closed}")
        gone = closed["connections"][0]
        expect((gone["name"], gone["reason"], gone["subscriptions"], gone["in_msgs"])
               == ("gone", "Client Closed", 1, 1), f"{gone}")
        expect(gone["start"] <= gone["last_activity"] <= gone["stop"], f"{gone}")
        order = [c["name"] for c in server.json("/connz?state=any&sort=bytes_from")["connections"]]
        expect(order == ["pub", "gone", "sub"], f"{order}")
        subscriber.close()
        publisher.close()


def subsz(args):
    with Monitored(args.server, args.flags) as server:
        subscriber, publisher = traffic(server)
        plain = server.json("/subsz")
        wanted = {"num_subscriptions": 2, "num_inserts": 3, "num_removes": 1, "total": 0}
        for name, value in wanted.items():
            expect(plain[name] == value, f"{name}: {plain[name]} instead of {value}")
        expect(plain["num_matches"] > 0, f"{plain}")
        listed = server.json("/subsz?subs=1&test=foo.x")
        expect(listed["total"] == 1, f"{listed}")
        expect(listed["subscriptions_list"] == [
            {"account": "$G", "account_tag": "$G", "subject": "foo.*", "sid": "1",
             "msgs": OUT_MSGS - 3, "max": 100, "cid": subscriber.info["client_id"]}], f"{listed}")
        queue = server.json("/subscriptionsz?subs=1&test=bar")["subscriptions_list"][0]
        expect(queue["qgroup"] == "workers", f"{queue}")
        subscriber.close()
        publisher.close()


def lame_duck(args):
    with Monitored(args.server, args.flags) as server:
        expect(server.get("/healthz").body == '{"status":"ok"}', "not healthy")
        with connect(server):
            server.signal(signal.SIGUSR2)
            wait_for(lambda: server.get("/healthz").status == 500, "healthy without a listener")
            body = server.get("/healthz").body
            expect(body == '{"status":"error","error":"failed to be ready for connections after 1ms: '
                           'server"}', body)
            expect(server.json("/varz")["connections"] == 1, "connections")


def many(args):
    """A walk over thousands of connections, on two shards, while some come and go."""
    with Monitored(args.server, ["--shards", "2", *args.flags]) as server:
        clients = [Client(server.port, greet=False) for _ in range(3000)]
        for client in clients:
            client.send(harness.CONNECT + b"SUB x 1\r\nPING\r\n")
        for client in clients:
            client.until(b"PONG\r\n")
        cids = []
        for offset in range(0, 3000, 500):
            page = server.json(f"/connz?offset={offset}&limit=500")
            expect(page["total"] == 3000, f"total {page['total']}")
            cids += [c["cid"] for c in page["connections"]]
        expect(cids == sorted(set(cids)) and len(cids) == 3000, f"{len(cids)} of 3000")
        expect(server.json("/subsz?subs=1&limit=10000")["total"] == 3000, "subscriptions")

        stopping = threading.Event()

        def churn():
            while not stopping.is_set():
                Client(server.port, greet=False).close()

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for _ in range(10):
                answer = server.json("/connz?limit=100000&subs=1")
                told = [c["cid"] for c in answer["connections"]]
                expect(told == sorted(set(told)), "told twice")
                expect(set(cids) <= set(told), "one that stays is missing")
        finally:
            stopping.set()
            thread.join()
        begin = time.monotonic()
        server.json("/connz")
        seconds = time.monotonic() - begin
        for client in clients:
            client.close()
        return f"{seconds * 1000:.0f} ms for a page of 3000"


# --------------------------------------------------------------------------- clusters

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


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


def cluster(args):
    with Pair(args.server, args.flags + ["--shards", "2"]) as pair:
        a, b = pair.a, pair.b
        expect("[INF]   Cluster:  C\n" in a.log(), "banner")
        answer = a.json("/routez")
        expect((answer["server_name"], answer["num_routes"]) == ("A", 4), f"{answer}")
        expect([r.get("account") for r in answer["routes"]] == [None, None, None, "$SYS"], f"{answer}")
        expect(len({r["rid"] for r in answer["routes"]}) == 4, f"{answer}")
        for route in answer["routes"]:
            expect((route["remote_name"], route["remote_id"], route["ip"], route["did_solicit"],
                    route["is_configured"], route["compression"], route["pending_size"])
                   == ("B", b.json("/varz")["server_id"], "127.0.0.1", False, False, "off", 0),
                   f"{route}")
        out = answer["routes"][2]
        expect((out["in_msgs"], out["out_msgs"], out["in_bytes"], out["out_bytes"])
               == (0, 13, 0, 56), f"{out}")
        expect(out["start"] <= out["last_activity"] <= answer["now"], f"{out}")
        come = pair.route(b)
        expect((come["did_solicit"], come["is_configured"], come["port"], come["in_bytes"],
                come["subscriptions"]) == (True, True, pair.route_port, 56, 0), f"{come}")
        listed = pair.route(a, "?subs=1")
        expect(sorted(listed["subscriptions_list"]) == ["bar", "foo.*"], f"{listed}")
        detail = sorted(pair.route(a, "?subs=detail")["subscriptions_list_detail"],
                        key=lambda s: s["subject"])
        expect(detail == [{"subject": "bar", "qgroup": "workers", "sid": "R $G bar workers",
                           "msgs": 0, "cid": out["rid"]},
                          {"subject": "foo.*", "sid": "R $G foo.*", "msgs": 0, "cid": out["rid"]}],
               f"{detail}")

        varz = a.json("/varz")
        wanted = {"routes": 4, "remotes": 1, "subscriptions": 2, "in_msgs": 13, "in_client_msgs": 13,
                  "out_msgs": 13, "out_bytes": 56, "out_client_msgs": 0, "connections": 1,
                  "total_connections": 1, "martlet": {
                      "interest_differences": 0, "lost_interest": 0, "lost_routes": 0,
                      "member_differences": 0}}
        for name, value in wanted.items():
            expect(varz[name] == value, f"{name}: {varz[name]} instead of {value}")
        expect(varz["cluster"] == {"name": "C", "addr": "127.0.0.1", "cluster_port": pair.route_port,
                                   "auth_timeout": 2, "tls_timeout": 2, "pool_size": 3},
               f"{varz['cluster']}")
        expect(b.json("/varz")["cluster"]["urls"] == [f"127.0.0.1:{pair.route_port}"], "urls")
        expect(varz["connect_urls"] == [f"127.0.0.1:{s.port}" for s in (a, b)], f"{varz}")
        expect(a.json("/subsz")["num_subscriptions"] == 2, "subsz does not count interest")
        expect(a.json("/subsz?subs=1")["total"] == 0, "subsz tells of interest")
        expect(len(a.json("/connz")["connections"]) == 1, "connz tells of routes")
        ports = [name for name in os.listdir(a.dir) if name.endswith(".ports")]
        with open(os.path.join(a.dir, ports[0])) as file:
            expect(json.load(file)["cluster"] == [f"nats://127.0.0.1:{pair.route_port}"], "ports file")

        pair.subscriber.close()
        wait_for(lambda: a.json("/varz")["subscriptions"] == 0, "interest stays")
        expect(a.json("/subsz")["num_removes"] == 2, "removes")
        b.signal(signal.SIGTERM)
        expect(b.wait(5) == 0, "B does not end")
        wait_for(lambda: a.json("/varz")["routes"] == 0, "routes stay")
        now = a.json("/varz")
        expect((now["remotes"], now["out_msgs"]) == (0, 13), f"{now}")
        expect(a.json("/routez")["routes"] == [], "routes stay")
        expect(a.json("/healthz")["status"] == "ok", "health")


def much_interest(args):
    """What another server wants is told in pieces, while it changes."""
    count = 20000
    with Pair(args.server, args.flags + ["--shards", "2"]) as pair:
        subscriber = connect(pair.b)
        subscriber.send(b"".join(b"SUB many.%d %d\r\n" % (i, i) for i in range(count)))
        subscriber.ping()
        wait_for(lambda: pair.route(pair.a)["subscriptions"] == count + 2, "interest", 20)
        stopping = threading.Event()

        def churn():
            with connect(pair.b) as client:
                while not stopping.is_set():
                    client.send(b"".join(b"SUB other.%d %d\r\n" % (i, i) for i in range(100)))
                    client.send(b"".join(b"UNSUB %d\r\n" % i for i in range(100)))
                    client.ping()

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for _ in range(3):
                listed = pair.route(pair.a, "?subs=1")["subscriptions_list"]
                expect(len(listed) == len(set(listed)), "told twice")
                missing = {f"many.{i}" for i in range(count)} - set(listed)
                expect(not missing, f"{len(missing)} missing")
        finally:
            stopping.set()
            thread.join()
        subscriber.close()


# --------------------------------------------------------------------------- the reference

# What it has and this server has not, as neither has a part of the server behind it.
REFERENCE_ONLY = {"/varz": {"feature_flags", "system_account"}}
OURS_ONLY = {"/varz": {"martlet"}}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
# Values that must be the same for the same traffic.
SAME = {"connections", "total_connections", "num_connections", "total", "offset", "limit", "in_msgs",
        "in_bytes", "out_msgs", "out_bytes", "in_client_msgs", "in_client_bytes", "out_client_msgs",
        "out_client_bytes", "slow_consumers", "stale_connections", "stalled_clients", "routes", "proto",
        "version", "host", "http_host", "http_base_path", "https_port", "max_connections", "max_payload",
        "max_pending", "max_control_line", "ping_interval", "ping_max", "auth_timeout", "tls_timeout",
        "write_deadline", "write_timeout", "http_port", "subject", "sid", "qgroup", "msgs", "max", "kind",
        "type", "ip", "reason", "name", "lang", "authorized_user", "name_tag", "account", "account_tag",
        "num_routes", "cores", "config_digest", "status", "error", "errors", "cid", "remotes",
        "remote_name", "compression", "pool_size", "addr", "pending_size"}


def kind(value):
    """What stands there, as a reader of the JSON sees it."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        if TIME.fullmatch(value):
            return "time " + value[-1]
        return "uptime" if re.fullmatch(r"(\d+[ydhm])*\d+s", value) else "text"
    return type(value).__name__


def differences(path, ours, theirs, ignored=()):
    if kind(ours) != kind(theirs):
        yield f"{path}: {ours!r} is {kind(ours)}, not {kind(theirs)} like {theirs!r}"
    elif isinstance(ours, dict):
        wanted = [name for name in theirs if name not in ignored]
        if list(ours) != wanted:
            missing = [name for name in wanted if name not in ours]
            more = [name for name in ours if name not in wanted]
            yield f"{path}: missing {missing}, more {more}" if missing or more else f"{path}: order"
        for name in set(ours) & set(wanted):
            yield from differences(f"{path}.{name}", ours[name], theirs[name])
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            yield f"{path}: {len(ours)} instead of {len(theirs)}"
        for i, (a, b) in enumerate(zip(ours, theirs)):
            yield from differences(f"{path}[{i}]", a, b)
    elif path.rsplit(".", 1)[-1] in SAME and ours != theirs:
        yield f"{path}: {ours!r} instead of {theirs!r}"


def reference(args):
    if not args.reference:
        raise harness.Skip("no nats-server, tools/install-interop builds one: nothing compared")
    both = [Monitored(args.server, args.flags), Monitored(shlex.split(args.reference))]
    try:
        ours, theirs = (json.loads(server.get("/varz").body)["version"] for server in both)
        if ours != theirs:
            raise harness.Skip(f"{args.reference} is {theirs}, not {ours}, which tools/install-interop "
                               "builds: nothing compared")
        clients = [traffic(server) for server in both]
        found, compared = [], 0
        for path in ("/varz", "/connz", "/connz?auth=1", "/connz?subs=1", "/connz?subs=detail&auth=true",
                     "/connz?state=closed", "/connz?state=any&sort=bytes_from", "/connz?cid=99999",
                     "/connz?sort=msgs_to&limit=1", "/connz?offset=1", "/connz?acc=nobody",
                     "/connz?user=u", "/routez", "/subsz", "/subsz?subs=1&test=foo.x",
                     "/subsz?subs=1&test=bar&acc=$G", "/subsz?test=foo.x", "/healthz",
                     "/healthz?details=1", "/varz"):
            ours, theirs = (server.get(path) for server in both)
            if ours.status != theirs.status:
                found.append(f"{path}: {ours.status} instead of {theirs.status}")
                continue
            found += compare(path, ours, theirs)
            compared += 1
        found += texts(both)
        expect(not found, "\n      " + "\n      ".join(found))
        for pair in clients:
            for client in pair:
                client.close()
        return f"{compared} answers like those of {args.reference}"
    finally:
        for server in both:
            server.stop()


def compare(path, ours, theirs):
    objects = [normal(path, json.loads(reply.body)) for reply in (ours, theirs)]
    endpoint = path.split("?")[0]
    for name in OURS_ONLY.get(endpoint, ()):
        del objects[0][name]
    yield from differences(path, *objects, REFERENCE_ONLY.get(endpoint, ()))
    yield from layout_differences(path, ours, theirs)


def cluster_reference(args):
    """A cluster of ours and one of the reference's tell the same."""
    if not args.reference:
        raise harness.Skip("no nats-server on PATH: nothing compared")
    versions = []
    for command in (args.server, shlex.split(args.reference)):
        with Monitored(command) as server:
            versions.append(json.loads(server.get("/varz").body)["version"])
    if versions[0] != versions[1]:
        raise harness.Skip(f"{args.reference} is {versions[1]}: nothing compared")
    with Pair(args.server, args.flags) as ours, Pair(shlex.split(args.reference)) as theirs:
        found = []
        for path in ("/routez", "/routez?subs=1", "/routez?subs=detail", "/routez?subs=Detail",
                     "/varz", "/connz?subs=1", "/subsz", "/healthz"):
            for server in ("a", "b"):
                replies = [getattr(pair, server).get(path) for pair in (ours, theirs)]
                found += [f"{server}{line}" for line in compare(path, *replies)]
        expect(not found, "\n      " + "\n      ".join(found))


def normal(path, value):
    """Without what may stand in any order, or stands for one server only."""
    if path.startswith("/varz"):
        value["http_req_stats"] = {name: 0 for name in sorted(value["http_req_stats"])
                                   if name in ("/varz", "/connz", "/subsz", "/healthz", "/routez")}
        if value["cluster"]:
            for name in ("in_msgs", "in_bytes", "out_msgs", "out_bytes"):
                value[name] = 0  # the reference's servers talk to each other
    for route in value.get("routes", ()) if path.startswith("/routez") else ():
        if route.get("account") == "$SYS":
            for name in ("in_msgs", "in_bytes", "out_msgs", "out_bytes"):
                route[name] = 0
            route.pop("subscriptions_list", None)
            route.pop("subscriptions_list_detail", None)
        route.get("subscriptions_list", []).sort()
        for subscription in route.get("subscriptions_list_detail", ()):
            subscription["cid"] = subscription["msgs"] = 0
        route.get("subscriptions_list_detail", []).sort(key=lambda s: s["sid"])
    connections = value.get("connections")
    for connection in connections if isinstance(connections, list) else []:
        for name in ("subscriptions_list", "subscriptions_list_detail"):
            if name in connection:
                connection[name].sort(key=lambda s: s if isinstance(s, str) else s["sid"])
    return value


def layout_differences(path, ours, theirs):
    """Blanks and line ends, and the headers that tell what it is."""
    for name in ("content-type", "access-control-allow-origin"):
        if ours.headers.get(name) != theirs.headers.get(name):
            yield f"{path}: {name} {ours.headers.get(name)} instead of {theirs.headers.get(name)}"
    for text, other in ((ours.body, "ours"), (theirs.body, "theirs")):
        one_line = path.startswith("/healthz")
        again = json.dumps(json.loads(text), indent=None if one_line else 2, ensure_ascii=False,
                           separators=(",", ":") if one_line else (",", ": "))
        # Numbers are written in other ways; the lines and their beginnings must be the same.
        shape = [re.match(r" *", line).group() for line in text.split("\n")]
        wanted = [re.match(r" *", line).group() for line in again.split("\n")]
        if shape != wanted:
            yield f"{path}: the lines of {other} are not those of an indented object"


def texts(both):
    """Answers that are no objects, word for word."""
    for path in ("/nothing", "/varz/", "/connz?limit=x", "/connz?auth=2", "/connz?cid=-1",
                 "/connz?offset=99999999999999999999", "/connz?state=zz", "/connz?sort=foo",
                 "/connz?sort=stop", "/connz?state=any&sort=reason", "/connz?subs=%22%0a",
                 "/connz?limit=1_0", "/connz?limit=%2b", "/routez?subs=x", "/subsz?subs=x",
                 "/subsz?test=foo.*&subs=1", "/subsz?limit=1e3", "/healthz?details=x",
                 "/healthz?stream=s", "/healthz?account=a&consumer=c",
                 "/healthz?stream=s&details=1"):
        ours, theirs = (server.get(path) for server in both)
        if (ours.status, ours.body) != (theirs.status, theirs.body):
            yield f"{path}: {ours.status} {ours.body!r} instead of {theirs.status} {theirs.body!r}"
        for name in ("content-type", "x-content-type-options", "access-control-allow-origin"):
            if ours.headers.get(name) != theirs.headers.get(name):
                yield f"{path}: {name} {ours.headers.get(name)} instead of {theirs.headers.get(name)}"
    for data in (b"GET\r\n\r\n", b"GET /varz HTTP/1.1\r\n\r\n", b"GET /varz HTTP/2.0\r\nHost: h\r\n\r\n",
                 b"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", b"G T / HTTP/1.1\r\nHost: h\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"):
        ours, theirs = (server.raw_answer(data) for server in both)
        if ours != theirs:
            yield f"{data!r}: {ours!r} instead of {theirs!r}"


# --------------------------------------------------------------------------- HTTP

def http_forms(args):
    with Monitored(args.server, args.flags) as server:
        for method in ("POST", "PUT", "DELETE", "BREW"):
            expect(server.get("/healthz", method, "body").body == '{"status":"ok"}', method)
        head = server.get("/varz", "HEAD")
        expect(head.body == "" and int(head.headers["content-length"]) > 1000, f"{head}")
        root = server.get("/")
        expect(root.headers["content-type"] == "text/html; charset=utf-8", f"{root.headers}")
        for link in re.findall(r'href="\.(.*?)"', root.body):
            expect(server.get(link).status == 200, f"{link} leads nowhere")
        missing = server.get("/jsz")
        expect((missing.status, missing.body) == (404, "404 page not found\n"), f"{missing}")

        request = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
        last = b"GET /connz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        answers = server.raw_answer(request * 20 + last)
        expect(answers.count(b'{"status":"ok"}') == 20, f"{answers[-300:]}")
        expect(answers.rstrip().endswith(b"}") and b'"num_connections": 0' in answers, "the last one")
        expect(answers.count(b"Connection: close") == 1, "closes early")
        expect(server.raw_answer(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 OK\r\n"),
               "HTTP/1.0")
        with server.raw() as sock:  # whoever says that it is done still gets its answer
            sock.sendall(b"GET /connz HTTP/1.1\r\nHost: h\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            expect(b'"connections": []' in read_all(sock), "half closed")
        with server.raw() as sock:  # byte by byte
            for byte in request:
                sock.sendall(bytes([byte]))
            expect(b'{"status":"ok"}' in sock.recv(4096), "byte by byte")


# --------------------------------------------------------------------------- strangers

class Witness:
    """A client that pings, and remembers the worst answer."""

    def __init__(self, server):
        self.client = Client(server.port)
        self.worst = 0.0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stopping.wait(0.01):
            self.worst = max(self.worst, self.client.ping())

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.client.close()
        expect(self.worst < PONG_SECONDS_MAX, f"a PONG took {self.worst:.2f} s")


def slow_heads(args):
    """A hundred that never finish a request: whoever asks gets its answer, and they are let go."""
    with Monitored(args.server, args.flags) as server:
        witness = Witness(server)
        fds = server.fds()
        slow = [server.raw() for _ in range(100)]
        for sock in slow:
            sock.sendall(b"GET /varz HTTP/1.1\r\nHost:")
        begin = time.monotonic()
        expect(server.json("/varz")["connections"] == 1, "varz")
        expect(time.monotonic() - begin < 1, "had to wait")
        for _ in range(HEAD_SECONDS * 2 + 2):
            for sock in slow:
                try:
                    sock.sendall(b" ")
                except OSError:
                    pass
            time.sleep(0.5)
        wait_for(lambda: server.fds() <= fds, f"{server.fds()} descriptors instead of {fds}", 3)
        for sock in slow:
            sock.close()
        witness.stop()
        return f"worst PONG {witness.worst * 1000:.0f} ms"


def no_readers(args):
    """Large answers that nobody reads cost a bounded amount of memory, and nobody else's time."""
    with Monitored(args.server, args.flags, env=harness.countable_memory()) as server:
        clients = [Client(server.port, greet=False) for _ in range(500)]
        name = json.dumps("n" * 3000).encode()
        for client in clients:
            client.send(b"CONNECT {" + MEMBERS + b',"name":' + name + b"}\r\nPING\r\n")
        for client in clients:
            client.until(b"PONG\r\n")
        witness = Witness(server)
        before = server.rss()
        idle = []
        for _ in range(60):
            sock = server.raw()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.sendall(b"GET /connz HTTP/1.1\r\nHost: h\r\n\r\n" * 50)
            idle.append(sock)
        time.sleep(1)
        expect(server.get("/healthz").status == 200, "not healthy")
        grown = server.rss() - before
        expect(grown < 200 << 20, f"{grown >> 20} MiB")
        for sock in idle[:30]:
            sock.close()
        wait_for(lambda: answers(server), "nothing but refusals", 15)  # until the rest is given up
        expect(server.json("/connz")["total"] == 501, "connz")
        witness.stop()
        for client in clients:
            client.close()
        server.signal(signal.SIGTERM)
        expect(server.wait(4) == 0, "those who read nothing keep the server from ending")
        for sock in idle:
            sock.close()
        return f"{grown >> 20} MiB, worst PONG {witness.worst * 1000:.0f} ms"


def garbage(args):
    with Monitored(args.server, args.flags) as server:
        witness = Witness(server)
        pieces = [b"\0" * 100000, b"\n" * 1000, os.urandom(100000), b"GET /" + b"a" * 100000,
                  b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 50000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
                  b"CONNECT {}\r\nPING\r\n", b"GET /varz HTTP/1.1\r\nHost: h\r\n" + b"\r" * 20000,
                  b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 100000,
                  b"GET /connz?" + b"a=b&" * 3000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"]
        fds = server.fds()
        for piece in pieces * 5:
            with server.raw() as sock:
                try:
                    sock.sendall(piece)
                    sock.shutdown(socket.SHUT_WR)
                    read_all(sock)
                except ConnectionError:
                    pass
        for _ in range(200):  # asks, and is gone before the answer
            with server.raw() as sock:
                sock.sendall(b"GET /connz?subs=1 HTTP/1.1\r\nHost: h\r\n\r\n")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wait_for(lambda: answers(server), "nothing but refusals")
        expect(server.json("/connz")["num_connections"] == 1, "connz")
        wait_for(lambda: server.fds() <= fds, f"{server.fds()} descriptors instead of {fds}")
        witness.stop()
        return f"worst PONG {witness.worst * 1000:.0f} ms"


def answers(server):
    """Whether the flood is over: while it lasts a newcomer may be turned away."""
    try:
        return server.get("/connz").status == 200
    except ConnectionError:
        return False


def endless_questions(args):
    """Those who ask all the time, as fast as they can, slow down nobody else by much."""
    with Monitored(args.server, ["--shards", "2", *args.flags]) as server:
        clients = [Client(server.port) for _ in range(1000)]
        witness = Witness(server)
        stopping = threading.Event()
        answers = []

        def ask():
            while not stopping.is_set():
                answers.append(server.get("/connz?limit=10").status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(2)
        stopping.set()
        for thread in threads:
            thread.join()
        witness.stop()
        expect(set(answers) == {200}, f"{collections.Counter(answers)}")
        for client in clients:
            client.close()
        return f"{len(answers)} answers, worst PONG {witness.worst * 1000:.0f} ms"


def main():
    def add(parser):
        parser.add_argument("--reference", default=harness.reference_server())

    args = harness.arguments("The monitoring port.", add)
    tally = harness.Tally(args.only)
    cases = (start, bad_port, varz, cpu, connz, subsz, lame_duck, many, cluster, much_interest,
             reference, cluster_reference, http_forms, slow_heads,
             no_readers, garbage, endless_questions)
    for backend in ("io_uring", "epoll"):
        args.flags = ["--io_backend", backend]
        for case in cases:
            tally.run(f"{case.__name__}, {backend}", case, args)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
