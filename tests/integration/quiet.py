#!/usr/bin/env python3
"""A flood, then quiet: does the server give its memory back, and does it then let the CPU sleep?

  quiet.py --server build/martlet-server
"""
import os
import re
import sys
import threading
import time

import harness
from harness import Client, expect

# Quiet is noticed within 7.5 s (src/shard/quiet.h).
SECONDS_MAX = 15
SUBJECTS = 20_000
MIB = 1 << 20
# The flood touches at least so much; and what is left of it are the nodes of 50,000 subscriptions,
# which wait for the next ones, and the rings between the shards.
GROWTH_MIN = 24 * MIB
STAYS_MAX = 11 * MIB


def publish(port, name):
    """Long subjects that are matched again and again, then much to one that does not read."""
    with Client(port, timeout=30) as client:
        for _ in range(3):
            for first in range(0, SUBJECTS, 500):
                client.send(b"".join(b"PUB flood.of.subjects.with.a.long.name.%s.%d 2\r\nxx\r\n" % (name, i)
                                     for i in range(first, first + 500)))
        client.ping(30)
        for _ in range(100):
            client.send(b"PUB slow 65536\r\n" + b"x" * 65536 + b"\r\n")
        client.ping(30)


def flood(port):
    """Receive buffers, remembered matches and chunks, each as many as there may be."""
    with Client(port) as listener, Client(port) as slow:
        listener.send(b"SUB flood.> 1\r\n")
        listener.ping()
        slow.send(b"SUB slow 1\r\n" + b"".join(b"SUB many.%d %d\r\n" % (i, i + 2)
                                               for i in range(50_000)))
        slow.ping(30)
        reader = threading.Thread(target=read_on, args=(listener,), daemon=True)
        reader.start()
        threads = [threading.Thread(target=publish, args=(port, b"%d" % i)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        read_on(slow, 0.5)
    reader.join(5)


def read_on(client, timeout=None):
    """Until the connection ends, or nothing comes for so long."""
    client.sock.settimeout(timeout)
    try:
        while client.sock.recv(1 << 20):
            pass
    except OSError:
        pass


def switches(pid):
    """How often the threads of the server went to sleep, all together."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            total += int(re.search(r"\nvoluntary_ctxt_switches:\s+(\d+)", file.read()).group(1))
    return total


def memory_back(args, backend):
    with harness.Server(args.server, ["--io_backend", backend, "--shards", "2"]) as server:
        with Client(server.port) as stays:
            stays.ping()
            before = server.rss()
            flood(server.port)
            full = server.rss()
            expect(full > before + GROWTH_MIN, f"grew from {before / MIB:.1f} to {full / MIB:.1f} MiB "
                   "only: nothing to see here")
            deadline = time.monotonic() + SECONDS_MAX
            while server.rss() > before + STAYS_MAX and time.monotonic() < deadline:
                time.sleep(0.1)
            quiet = server.rss()
            text = f"{before / MIB:.1f} MiB, {full / MIB:.1f} flooded, {quiet / MIB:.1f} quiet"
            expect(quiet <= before + STAYS_MAX, text)
            # And now nobody wakes up any more, until there is something to do.
            time.sleep(1)
            asleep = switches(server.pid)
            time.sleep(6)
            woken = switches(server.pid) - asleep
            expect(woken <= 1, f"{woken} wake-ups in 6 s")
            # Everything that was given back comes again.
            flood(server.port)
            stays.ping()
    return text


def main():
    args = harness.arguments(__doc__.splitlines()[0])
    tally = harness.Tally(args.only)
    for backend in ("io_uring", "epoll"):
        tally.run(f"memory comes back ({backend})", memory_back, args, backend)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
