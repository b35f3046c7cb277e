"""What strangers may do to the monitoring port while clients must not wait."""
import collections
import json
import os
import signal
import socket
import threading
import time

import harness
import hostile_stage
from harness import Client, expect, wait_for
from monitored import MEMBERS, Monitored, read_all

PONG_SECONDS_MAX = 1.0
HEAD_SECONDS = 5  # for the head of a request


class Witness(hostile_stage.Witness):
    """A client that pings all the time, and fails when it waits too long."""

    def __init__(self, server):
        self.client = Client(server.port)
        super().__init__()

    def exchange(self):
        self.client.ping()

    def close(self):
        self.client.close()

    def stop(self):
        super().stop()
        expect(self.error is None, f"the witness failed: {self.error}")
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
