"""A connection between Martlet and a server that is played."""
import collections
import re
import socket
import time

import s2_framing
from route_expect import of_system_account
from route_transcript import take_op

FIRST_PING_MIN = 0.8  # seconds; the reference's comes after 1 s and up to 0.2 s more


class Conn:
    """One connection to Martlet."""

    def __init__(self, sock, dialed_by_martlet):
        self.sock, self.by_martlet = sock, dialed_by_martlet
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.opened = time.monotonic()
        self.pending, self.ops, self.closed = b"", collections.deque(), False
        self.reader = None          # once Martlet compresses
        self.pings, self.pongs, self.pings_due, self.pongs_due = 0, 0, 0, 0
        self.sent_info = self.got_info = self.writes_s2 = False
        self.auto_info = False      # the acceptor's INFO went out when Martlet dialled
        self.probed = False         # a PING came that is neither a gate nor due yet
        self.gates = 0              # PINGs that the transcript answers itself
        self.pings_answered = 0
        self.expect_close = self.shut = False
        self.first_ops = []

    def feed(self, data):
        self.pending += self.reader.feed(data) if self.reader else data
        while True:
            if not self.reader and self.pending[:4] == s2_framing.STREAM_START[:4]:
                self.reader = s2_framing.Reader()
                self.pending = self.reader.feed(self.pending)
            op, self.pending = take_op(self.pending)
            if op is None:
                return
            if op.line == b"PING":
                self.pings += 1
                early = time.monotonic() - self.opened < FIRST_PING_MIN
                self.probed |= early and self.gates == 0
                self.answer()
            elif op.line == b"PONG":
                self.pongs += 1
            elif not of_system_account(op):
                self.got_info |= op.line.startswith(b"INFO ")
                self.ops.append(op)
                self.first_ops.append(op)

    def answer(self):
        while self.gates == 0 and self.pings_answered < self.pings and not self.closed:
            self.pings_answered += 1
            self.send(b"PONG\r\n")

    def send(self, data, compressed=None):
        if compressed:
            self.writes_s2 = True
        if self.writes_s2:
            data = s2_framing.write(data)
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # Martlet has closed; what it should have said is checked elsewhere

    def kind(self):
        """What tells connections that Martlet dials at the same time from each other."""
        for op in self.first_ops:
            if op.line.startswith(b"INFO "):
                return kind_of_info(op)
        return None


def kind_of_info(op):
    account = re.search(rb'"route_account":"([^"]*)"', op.line)
    slot = re.search(rb'"route_pool_idx":(\d+)', op.line)
    return (account[1].decode() if account else "", int(slot[1]) if slot else 0)


class Forwarded(Conn):
    """One direction of a connection between Martlet and itself."""

    def __init__(self, sock, other):
        super().__init__(sock, True)
        self.other, self.gates = other, 1  # nothing is answered here

    def feed(self, data):
        super().feed(data)
        try:
            self.other.sendall(data)
        except OSError:
            pass
