#!/usr/bin/env python3
"""Feeds the cluster's port of a server what no honest server sends; its neighbours must not notice.

  hostile_routes.py --server "build/martlet-server" [--only PATTERN]
  hostile_routes.py --server nats-server --reference

Every case has a cluster of its own: the victim, an honest server with routes to it, and a stream of
numbered messages between clients of the two. During a case no message may get lost or wait longer
than a second, no honest route may close, the victim must live, and its memory must stay within the
case's bound. --reference skips what the reference server itself does not keep ("ours only").
"""
import itertools
import json
import os
import random
import re
import resource
import socket
import struct
import sys
import threading
import time

import harness
from cluster import Kind, Node, free_port, mesh, subscribe, wait_for
from harness import expect

MIB = 1 << 20
# A sanitizer makes the server many times slower, and its memory is not ours.
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
WAIT_SECONDS_MAX = 5.0 if SANITIZED else 1.0
# What all connections of a shard receive into; see hostile_inputs.py.
SHARED_BUFFERS_MIB = 4 * 4
ids = itertools.count(1)


def fresh_id():
    return "NHOSTILE%048d" % next(ids)


class TooSlow(AssertionError):
    """A message took longer than it may."""


class Witness:
    """A stream of numbered messages from a client of one server to one of the other."""

    def __init__(self, from_node, to_node):
        self.subscriber = to_node.client()
        self.publisher = from_node.client()
        subscribe(self.subscriber, "witness", 1)
        self.worst = 0.0
        self.number = 0
        self.error = None
        self.stopping = threading.Event()
        wait_for(self._first, "the first message of the witness")
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _first(self):
        self.publisher.send(b"PUB witness 5\r\nfirst\r\n")
        try:
            self.subscriber.until(b"first\r\n", timeout=0.05)
        except TimeoutError:
            return False
        return True

    def _run(self):
        try:
            while not self.stopping.wait(0.02):
                self._one()
        except Exception as why:  # whatever it is belongs into the verdict
            self.error = why

    def _one(self):
        self.number += 1
        text = b"number %d" % self.number
        begin = time.monotonic()
        self.publisher.send(b"PUB witness %d\r\n%s\r\n" % (len(text), text))
        self.subscriber.until(text + b"\r\n", timeout=5)
        self.worst = max(self.worst, time.monotonic() - begin)

    def stop(self):
        self.stopping.set()
        self.thread.join(10)
        self.subscriber.close()
        self.publisher.close()


class Stage:
    """Runs cases: two servers and the witness up, the attack, then the promises."""

    def __init__(self, args, tally):
        self.args = args
        self.tally = tally

    def case(self, name, attack, growth_mib, ours_only=False, config="", **options):
        self.tally.run(name, self._with_patience, attack, growth_mib + SHARED_BUFFERS_MIB, ours_only,
                       config, options)

    def _with_patience(self, *args):
        """A busy machine may make anyone wait, but hardly twice."""
        try:
            return self._guarded(*args)
        except TooSlow:
            return self._guarded(*args)

    def _guarded(self, attack, growth_mib, ours_only, config, options):
        kind = Kind("victim", self.args.server[0], self.args.server[1:])
        port = free_port()
        login = "route:secret@" if "authorization" in config else ""
        text = "cluster {\n  name: C1\n  listen: \"127.0.0.1:%d\"\n%s\n}\n" % (port, config)
        limits = options.get("limits")
        friend_routes = f"nats://{login}127.0.0.1:{port}"
        with Victim(kind, port, text, limits) as victim, \
                Node(kind, "FRIEND", extra=["--routes", friend_routes]) as friend:
            mesh([victim, friend])
            wait_for(lambda: sum(victim.registered().values()) >= 4, "the whole pool")
            closed_before = honest_closes(friend)
            there, back = Witness(friend, victim), Witness(victim, friend)
            before = victim.rss()
            victim.reset_peak()
            try:
                remark = attack(victim, friend)
            finally:
                there.stop()
                back.stop()
            growth = (victim.peak_rss() - before) / MIB
            expect(victim.alive(), f"the server died: {victim.log()[-1500:]}")
            expect(friend.alive(), f"the honest server died: {friend.log()[-1500:]}")
            for witness in (there, back):
                expect(witness.error is None, f"the witness failed: {witness.error}")
                if witness.worst > WAIT_SECONDS_MAX:
                    raise TooSlow(f"a message took {witness.worst:.2f} s")
            closed = honest_closes(friend) - closed_before
            expect(closed == 0, f"{closed} honest routes were closed")
            worst = max(there.worst, back.worst)
            note = f"message {worst * 1e3:.0f} ms, memory +{growth:.1f} MiB"
            if SANITIZED:
                note += " (a sanitizer's memory is not ours)"
            elif self.args.reference and ours_only:
                note += f" (ours only: {growth_mib})"
            else:
                expect(growth <= growth_mib, f"{note}, allowed {growth_mib}")
            return f"{note}{', ' + remark if remark else ''}"


class Victim(Node):
    """A server whose cluster comes from a configuration file."""

    def __init__(self, kind, route_port, config, limits=None):
        self.kind, self.name, self.route_port = kind, "VICTIM", route_port
        harness.Server.__init__(self, [kind.command, *kind.flags],
                                ["-n", "VICTIM", "-D", "-c", harness.write_config(config)],
                                port=free_port(), limits=limits,
                                env=harness.countable_memory())


def honest_closes(friend):
    """Closed routes of the friend to the victim; what comes and goes in a case is not meant."""
    return len(re.findall(r"Router connection closed: .*Remote: VICTIM", friend.log()))


class Peer(harness.Client):
    """A connection to the cluster's port that pretends to be a server."""

    def __init__(self, victim, timeout=5.0):
        super().__init__(victim.route_port, greet=False, timeout=timeout)
        self.id = fresh_id()

    def connect(self, cluster="C1", **fields):
        self.read_info()
        self.send(connect_line(name=self.id, cluster=cluster, **fields))
        return self

    def join(self, **fields):
        """A registered route of a server without a pool."""
        self.connect()
        self.send(info_line(server_id=self.id, server_name=self.id, **fields))
        self.ping()
        return self


def connect_line(**fields):
    return b"CONNECT " + json.dumps(
        {"echo": True, "verbose": False, "pedantic": False, "headers": True, **fields}
    ).encode() + b"\r\n"


def info_line(**fields):
    info = {"server_id": fresh_id(), "version": "0.0.1", "proto": 1, "host": "127.0.0.1",
            "port": 1, "headers": True, "max_payload": 1048576, "cluster": "C1"}
    info.update(fields)
    info.setdefault("server_name", info["server_id"])
    return b"INFO " + json.dumps(info).encode() + b" \r\n"


def pour(peer, pieces):
    """Sends until the victim refuses; returns the bytes sent."""
    sent = 0
    try:
        for piece in pieces:
            peer.send(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


def joins_still(victim, config_login=""):
    """A third honest server finds its way into the cluster."""
    newcomer = Node(victim.kind, "NEWCOMER",
                    extra=["--routes", f"nats://{config_login}127.0.0.1:{victim.route_port}"])
    with newcomer:
        begin = time.monotonic()
        wait_for(lambda: len(newcomer.registered()) >= 2, "a newcomer in the mesh", 5)
        return f"a newcomer joined in {time.monotonic() - begin:.1f} s"


# --------------------------------------------------------------------------- answers

UNKNOWN = b"-ERR 'Unknown Protocol Operation'\r\n"
UNAUTHORIZED = b"-ERR 'Authorization Violation'\r\n"
TOO_LONG = b"-ERR 'maximum control line exceeded'\r\n"
CLIENT = b"-ERR 'attempted to connect to route port'\r\n"
INVALID = b"-ERR 'Invalid Subscription'\r\n"
SILENT = b""
LIVES = None  # stays open and answers the next PING


def err(text):
    return b"-ERR '" + text.encode() + b"'\r\n"


def deep(verb, count, before=b'{"server_id":"x","x":', after=b"}"):
    return verb + b" " + before + b"[" * count + b"]" * count + after + b"\r\n"


# name, bytes right after the victim's INFO, the answer before the close or LIVES
FIRST = (
    ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", UNAUTHORIZED),
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), UNAUTHORIZED),
    ("SSH hello", b"SSH-2.0-OpenSSH_9.2\r\n", UNAUTHORIZED),
    ("MQTT hello", b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", UNAUTHORIZED),
    ("NUL", b"\x00\x00\x00\r\n", UNAUTHORIZED),
    ("RS+", b"RS+ $G foo\r\n", UNAUTHORIZED),
    ("RS-", b"RS- $G foo\r\n", UNAUTHORIZED),
    ("RMSG", b"RMSG $G foo 2\r\nhi\r\n", UNAUTHORIZED),
    ("HMSG", b"HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", UNAUTHORIZED),
    ("LS+ without arguments", b"LS+ test\r\n", UNAUTHORIZED),
    ("LS-", b"LS- test\r\n", UNAUTHORIZED),
    ("INFO", info_line(), UNAUTHORIZED),
    ("INFO {}", b"INFO {}\r\n", UNAUTHORIZED),
    ("INFO, remote_account", b'INFO {"remote_account":"x"}\r\n', UNAUTHORIZED),
    ("PING", b"PING\r\n", UNAUTHORIZED),
    ("PONG", b"PONG\r\n", UNAUTHORIZED),
    ("SUB", b"SUB foo 1\r\n", UNAUTHORIZED),
    ("PUB", b"PUB foo 2\r\nhi\r\n", UNAUTHORIZED),
    ("-ERR", b"-ERR 'Loop Detected'\r\n", UNAUTHORIZED),
    ("A+", b"A+ x\r\n", UNAUTHORIZED),
    ("a client's CONNECT", harness.CONNECT.replace(b"}", b',"lang":"go"}'), CLIENT),
    ("a gateway's CONNECT", connect_line(name="x", gateway="GW"),
     err('Rejecting connection from gateway "GW" on the Route port')),
    ("another cluster", connect_line(name="x", cluster="C2"),
     err('Rejecting connection, cluster name "C2" does not match "C1"')),
    ("no cluster", connect_line(name="x"),
     err('Rejecting connection, cluster name "" does not match "C1"')),
    ("CONNECT array", b"CONNECT []\r\n", SILENT),
    ("CONNECT empty", b"CONNECT \r\n", SILENT),
    ("CONNECT cut off", b'CONNECT {"name":"x"\r\n', SILENT),
    ("CONNECT depth 10k", deep(b"CONNECT", 10000), SILENT),
    ("CONNECT 1 MiB", b'CONNECT {"name":"' + b"a" * MIB + b'"}\r\n', TOO_LONG),
    ("CONNECT cluster number", b'CONNECT {"cluster":1}\r\n', SILENT),
)

# the same, after CONNECT
GREETED = (
    ("PING", b"PING\r\n", LIVES),
    ("CONNECT again", connect_line(name="x", cluster="C1"), LIVES),
    ("RMSG unregistered", b"RMSG $G foo 2\r\nhi\r\n", LIVES),
    ("INFO array", b"INFO []\r\n", SILENT),
    ("INFO cut off", b'INFO {"server_id":"x"\r\n', SILENT),
    ("INFO depth 1000", deep(b"INFO", 1000), LIVES),
    ("INFO depth 20k", deep(b"INFO", 20000), SILENT),
    ("INFO 1 MiB", b'INFO {"server_id":"' + b"a" * MIB + b'"}\r\n', TOO_LONG),
    ("INFO of nobody", b"INFO {}\r\n", b"-ERR 'Rejecting connection, its INFO has no server_id'\r\n"),
    ("INFO port text", info_line(port="x"), SILENT),
    ("INFO port 1e999", info_line(port=1).replace(b'"port": 1', b'"port": 1e999'), SILENT),
    ("INFO pool size text", info_line(route_pool_size="x"), SILENT),
    ("INFO other cluster", info_line(cluster="C2"), SILENT),
    ("INFO reserved cluster", info_line(cluster="_"), SILENT),
    ("INFO same name", info_line(server_name="VICTIM"), SILENT),
    ("INFO pool index 3", info_line(route_pool_size=3, route_pool_idx=3),
     err("Invalid route pool index: 3 - pool size is 3")),
    ("INFO pool index -1", info_line(route_pool_size=3, route_pool_idx=-1),
     err("Invalid route pool index: -1 - pool size is 3")),
    ("INFO account, no pool", info_line(route_account="$SYS"),
     err('Not possible to have a dedicated route for account "$SYS" between those servers')),
    ("INFO compression zstd", info_line(compression="zstd"),
     err('unsupported route compression mode "zstd"')),
)

# the same, after the route was registered
REGISTERED = (
    ("unknown verb", b"HELLO\r\n", UNKNOWN),
    ("MSG", b"MSG foo 1 2\r\nhi\r\n", UNKNOWN),
    ("+OK", b"+OK\r\n", LIVES),
    ("PONG unasked", b"PONG\r\n" * 100, LIVES),
    ("A+ A-", b"A+ x\r\nA- x\r\n", LIVES),
    ("CONNECT again", connect_line(name="x", cluster="C1"), LIVES),
    ("PUB SUB", b"SUB foo 1\r\nPUB foo 2\r\nhi\r\n", LIVES),
    ("-ERR", b"-ERR 'Loop Detected'\r\n", SILENT),
    ("RS+ invalid subject", b"RS+ $G foo..bar\r\n", LIVES),
    ("RS+ > in the middle", b"RS+ $G foo.>.bar\r\n", LIVES),
    ("RS+ unknown account", b"RS+ NOBODY foo\r\n", LIVES),
    ("RS+ weight 0", b"RS+ $G foo q 0\r\n", LIVES),
    ("RS+ weight text", b"RS+ $G foo q x\r\n", LIVES),
    ("RS+ weight 2^64", b"RS+ $G foo q 18446744073709551616\r\n", LIVES),
    ("RS+ no arguments", b"RS+ \r\n", SILENT),
    ("RS+ one argument", b"RS+ foo\r\n", SILENT),
    ("RS+ three arguments", b"RS+ $G foo q\r\n", SILENT),
    ("RS+ five arguments", b"RS+ $G foo q 1 2\r\n", SILENT),
    ("RS- one argument", b"RS- foo\r\n", SILENT),
    ("RS- unknown", b"RS- $G never.heard\r\nRS- $G foo q\r\n", LIVES),
    ("RS+ of 70 kB", b"RS+ $G " + b"a" * 70000 + b"\r\n", TOO_LONG),
    ("RS+ of 30000 tokens", b"RS+ $G " + b".".join([b"a"] * 30000) + b"\r\n", LIVES),
    ("RMSG unknown account", b"RMSG NOBODY foo 2\r\nhi\r\n", LIVES),
    ("RMSG no size", b"RMSG $G foo\r\n", SILENT),
    ("RMSG size -1", b"RMSG $G foo -1\r\n", SILENT),
    ("RMSG size +1", b"RMSG $G foo +1\r\nx\r\n", SILENT),
    ("RMSG size 2^31", b"RMSG $G foo 2147483648\r\n", SILENT),
    ("RMSG size 2^63", b"RMSG $G foo 9223372036854775808\r\n", SILENT),
    ("RMSG size 2^64 + 1", b"RMSG $G foo 18446744073709551617\r\n", SILENT),
    ("RMSG size of 400 digits", b"RMSG $G foo " + b"9" * 400 + b"\r\n", SILENT),
    ("RMSG indicator", b"RMSG $G foo * a b 2\r\nhi\r\n", SILENT),
    ("RMSG short by one", b"RMSG $G foo 5\r\nhell\r\nPING\r\n", UNKNOWN),
    ("RMSG long by one", b"RMSG $G foo 5\r\nhello!\r\nPING\r\n", UNKNOWN),
    ("RMSG to nobody's queue", b"RMSG $G foo | q1 q2 2\r\nhi\r\n", LIVES),
    ("RMSG 10k queues", b"RMSG $G foo | " + b"q " * 10000 + b"2\r\nhi\r\n", LIVES),
    ("HMSG header > total", b"HMSG $G foo 10 5\r\nhello\r\n", SILENT),
    ("HMSG header -1", b"HMSG $G foo -1 5\r\nhello\r\n", SILENT),
    ("HMSG no header size", b"HMSG $G foo 5\r\nhello\r\n", SILENT),
    ("HMSG garbage header", b"HMSG $G foo 12 12\r\n\x00\xff\r\n\n\r:\x80::\r\n\r\n", LIVES),
    ("LMSG unasked", b"LMSG o $G foo 0 2\r\nhi\r\n", LIVES),
    ("LS+ unasked", b"LS+ o $G foo\r\n", LIVES),
    ("stream reply without end", b"RMSG $G foo $JS.ACK.@ 2\r\nhi\r\n", LIVES),
    ("INFO array", b"INFO []\r\n", SILENT),
    ("INFO {}", b"INFO {}\r\n", LIVES),
    ("INFO of a gateway", info_line(gateway="GW"), LIVES),
    ("INFO to pin nothing", b'INFO {"server_id":"","route_acc_add_reqid":"x"}\r\n', LIVES),
    ("INFO import of numbers", info_line().replace(b"}", b',"import":{"allow":[1]}}'), SILENT),
    ("gossip, ip not a URL", info_line(ip="nats://[::"), LIVES),
    ("gossip, ip without host", info_line(ip="nats-route:///"), LIVES),
    ("gossip, ip of 60 kB", info_line(ip="nats-route://" + "a" * 60000 + ":1/"), LIVES),
    ("gossip, port 99999", info_line(ip="nats-route://127.0.0.1:99999/"), LIVES),
    ("gossip, port -1", info_line(ip="nats-route://127.0.0.1:-1/", port=-1), LIVES),
    ("gossip, name with NUL", info_line(ip="nats-route://a\0b:6222/"), LIVES),
    ("gossip, password", info_line(ip="nats-route://u:p@127.0.0.1:1/"), LIVES),
)


def check_answer(peer, data, wanted):
    try:
        peer.send(data + (b"PING\r\n" if wanted is LIVES else b""))
    except OSError:
        pass  # closed while we still sent
    if wanted is LIVES:
        return peer.until(b"PONG\r\n")
    answer, closed = peer.rest(3.0)
    # What the victim says anyway: interest, gossip, its first PING.
    answer = re.sub(rb"(?m)^(INFO|RS[+-]|PING|PONG)[^\r\n]*\r\n", b"", answer)
    expect(closed, f"still open; answer {answer[:200]!r}")
    # Bytes that the victim has not read turn its close into a RST, which may overtake the answer.
    expect(answer == wanted or (answer == b"" and len(data) > 4097),
           f"{answer[:200]!r} instead of {wanted!r}")
    return answer


def run_answers(stage, prefix, begin, table):
    """All rows of a table in front of one victim: it must bear them one after the other."""
    only = stage.tally.only
    chosen = [row for row in table if only is None or only.search(prefix + row[0])]
    if not chosen:
        return
    failures = {}

    def attack(victim, _):
        for name, data, wanted in chosen:
            try:
                with Peer(victim) as peer:
                    begin(peer)
                    check_answer(peer, data, wanted)
            except Exception as why:  # told below, for its row
                failures[name] = f"{type(why).__name__}: {why}"
            expect(victim.alive(), f"the server died of {name}: {victim.log()[-1500:]}")
        return f"{len(chosen)} inputs"

    stage.tally.only = None
    stage.case(prefix + "all of them", attack, 16)
    for name, _, _ in chosen:
        def verdict(name=name):
            expect(name not in failures, failures.get(name))
        stage.tally.run(prefix + name, verdict)
    stage.tally.only = only


# --------------------------------------------------------------------------- identity

def own_id(victim, _):
    """Somebody says to be the victim itself."""
    with Peer(victim) as peer:
        peer.read_info()
        peer.send(connect_line(name=peer.info["server_id"], cluster="C1"))
        peer.send(info_line(server_id=peer.info["server_id"], server_name="x"))
        _, closed = peer.rest(3)
        expect(closed, "still open")


def friends_id(victim, _):
    """Somebody says to be the honest server, in every place of its pool and beside it."""
    friend_id = next(iter(victim.registered()))
    forms = [{}, {"route_account": "$SYS", "route_pool_size": 3}]
    forms += [{"route_pool_size": 3, "route_pool_idx": slot} for slot in range(3)]
    forms += [{"route_pool_size": 3}] * 20
    peers = []
    for form in forms:
        peer = Peer(victim).connect()
        peer.send(info_line(server_id=friend_id, server_name="FRIEND", **form))
        peers.append(peer)
    for peer in peers:
        answer, closed = peer.rest(5)
        expect(closed, "two connections for one place")
        expect(b"RS+" not in answer, f"interest was told: {answer!r}")
        peer.close()


def wrong_passwords(victim, _):
    lines = 400
    for number in range(lines):
        with Peer(victim) as peer:
            peer.connect(user="route", **{"pass": "wrong%d" % number})
            answer, closed = peer.rest(3)
            expect(closed and UNAUTHORIZED in answer, f"{answer!r}")
    # The log is written by a thread of its own, a moment after the answer.
    wait_for(lambda: victim.log().count("authentication error") == lines, "lines missing in the log")
    return joins_still(victim, "route:secret@")


def authentication_timeout(victim, _):
    peers = [Peer(victim) for _ in range(300)]
    begin = time.monotonic()
    for number, peer in enumerate(peers):
        answer, closed = peer.rest(4)
        expect(closed, f"number {number} is still open after {time.monotonic() - begin:.1f} s")
        expect(b"-ERR 'Authentication Timeout'\r\n" in answer, f"{answer!r}")
        peer.close()
    return joins_still(victim, "route:secret@")


# --------------------------------------------------------------------------- connections

def half_open(count):
    def attack(victim, _):
        peers = []
        for _ in range(count):
            peers.append(socket.create_connection(("127.0.0.1", victim.route_port), timeout=5))
        remark = joins_still(victim)
        for peer in peers:
            peer.close()
        wait_for(lambda: victim.fds() < 60, "connections stay open after they were closed")
        return remark
    return attack


def out_of_descriptors(victim, _):
    peers = [socket.create_connection(("127.0.0.1", victim.route_port), timeout=2)
             for _ in range(200)]
    time.sleep(1.5)
    lines = victim.log().count("Temporary Route Accept Error")
    expect(1 <= lines <= 14, f"{lines} accept errors logged in 1.5 s")
    for peer in peers:
        peer.close()
    time.sleep(1)
    return joins_still(victim)


def resets(victim, _):
    for number in range(500):
        peer = Peer(victim)
        if number % 4 == 1:
            peer.send(connect_line(name=peer.id, cluster="C1") + b"INFO {")
        if number % 4 == 2:
            peer.connect()
        if number % 4 == 3:
            peer.connect().send(info_line(server_id=peer.id) + b"RS+ $G foo\r\nRMSG $G x 5\r\nhel")
        peer.reset()
    wait_for(lambda: victim.fds() < 60, "connections stay open after RST")


def half_close(victim, _):
    for data in (b"", b"CONN", connect_line(name="x", cluster="C1"),
                 connect_line(name="x", cluster="C1") + info_line() + b"RMSG $G x 5\r\nhel"):
        with Peer(victim) as peer:
            peer.read_info()
            peer.send(data)
            peer.sock.shutdown(socket.SHUT_WR)
            _, closed = peer.rest(3)
            expect(closed, f"still open after {data[:40]!r} and FIN")


def slow_loris(victim, _):
    peers = [Peer(victim) for _ in range(200)]
    for byte in b"CONN":
        for peer in peers:
            peer.send(bytes([byte]))
        time.sleep(1.0)
    for peer in peers:
        peer.send(connect_line(name=peer.id, cluster="C1")[4:])
        peer.read_info()
        peer.ping()
        peer.close()


def garbage(begin):
    def attack(victim, _):
        dice = random.Random(20)
        words = [b"RS+ ", b"RS- ", b"RMSG ", b"HMSG ", b"INFO ", b"CONNECT ", b"PING", b"-ERR ",
                 b"$G ", b"$SYS ", b"foo ", b"| ", b"+ ", b"\r\n", b"{", b"}", b'"', b"12 ", b"\0"]
        for _ in range(400):
            data = b"".join(dice.choice(words) if dice.random() < 0.8 else dice.randbytes(5)
                            for _ in range(dice.randrange(1, 60)))
            with Peer(victim) as peer:
                try:
                    begin(peer)
                    peer.send(data)
                    peer.sock.shutdown(socket.SHUT_WR)
                except OSError:
                    continue
                _, closed = peer.rest(3)
                expect(closed, f"still open after {data!r}")
    return attack


# --------------------------------------------------------------------------- floods

def endless_lines(victim, _):
    for begin, verb in ((Peer.read_info, b"CONNECT {"), (Peer.connect, b"INFO {"),
                        (Peer.join, b"RS+ "), (Peer.join, b"RMSG "), (Peer.join, b"-ERR "),
                        (Peer.join, b"INFO {")):
        with Peer(victim) as peer:
            begin(peer)
            peer.send(verb)
            sent = pour(peer, [b"a" * 4000] * (8 * MIB // 4000))
            _, closed = peer.rest()
            expect(closed, f"{verb}: still open after {sent} bytes")


def big_message(victim, _):
    """A size is not believed before the bytes are there."""
    peers = []
    for _ in range(50):
        peer = Peer(victim).join()
        peer.send(b"RMSG $G foo 999999999\r\nabc")
        peers.append(peer)
    time.sleep(0.5)
    for peer in peers:
        peer.close()


def interest_flood(victim, _):
    """So many different subjects, and the peer goes: the memory is there for the next one."""
    count = 60000 if SANITIZED else 300000
    peaks = []
    for _ in range(3):
        peer = Peer(victim).join()
        for first in range(0, count, 1000):
            peer.send(b"".join(b"RS+ $G flood.%d\r\n" % n for n in range(first, first + 1000)))
        peer.ping(timeout=20)
        peaks.append(victim.rss() // MIB)
        peer.close()
        line = f"Removing {count} subscriptions"
        wait_for(lambda: victim.log().count(line) == len(peaks), "the end of the interest")
        time.sleep(0.2)
    # Without a leak the last round fits into the memory of the first.
    expect(SANITIZED or peaks[2] <= peaks[0] * 1.2 + 10, f"memory grows: {peaks} MiB")
    return f"{peaks} MiB"


def invalid_interest_flood(victim, _):
    """Each is answered with an -ERR that nobody reads."""
    with Peer(victim, timeout=30).join() as peer:
        piece = b"RS+ $G foo..bar\r\n" * 1000
        pour(peer, [piece] * 300)
        time.sleep(0.5)


def unknown_account_flood(victim, _):
    """Each makes a line of the log."""
    with Peer(victim, timeout=30).join() as peer:
        subject = b"s" * 200
        for first in range(0, 20000, 500):
            peer.send(b"".join(b"RS+ NOBODY%d %s\r\n" % (n, subject)
                               for n in range(first, first + 500)))
        peer.ping(timeout=20)
    return f"{os.path.getsize(victim.log_path) // 1024} KiB of log"


def info_bomb(victim, _):
    """The peer changes what it imports all the time; each time interest is told again."""
    with victim.client() as client:
        for number in range(2000):
            client.send(b"SUB bomb.%d %d\r\n" % (number, number + 1))
        client.ping()
        with Peer(victim, timeout=30).join() as peer:
            for number in range(3000):
                lists = {"allow": ["bomb.%d" % number]}
                pour(peer, [info_line(server_id=peer.id, **{"import": lists})])
            try:
                peer.ping(timeout=20)
            except (EOFError, ConnectionError):
                return "closed"
    return "answered"


def false_sums(victim, _):
    """A peer says all the time that it knows other servers; it is told of all, but seldom."""
    check = b'INFO {"martlet_members":7,"martlet_sum":"00"}\r\n'
    with Peer(victim).join(martlet_checks=1) as peer:
        ours = "martlet_checks" in peer.info
        for told in (0, 1):
            peer.send(check * 1000)
            answer, closed = peer.rest(6)  # those that come sooner do not count
            count = answer.count(b'"server_name":"FRIEND"')
            expect(not closed and (not ours or count == told), f"told {count} times")
    line = f"{peer.id} knows 7 servers of the cluster, here are 3, not the same"
    if ours:
        wait_for(lambda: victim.log().count(line) == 1, "the warning")


class SilentListener:
    """A port of all of 127.0.0.0/8 where connections are not even refused."""

    def __enter__(self):
        self.sock = socket.socket()
        self.sock.bind(("0.0.0.0", 0))
        self.sock.listen(0)
        self.port = self.sock.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)
        return self

    def __exit__(self, *_):
        for sock in [self.sock, *self.fillers]:
            sock.close()

    def dials(self, server):
        """Connections of `server` that try to reach it now."""
        inodes = set()
        for fd in os.listdir(f"/proc/{server.pid}/fd"):
            try:
                found = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{server.pid}/fd/{fd}"))
            except OSError:
                continue
            if found:
                inodes.add(found.group(1))
        count = 0
        with open("/proc/net/tcp") as table:
            for line in table.readlines()[1:]:
                words = line.split()
                if words[3] == "02" and words[9] in inodes:
                    count += 1
        return count


def gossip_flood(address, kind):
    """Ten thousand servers that do not exist; the dials must stay few, and end."""
    def attack(victim, _):
        most = 0
        with SilentListener() as nowhere, Peer(victim, timeout=30).join() as peer:
            for number in range(10000):
                host = address(number)
                port = nowhere.port if kind == "silent" else 1 if kind == "refused" else \
                    victim.route_port
                peer.send(info_line(host=host, port=port, ip=f"nats-route://{host}:{port}/"))
                if number % 500 == 0:
                    most = max(most, nowhere.dials(victim))
            peer.ping(timeout=20)
            for _ in range(20):
                most = max(most, nowhere.dials(victim))
                time.sleep(0.05)
            fds = victim.fds()
            remark = joins_still(victim)
        expect(most <= 1100, f"{most} dials at a time")
        expect(fds <= 2300, f"{fds} descriptors")
        return f"at most {most} dials at a time, {remark}"
    return attack


# --------------------------------------------------------------------------- compression

CRC_TABLE = []
for index in range(256):
    value = index
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    CRC_TABLE.append(value)
MAGIC = b"\xff\x06\x00\x00S2sTwO"


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def chunk(kind, body):
    return bytes([kind]) + struct.pack("<I", len(body))[:3] + body


def plain_chunk(data):
    return chunk(1, masked_crc(data) + data)


def bomb(unit, size):
    """A compressed chunk of some thirty bytes that unfolds to `size` times the byte `unit`."""
    block = varint(size) + b"\0" + unit  # a literal of one byte
    left = size - 1
    block += bytes([0b0_000_01 | 0 << 2, 1])  # copy of four bytes, offset 1
    left -= 4
    while left > 0:
        length = min(left, 65540 + (1 << 24) - 1)
        if length < 65540 + 4:
            block += bytes([6 << 2 | 1, 0]) + struct.pack("<H", length - 260) if length >= 260 \
                else bytes([5 << 2 | 1, 0, length - 8])
        else:
            block += bytes([7 << 2 | 1, 0]) + struct.pack("<I", length - 65540)[:3]
        left -= length
    return chunk(0, masked_crc(unit * size) + block)


def compress(peer):
    """Negotiates compression: behind this the victim reads an S2 stream."""
    peer.connect()
    peer.send(info_line(server_id=peer.id, server_name=peer.id, compression="s2_fast"))
    peer.send(MAGIC + plain_chunk(info_line(server_id=peer.id, server_name=peer.id,
                                            compression="s2_fast") + b"PING\r\n"))
    return peer


def s2_bomb(victim, _):
    """Gigabytes of blanks, junk and control line out of a few kilobytes."""
    size = 4 * MIB
    blanks, junk = bomb(b" ", size), bomb(b"x", size)
    expect(len(junk) < 60, "no bomb")
    for begin, piece in ((b"PING ", junk), (b"RS+ ", blanks)):
        with compress(Peer(victim, timeout=20)) as peer:
            peer.send(MAGIC + plain_chunk(begin))
            pour(peer, [piece] * 100)
            time.sleep(1)
    for begin, piece in ((b"RS+ ", junk), (b"INFO {", junk), (b"CONNECT {", junk), (b"", junk)):
        with compress(Peer(victim, timeout=20)) as peer:
            pour(peer, [MAGIC + (plain_chunk(begin) if begin else b"")] + [piece] * 100)
            _, closed = peer.rest(5)
            expect(closed, f"still open after {begin!r}")


def s2_message_bomb(victim, _):
    """A large message is kept while it arrives, and no longer."""
    with compress(Peer(victim, timeout=20)) as peer:
        pour(peer, [MAGIC + plain_chunk(b"RMSG $G foo 33554432\r\n")] + [bomb(b"x", 4 * MIB)] * 8)
        peer.send(plain_chunk(b"\r\n"))
        time.sleep(0.5)


S2_STREAMS = (
    ("no identifier", plain_chunk(b"PING\r\n")),
    ("plain text", b"PING\r\n" * 10),
    ("unknown identifier", b"\xff\x06\x00\x00S3sTwO"),
    ("identifier of 5 bytes", b"\xff\x05\x00\x00S2sTw"),
    ("reserved type", MAGIC + chunk(2, b"1234")),
    ("chunk of 16 MiB", MAGIC + b"\x00\xff\xff\xff" + bytes(65536)),
    ("raw chunk of 8 MiB", MAGIC + b"\x01\x00\x00\x80" + bytes(65536)),
    ("chunk shorter than its checksum", MAGIC + chunk(0, b"12")),
    ("wrong checksum", MAGIC + chunk(1, b"1234PING\r\n")),
    ("length 2^32", MAGIC + chunk(0, b"1234" + varint(1 << 32) + b"\0x")),
    ("length 2^70", MAGIC + chunk(0, b"1234" + b"\xff" * 9 + b"\x01" + b"\0x")),
    ("length 64 MiB", MAGIC + chunk(0, b"1234" + varint(64 * MIB) + b"\0x")),
    ("copy before the begin", MAGIC + chunk(0, b"1234" + varint(10) + b"\0x\x01\xff")),
    ("repeat without a copy", MAGIC + chunk(0, b"1234" + varint(10) + b"\x01\x00")),
    ("literal past the end", MAGIC + chunk(0, b"1234" + varint(100) + b"\xf0\x60x")),
)


def s2_streams(victim, _):
    for name, data in S2_STREAMS:
        with Peer(victim).connect() as peer:
            peer.send(info_line(server_id=peer.id, server_name=peer.id, compression="s2_fast"))
            pour(peer, [data])
            _, closed = peer.rest(3)
            expect(closed, f"{name}: still open")
        expect(victim.alive(), f"the server died of {name}")
    return f"{len(S2_STREAMS)} streams"


def s2_padding(victim, _):
    """Skippable chunks without end."""
    with compress(Peer(victim, timeout=20)) as peer:
        padding = chunk(0xFE, bytes(65000)) * 4 + chunk(0x80, b"")
        sent = pour(peer, [padding] * 256)
        expect(sent >= 256 * len(padding), f"closed after {sent} bytes")


COMPRESSED = "  compression: s2_fast\n"
AUTHORIZED = "  authorization { user: route, password: secret, timeout: 1 }\n"


def nothing(peer):
    peer.read_info()


def main():
    args = harness.arguments(__doc__.splitlines()[0], lambda parser: parser.add_argument(
        "--reference", action="store_true", help="skip what the reference does not keep"))
    tally = harness.Tally(args.only)
    stage = Stage(args, tally)
    run_answers(stage, "first: ", nothing, FIRST)
    run_answers(stage, "greeted: ", Peer.connect, GREETED)
    run_answers(stage, "registered: ", Peer.join, REGISTERED)
    stage.case("the victim's own id", own_id, 8)
    stage.case("the honest server's id", friends_id, 8)
    stage.case("400 wrong passwords", wrong_passwords, 16, config=AUTHORIZED)
    stage.case("300 connections past the time to authenticate", authentication_timeout, 16,
               config=AUTHORIZED)
    stage.case("3000 connections without CONNECT", half_open(3000), 80)
    stage.case("5000 connections without CONNECT", half_open(5000), 120)
    stage.case("out of file descriptors", out_of_descriptors, 16,
               limits={resource.RLIMIT_NOFILE: 128})
    stage.case("connect and RST x 500", resets, 16)
    stage.case("half close", half_close, 8)
    stage.case("one byte a second x 200", slow_loris, 16)
    stage.case("garbage at first x 400", garbage(nothing), 16)
    stage.case("garbage of a greeted one x 400", garbage(Peer.connect), 16)
    stage.case("garbage of a registered one x 400", garbage(Peer.join), 32)
    stage.case("endless lines", endless_lines, 8)
    stage.case("1 GB announced, 3 bytes sent x 50", big_message, 16, ours_only=True)
    stage.case("many subjects, three times", interest_flood, 400, ours_only=True)
    stage.case("300000 invalid subjects, answers unread", invalid_interest_flood, 64,
               ours_only=True)
    stage.case("20000 unknown accounts", unknown_account_flood, 32)
    stage.case("3000 changes of what is imported", info_bomb, 128, ours_only=True)
    stage.case("1000 false sums of members, twice", false_sums, 8)
    stage.case("gossip of 10000 silent servers",
               gossip_flood(lambda n: f"127.{n // 250 % 250}.{n % 250}.9", "silent"), 64,
               ours_only=True)
    stage.case("gossip of 10000 refusing servers",
               gossip_flood(lambda n: f"127.{n // 250 % 250}.{n % 250}.9", "refused"), 64,
               ours_only=True)
    stage.case("gossip of 10000 servers at the victim's address",
               gossip_flood(lambda n: "127.0.0.1", "self"), 64, ours_only=True)
    stage.case("gossip of 10000 names", gossip_flood(lambda n: f"s{n}.invalid", "refused"), 64,
               ours_only=True)
    stage.case("S2: streams that are none", s2_streams, 32, config=COMPRESSED)
    stage.case("S2: bombs", s2_bomb, 32, config=COMPRESSED)
    stage.case("S2: a bomb of one message", s2_message_bomb, 160, config=COMPRESSED)
    stage.case("S2: padding", s2_padding, 16, config=COMPRESSED)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
