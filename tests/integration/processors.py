#!/usr/bin/env python3
"""What a server does with its CPUs: profiles, and a shard whose CPU others want.

    processors.py --server "build/martlet-server" [--only PATTERN]
"""
import os
import re
import signal
import sys
import threading
import time

import harness
from harness import Client, expect, wait_for

EXIT_SECONDS_MAX = 5


def profile(args, name, backend):
    """Says at start what it does, serves, and spins only where the profile says so."""
    flags = ["--profile", name, "--io_backend", backend, "--shards", "1"]
    with harness.Server(args.server, flags) as server:
        expect(re.search(rf"\[INF\] Profile: {name}, \S.+ \(.+\)\n", server.log()), "no line in the log")
        quiet = cpu_share(server)
        expect(quiet < 0.2, f"{quiet:.0%} of a CPU without clients")
        with Client(server.port) as one, Client(server.port) as two:
            one.send(b"SUB ask 1\r\n")
            one.ping()
            two.send(b"SUB answer 1\r\n")
            two.ping()
            for i in range(500):
                body = b"%03d" % i
                two.send(b"PUB ask answer 3\r\n" + body + b"\r\n")
                expect(one.until(body + b"\r\n").endswith(b"MSG ask 1 answer 3\r\n" + body + b"\r\n"),
                       "another request")
                one.send(b"PUB answer 3\r\n" + body + b"\r\n")
                expect(two.until(body + b"\r\n").endswith(b"MSG answer 1 3\r\n" + body + b"\r\n"),
                       "another answer")
            idle = cpu_share(server)
            if name == "latency":  # as far as others let it
                wait_for(lambda: cpu_share(server) > 0.2, f"{idle:.0%} of a CPU: it does not spin")
            else:
                expect(idle < 0.2, f"{idle:.0%} of a CPU between messages")
        server.signal(signal.SIGTERM)
        expect(server.wait(EXIT_SECONDS_MAX) == 0, "no exit 0")
    return f"idle with clients {idle:.0%} of a CPU"


def cpu_share(server, seconds=0.5):
    before = server.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - before) / seconds


def shard_cpus(server):
    """Where each shard may run, by the name of its thread."""
    cpus = {}
    for task in os.listdir(f"/proc/{server.pid}/task"):
        with open(f"/proc/{server.pid}/task/{task}/comm") as file:
            name = file.read().strip()
        if name.startswith("shard-"):
            cpus[name] = os.sched_getaffinity(int(task))
    return cpus


class Hog:
    """A process that takes all it gets of one CPU."""

    def __init__(self, cpu):
        self.pid = os.fork()
        if self.pid == 0:
            os.sched_setaffinity(0, {cpu})
            while True:
                pass

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def crowded(args, profile_name, leaves):
    """A busy shard leaves its CPU to a hog, and comes back when that has gone."""
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        raise harness.Skip("one CPU only")
    with harness.Server(args.server, ["--profile", profile_name, "--shards", "1"]) as server:
        home = shard_cpus(server)["shard-0"]
        expect(len(home) == 1, f"not pinned: {home}")
        publisher = Client(server.port)
        stopping = threading.Event()

        def publish():
            try:
                while not stopping.is_set():
                    publisher.send(b"PUB load 16\r\n0123456789abcdef\r\n" * 500)
            except OSError:
                pass

        # The hogs come first: the kernel then has no reason to move one of the two.
        hogs = [Hog(next(iter(home))) for _ in range(3)]
        thread = threading.Thread(target=publish, daemon=True)
        thread.start()
        try:
            if leaves:
                wait_for(lambda: shard_cpus(server)["shard-0"] == allowed, "it stays", 10)
                wait_for(lambda: "Shard 0 leaves CPU %d for now: others want it" % next(iter(home))
                         in server.log(), server.log)
            else:
                time.sleep(1)
                expect(shard_cpus(server)["shard-0"] == home, "it went")
        finally:
            stopping.set()
            for hog in hogs:
                hog.stop()
        thread.join(5)
        begin = time.monotonic()
        with Client(server.port) as client:

            def back():
                client.ping()  # without anything to do it looks at nothing
                return shard_cpus(server)["shard-0"] == home

            wait_for(back, "it does not come back", 60)
        publisher.close()
        return f"back after {time.monotonic() - begin:.0f} s" if leaves else ""


def main():
    args = harness.arguments(__doc__.splitlines()[0])
    tally = harness.Tally(args.only)
    for name in ("balanced", "latency", "throughput"):
        for backend in ("io_uring", "epoll"):
            tally.run(f"profile {name} {backend}", profile, args, name, backend)
    tally.run("crowded, balanced", crowded, args, "balanced", True)
    tally.run("crowded, throughput", crowded, args, "throughput", True)
    tally.run("crowded, latency", crowded, args, "latency", False)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
