"""Attacks on the cluster's port by who comes and how: false identities, connections held or broken."""
import random
import socket
import time

from cluster import wait_for
from harness import expect
from hostile_route_answers import UNAUTHORIZED
from hostile_route_stage import joins_still
from route_peer import Peer, connect_line, info_line


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


def errors(victim, _):
    """Strangers and members say that something is wrong: each is closed, and logged once."""
    count = 20
    for number in range(count):
        with Peer(victim) as peer:
            if number % 2:
                peer.join()
            else:
                peer.read_info()
                peer.send(connect_line(name=peer.id, cluster="C1"))
            peer.send(b"-ERR 'Loop Detected'\r\n")
            _, closed = peer.rest(3)
            expect(closed, "still open")
    wait_for(lambda: victim.log().count("Router connection closed: Parse Error") == count,
             "lines missing in the log")
    lines = victim.log().count("Route Error 'Loop Detected'")
    expect(lines == count, f"{lines} lines of {count} errors")
    return joins_still(victim)


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
