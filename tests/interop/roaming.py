"""Servers of a cluster by their command lines, and real clients that move between them."""

import argparse
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import cluster  # noqa: E402
import harness  # noqa: E402
from clients import CLIENTS, Failure, Skip, locked  # noqa: E402
from cluster import wait_for  # noqa: E402


def stable_port():
    """A free port that the kernel does not lend to outgoing connections while its server restarts."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first = int(file.read().split()[0])
    while True:
        port = random.randrange(10000, max(first, 10100))
        with socket.socket() as sock:
            try:
                sock.bind(("0.0.0.0", port))
                return port
            except OSError:
                continue


def find_servers(args, server):
    """This server, and each nats-server there is, newest first."""
    own, *others = cluster.find_kinds(argparse.Namespace(
        server=server, nats_server=args.nats_server))
    others.sort(key=lambda kind: [int(part) for part in kind.name.split(".")], reverse=True)
    return own, others


class Node(cluster.Member):
    """A server by nothing but the words of its command line."""

    def __init__(self, command, words, port=None, wait=True):
        self.words = words
        super().__init__(command, words, port=None, wait=False)
        self.port = port
        if wait:
            self.wait_ready()

    def clients_seen(self):
        return self.log().count("Client connection created")

    def interrupt(self, number, seconds=15):
        """Sends the signal and waits for the end."""
        self.signal(number)
        status = self.wait(seconds)
        cluster.expect(status is not None, f"still there {seconds} s after signal {number}")
        return status


# --- real clients ---------------------------------------------------------------------------------


class Program:
    """A client program whose lines of output are kept with the time they came."""

    def __init__(self, argv, env=None):
        self.argv = [str(word) for word in argv]
        self.lines = []
        self.errors = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            text=True, errors="replace", env=env)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def say(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def find(self, start):
        return [line for line in self.lines if line.startswith(start)]

    def await_line(self, start, seconds=20.0):
        def there():
            if self.process.poll() is not None:
                self.reader.join(5)
                cluster.expect(self.find(start),
                               f"{self.argv} ended: {self.lines[-3:]} {self.stderr()}")
            return self.find(start)
        return wait_for(there, f"{start!r} of {self.argv}", seconds)[0]

    def stderr(self):
        self.errors.seek(0)
        return self.errors.read()[-1000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(5)
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Roamer(Program):
    """`roam follow` of a client library: tells what it hears, where it is and which servers it knows."""

    def __init__(self, argv, url, subject):
        super().__init__([*argv, "follow", url, subject])
        self.await_line("ready")

    def payloads(self):
        return [line.split(" ", 2)[2] for line in self.find("msg ")]

    def knows(self, port):
        """Whether it has heard of a server on this port; None if it would not tell."""
        return any(line.endswith(f":{port}") or f":{port} " in line for line in self.find("urls "))

    def is_on(self):
        return int(self.find("connected ")[-1].rsplit(":", 1)[1])


class CommandLine(Program):
    """`nats sub`, exactly as the documents have it."""

    def __init__(self, argv, url, subject):
        self.home = tempfile.mkdtemp(prefix="martlet-test-")
        env = {k: v for k, v in os.environ.items() if not k.startswith("NATS_")}
        env |= {"HOME": self.home, "XDG_CONFIG_HOME": self.home, "NO_COLOR": "1"}
        super().__init__([*argv, "sub", "-s", url, subject], env)
        time.sleep(0.5)  # it does not say when it has subscribed

    def payloads(self):
        lines = list(self.lines)
        return [after for line, after in zip(lines, lines[1:]) if re.match(r"\[#\d+\] Received", line)]

    def knows(self, port):
        return None

    def is_on(self):
        return None

    def stop(self):
        super().stop()
        shutil.rmtree(self.home, ignore_errors=True)


class Clients:
    """What is installed of the real clients: name -> how to start it."""

    def __init__(self, cache, names, build):
        self.argv, self.missing = {}, {}
        for name in names:
            client = CLIENTS[name](name, pathlib.Path(cache).resolve())
            try:
                with locked(pathlib.Path(cache)):
                    client.prepare(allowed=build)
                self.argv[name] = self._roam(name, client)
            except (Skip, Failure) as why:
                self.missing[name] = str(why)

    @staticmethod
    def _roam(name, client):
        if name == "cli":
            return [shutil.which("nats") or client.builder.out / "nats"]
        if name == "python":
            return [client.argv()[0], client.builder.work / "roam.py"]
        return [client.builder.out / "roam"]

    def follow(self, name, url, subject):
        kind = CommandLine if name == "cli" else Roamer
        return kind(self.argv[name], url, subject)

    def report_missing(self, tally, strict):
        for name, why in self.missing.items():
            def case(why=why):
                if strict:
                    raise AssertionError(f"{why} (--strict)")
                raise harness.Skip(why)
            tally.run(f"client {name}", case)


class Crier:
    """Publishes numbers that must reach all of some programs, each once."""

    def __init__(self, subject):
        self.subject, self.number = subject, 0

    def reaches(self, node, programs, seconds=30.0):
        """Publishes at `node` until every program has heard one and the same number."""
        deadline = time.monotonic() + seconds
        with node.client() as client:
            while time.monotonic() < deadline:
                self.number += 1
                text = f"number {self.number}"
                cluster.published(client, self.subject, text.encode())
                client.ping()
                end = time.monotonic() + 0.3
                while time.monotonic() < end:
                    if all(text in program.payloads() for program in programs):
                        return
                    time.sleep(0.005)
        deaf = [program.argv for program in programs if text not in program.payloads()]
        raise AssertionError(f"nothing published on port {node.port} within {seconds} s at {deaf}")

    @staticmethod
    def expect_no_doubles(programs):
        for program in programs:
            heard = program.payloads()
            cluster.expect(len(heard) == len(set(heard)), f"heard twice by {program.argv}")
