"""Attacks on a route by mass: lines without end, interest, changes of it, and gossip of nobody."""
import os
import re
import socket
import time

from cluster import wait_for
from harness import expect
from hostile_route_stage import joins_still
from hostile_stage import MIB, SANITIZED, pour
from route_peer import Peer, info_line


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
