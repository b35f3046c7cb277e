#!/usr/bin/env python3
"""A short tour: starts a broker on a free port, talks to it, prints what came back, stops it.

Exits 0 when everything arrived as it should, 1 with the server's log otherwise. Standard library
only; the client in here is the least that the tour needs.
"""
import argparse
import collections
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

WAIT_SECONDS = 5.0
JOBS = 300
HERE = os.path.dirname(os.path.abspath(__file__))
SERVER = os.path.join(HERE, "..", "build", "martlet-server")

Message = collections.namedtuple("Message", "subject sid reply header body")


class DemoError(Exception):
    pass


class Client:
    """One connection: lines out, messages in."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_SECONDS)
        self.stream = self.socket.makefile("rb")
        self.info = json.loads(self.stream.readline().split(b" ", 1)[1])
        self.early = collections.deque()  # messages that came while waiting for a PONG
        options = {"verbose": False, "headers": True, "no_responders": True, "lang": "demo"}
        self.send("CONNECT " + json.dumps(options))
        self.sync()

    def send(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def subscribe(self, subject, sid, queue=""):
        self.send(" ".join(word for word in ("SUB", subject, queue, str(sid)) if word))

    def publish(self, subject, text, reply=""):
        head = " ".join(word for word in ("PUB", subject, reply) if word)
        self.send("%s %d\r\n%s" % (head, len(text.encode()), text))

    def sync(self):
        """Returns when the server has worked through everything sent so far."""
        self.send("PING")
        while True:
            got = self.read()
            if got == "PONG":
                return
            self.early.append(got)

    def receive(self):
        return self.early.popleft() if self.early else self.read()

    def read(self):
        """The next message, or "PONG"."""
        while True:
            line = self.stream.readline().decode()
            words = line.split()
            if not words:
                raise DemoError("the server closed the connection")
            if words[0] == "PONG":
                return "PONG"
            if words[0] == "PING":
                self.send("PONG")
            elif words[0] == "-ERR":
                raise DemoError("the server answered " + line.strip())
            elif words[0] in ("MSG", "HMSG"):
                return self.read_message(words)

    def read_message(self, words):
        header_bytes = int(words.pop(-2)) if words[0] == "HMSG" else 0
        total = int(words[-1])
        payload = self.stream.read(total + 2)[:total]
        return Message(words[1], words[2], words[3] if len(words) > 4 else "",
                       payload[:header_bytes].decode(), payload[header_bytes:].decode())


def expect(condition, what):
    if not condition:
        raise DemoError("this is not as it should be: " + what)


def show_publish_subscribe(port):
    print("\n1. Publish and subscribe. One client subscribes to weather.*.today, another publishes.")
    reader, writer = Client(port), Client(port)
    reader.subscribe("weather.*.today", 1)
    reader.sync()
    published = [("weather.oslo.today", "snow"), ("weather.oslo.tomorrow", "sun"),
                 ("weather.lima.today", "fog")]
    for subject, text in published:
        writer.publish(subject, text)
        print("   published %-22s %s" % (subject, text))
    writer.sync()
    got = [reader.receive(), reader.receive()]
    for message in got:
        print("   received  %-22s %s" % (message.subject, message.body))
    reader.sync()
    expect(not reader.early, "a message too many")
    expect([(m.subject, m.body) for m in got] == [published[0], published[2]], "which ones arrived")


def show_request_reply(port):
    print("\n2. Request and reply. A service listens on math.double; the reply finds its own way.")
    service, asker = Client(port), Client(port)
    service.subscribe("math.double", 1)
    service.sync()
    asker.subscribe("_INBOX.demo.*", 1)
    for number in (4, 21):
        asker.publish("math.double", str(number), reply="_INBOX.demo.%d" % number)
        request = service.receive()
        service.publish(request.reply, str(2 * int(request.body)))
        answer = asker.receive()
        print("   asked for the double of %-3d got %s" % (number, answer.body))
        expect(answer.body == str(2 * number), "the answer")


def show_queue_group(port):
    print("\n3. Queue group. Three workers share the subject jobs; each job goes to one of them.")
    workers = [Client(port) for _ in range(3)]
    for worker in workers:
        worker.subscribe("jobs", 1, queue="workers")
        worker.sync()
    writer = Client(port)
    for number in range(JOBS):
        writer.publish("jobs", str(number))
    writer.sync()
    seen = [collect(worker) for worker in workers]
    # Deliveries to connections of other threads may still be on their way behind the PONG.
    end = time.monotonic() + WAIT_SECONDS
    while sum(map(len, seen)) < JOBS and time.monotonic() < end:
        time.sleep(0.02)
        for jobs, worker in zip(seen, workers):
            jobs += collect(worker)
    for number, jobs in enumerate(seen, 1):
        print("   worker %d got %d jobs" % (number, len(jobs)))
    everything = sorted(int(body) for jobs in seen for body in jobs)
    expect(everything == list(range(JOBS)), "every job exactly once")
    print("   %d published, %d received, none twice" % (JOBS, len(everything)))


def collect(client):
    client.sync()
    bodies = [message.body for message in client.early]
    client.early.clear()
    return bodies


def show_no_responders(port):
    print("\n4. No responders. A request that nobody serves is answered at once.")
    asker = Client(port)
    asker.subscribe("_INBOX.none", 1)
    asker.publish("nobody.is.here", "hello?", reply="_INBOX.none")
    status = asker.receive().header.split("\r\n")[0]
    print("   the server answered: %s" % status)
    expect(status.startswith("NATS/1.0 503"), "a 503 status")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(server, arguments, log):
    """Starts the server; returns it and its port once it accepts connections."""
    for _ in range(3):  # someone else may take the port in between
        port = free_port()
        process = subprocess.Popen([server, "-a", "127.0.0.1", "-p", str(port)] + arguments,
                                   stdout=log, stderr=log)
        end = time.monotonic() + 2 * WAIT_SECONDS
        while process.poll() is None and time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return process, port
            except OSError:
                time.sleep(0.02)
        stop(process)
    raise DemoError("the server did not start")


def stop(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(2 * WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tour(server, arguments, log):
    process, port = start(server, arguments, log)
    try:
        info = Client(port).info
        print("A broker runs on 127.0.0.1:%d; it conforms to nats-server %s."
              % (port, info["version"]))
        show_publish_subscribe(port)
        show_request_reply(port)
        show_queue_group(port)
        show_no_responders(port)
        expect(process.poll() is None, "the server still runs")
    finally:
        stop(process)
    print("\nThe broker is stopped. ./tools/run starts one on port 4222.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--server", default=SERVER, help="server program")
    parser.add_argument("arguments", nargs="*", help="arguments for the server, behind --")
    options = parser.parse_args()
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        try:
            tour(options.server, options.arguments, log)
        except (DemoError, OSError, ValueError) as error:
            print("\nThe tour stopped: %s" % error, file=sys.stderr)
            log.seek(0)
            print("The server's log:\n" + log.read()[-4000:], file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
