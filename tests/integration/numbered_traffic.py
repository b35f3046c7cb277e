"""Clients of all nodes that publish numbered messages all the time, and what became of them."""
import collections
import json
import selectors
import socket
import threading
import time

TICK_SECONDS = 0.02
CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"protocol":1}\r\nSUB stream.* 1\r\nPING\r\n'

Gap = collections.namedtuple("Gap", "source target count first_published ended")


class Client:
    """One connection to one node; made anew whenever it is lost."""

    def __init__(self, number):
        self.number = number
        self.sock = None
        self.buffer = b""
        self.server_id = None
        self.sent = 0  # the number of the last message


class Traffic:
    """A thread with a client on each node.

    Each publishes stream.<node> on every tick and subscribes to stream.*. While a probe is on, each
    has subscribed to fresh.<probe>.<node>, too, and publishes to that of every other node.
    All times are those of time.time(), as in the logs.
    """

    def __init__(self, lab, port):
        self.lab, self.port = lab, port
        self.clients = {number: Client(number) for number in lab.numbers}
        self.published = {number: {} for number in lab.numbers}  # number of message -> time
        self.last = {}       # (source, target) -> the last message that came
        self.gaps = []
        self.disorder = []   # (source, target, number, the one before)
        self.lost_clients = []  # (node, time)
        self.received = 0
        self.mark = time.time()
        self.existing = {}   # (source, target) -> when a message published after the mark came
        self.fresh = {}      # the same of fresh subscriptions
        self.probe = 0
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(5)

    def begin_probe(self):
        """From now on is asked what arrives; returns now."""
        with self.lock:
            old = self.probe
            self.probe += 1
            self.existing, self.fresh = {}, {}
            for client in self.clients.values():
                self._send(client, b"UNSUB %d\r\n" % (old + 10) + self._fresh_subscription(client))
            self.mark = time.time()
            return self.mark

    def _fresh_subscription(self, client):
        return b"SUB fresh.%d.%d %d\r\n" % (self.probe, client.number, self.probe + 10)

    def pairs(self):
        return [(a, b) for a in self.clients for b in self.clients if a != b]

    def missing(self):
        """Pairs between which not both kinds of messages have come since the probe began."""
        return [pair for pair in self.pairs()
                if pair not in self.existing or pair not in self.fresh]

    def healed_after(self):
        """Seconds from the mark until the last pair had its messages of both kinds."""
        return max(max(self.existing[pair], self.fresh[pair]) for pair in self.pairs()) - self.mark

    # The thread -------------------------------------------------------------------------------

    def _run(self):
        due = time.monotonic()
        while not self.stopping.is_set():
            for key, _ in self.selector.select(max(0.0, due - time.monotonic())):
                self._receive(key.data)
            if time.monotonic() < due:
                continue
            due = max(due + TICK_SECONDS, time.monotonic() - 0.1)
            with self.lock:
                for client in self.clients.values():
                    self._publish(client)

    def _publish(self, client):
        if client.sock is None and not self._connect(client):
            return
        client.sent += 1
        self.published[client.number][client.sent] = time.time()
        text = b"%d" % client.sent
        lines = b"PUB stream.%d %d\r\n%s\r\n" % (client.number, len(text), text)
        if self.probe:
            for other in self.clients:
                if (client.number, other) not in self.fresh:
                    lines += b"PUB fresh.%d.%d 1\r\n%d\r\n" % (self.probe, other, client.number)
        self._send(client, lines)

    def _connect(self, client):
        try:
            with self.lab.inside(client.number):
                sock = socket.create_connection(("127.0.0.1", self.port), timeout=0.2)
        except OSError:
            return False
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        client.sock, client.buffer = sock, b""
        self.selector.register(sock, selectors.EVENT_READ, client)
        self._send(client, CONNECT + self._fresh_subscription(client))
        return client.sock is not None

    def _send(self, client, data):
        if client.sock is None:
            return
        try:
            if client.sock.send(data) != len(data):
                raise OSError("the server does not read")
        except BlockingIOError:
            self._lose(client)
        except OSError:
            self._lose(client)

    def _lose(self, client):
        self.selector.unregister(client.sock)
        client.sock.close()
        client.sock = None
        client.server_id = None
        self.lost_clients.append((client.number, time.time()))

    def _receive(self, client):
        try:
            data = client.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        with self.lock:
            if not data:
                return self._lose(client)
            client.buffer += data
            self._parse(client)

    def _parse(self, client):
        while b"\r\n" in client.buffer:
            line, rest = client.buffer.split(b"\r\n", 1)
            if line.startswith(b"MSG "):
                words = line.split()
                size = int(words[-1])
                if len(rest) < size + 2:
                    return
                self._take(client, words[1].split(b"."), int(rest[:size]))
                rest = rest[size + 2:]
            elif line.startswith(b"PING"):
                self._send(client, b"PONG\r\n")
            elif line.startswith(b"INFO "):
                client.server_id = json.loads(line[5:])["server_id"]
            if client.sock is None:
                return
            client.buffer = rest

    def _take(self, client, subject, number):
        now = time.time()
        if subject[0] == b"fresh":
            if int(subject[1]) == self.probe:
                self.fresh.setdefault((number, client.number), now)
            return
        source = int(subject[1])
        pair = (source, client.number)
        self.received += 1
        before = self.last.get(pair, number - 1)
        if number <= before:
            self.disorder.append((*pair, number, before))
            return
        if number > before + 1:
            self.gaps.append(Gap(*pair, number - before - 1,
                                 self.published[source][before + 1], now))
        self.last[pair] = number
        if self.published[source][number] >= self.mark:
            self.existing.setdefault(pair, now)
