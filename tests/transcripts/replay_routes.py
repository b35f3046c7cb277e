#!/usr/bin/env python3
"""Replays the transcripts of routes against Martlet in each role that it can play.

  replay_routes.py --server build/martlet-server [--shards 1,2] [--backends io_uring,epoll]
                   [--only PATTERN]

Martlet takes the place of one server of a transcript, with that server's configuration. This
program is all others: it listens and dials where they did, sends what they sent (with the ids,
ports and generated names of this replay) and compares what Martlet sends with what the recorded
server sent; route_expect.py tells what may differ. Steps of clients are in route_scripts.py.

The events of a transcript are gone through in their order, not at their times: each waits for what
is expected before it. PINGs come when they want to, so they are only counted.

One line for each transcript and role; the last is `N passed, N failed, N skipped`; exits 1 on a
failure. What waits for a feature, or will never pass, is in route_pending.txt with its reason.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shlex
import sys
import time

from check_transcripts import probe_io_uring, read_pending
from route_replay import read, replay

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "route")
PENDING = os.path.join(HERE, "route_pending.txt")
FIRST_PORT = 23000  # below the ephemeral ones
PORTS_PER_WORKER = 40
BLOCKS = 10  # two runs at the same time on one machine seldom meet in the same block
WORKERS_MAX = 20


def cases():
    """(path, role) of all transcripts and all their servers that had a connection."""
    for path in sorted(glob.glob(os.path.join(FOLDER, "[0-9]*.txt"))):
        if os.path.basename(path).startswith("00-"):
            continue
        transcript = read(path)
        roles = {name for ends in transcript.ends.values() for name in ends}
        for role in sorted(roles & set(transcript.peers)):
            yield path, role


def name_of(path, role):
    return "%s/%s" % (os.path.basename(path)[:-4], role)


def run(variations, chosen, jobs):
    """Yields (label, case, first difference, log, seconds) as they come."""
    first = FIRST_PORT + os.getpid() % BLOCKS * WORKERS_MAX * PORTS_PER_WORKER
    ports = [first + worker * PORTS_PER_WORKER for worker in range(jobs)]

    def one(label, command, case):
        port = ports.pop()  # one for each thread, so there is always one
        begin = time.monotonic()
        try:
            return (label, case, *replay(*case, command, port), time.monotonic() - begin)
        finally:
            ports.append(port)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, label, command, case)
                   for label, command in variations for case in chosen]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="server command")
    parser.add_argument("--shards", default="1,2")
    parser.add_argument("--backends", default="io_uring,epoll")
    parser.add_argument("--only", default="", help="a pattern of names, such as ^08 or ^08.*/B")
    parser.add_argument("--jobs", type=int, default=12, help="replays side by side")
    parser.add_argument("--pending", action="store_true", help="replay the pending ones instead")
    parser.add_argument("--verbose", action="store_true", help="the server's log after a failure")
    options = parser.parse_args()

    everything = list(cases())
    pending = read_pending(PENDING)
    unknown = set(pending) - {name_of(*case) for case in everything}
    if unknown:
        sys.exit("route_pending.txt names what does not exist: " + " ".join(sorted(unknown)))
    wanted = [case for case in everything if re.search(options.only, name_of(*case))]
    chosen = [case for case in wanted if (name_of(*case) in pending) == options.pending]
    for case in wanted:
        if case not in chosen and not options.pending:
            print("pending  %s: %s" % (name_of(*case), pending[name_of(*case)]))

    failed = passed = skipped = 0
    variations = []
    for backend in options.backends.split(","):
        reason = probe_io_uring.refusal() if backend == "io_uring" else ""
        for shards in options.shards.split(","):
            label = "%s shards=%s" % (backend, shards)
            if reason:
                print("SKIP %s (%d replays): %s" % (label, len(chosen), reason))
                skipped += len(chosen)
                continue
            command = shlex.split(options.server) + ["--io_backend", backend, "--shards", shards]
            variations.append((label, [os.path.abspath(command[0])] + command[1:]))
    jobs = max(1, min(options.jobs, WORKERS_MAX))
    for label, case, difference, log, seconds in run(variations, chosen, jobs):
        failed, passed = failed + bool(difference), passed + (not difference)
        print("%-8s %s (%s, %.1f s)%s" % ("FAIL" if difference else "ok", name_of(*case), label,
                                          seconds, difference and ": " + difference), flush=True)
        if difference and options.verbose:
            print("    " + log.replace("\n", "\n    "))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
