#!/usr/bin/env python3
"""Replays all golden transcripts that are not in pending.txt, on each backend and shard count.

  check_transcripts.py --server build/martlet-server [--shards 1,2,4] [--backends io_uring,epoll]

replay.py works through one transcript after the other, with a fresh server for each; several of
them run side by side here, each on its own ports. A backend that the kernel refuses is skipped and
the reason named. A server that breaks one of its own checks or makes a sanitizer speak fails too,
whatever its clients saw. Ends with `N passed, N failed, N skipped`; exits 1 on a failure.

--pending replays the pending ones instead, to see which could leave the list.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import probe_io_uring  # noqa: E402  (found by the line above)

REPLAY = os.path.join(HERE, "replay.py")
PENDING = os.path.join(HERE, "pending.txt")
# Below the ephemeral ports; replay.py looks at up to 400 from its first one.
FIRST_PORT = 20000
PORTS_PER_WORKER = 400
WORKERS_MAX = 6
BLOCKS = 5  # two runs at the same time on one machine seldom meet in the same block
AGAIN = 2  # times that what failed is replayed once more
LOG = "(a server's log)"
PIECES = 4  # a variation is cut into this many, so that the workers finish together
# What a server says when something is wrong with it, rather than with its client.
TROUBLE = re.compile(r"^.*(?:CHECK failed|Sanitizer|runtime error:).*$", re.MULTILINE)


def read_pending(path):
    """Name to reason."""
    pending = {}
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            line = line.split("#", 1)[0].strip()
            if not line:
                continue
            name, _, reason = line.partition(" ")
            if not reason.strip():
                sys.exit("%s:%d: %s has no reason" % (path, number, name))
            if name in pending:
                sys.exit("%s:%d: %s is named twice" % (path, number, name))
            pending[name] = reason.strip()
    return pending


def transcripts():
    names = sorted(os.path.basename(path) for path in glob.glob(os.path.join(HERE, "[0-9]*.txt")))
    if not names:
        sys.exit("no transcripts in " + HERE)
    return names


class Worker:
    """Runs pieces of work with ports of its own."""

    def __init__(self, number):
        block = os.getpid() % BLOCKS * WORKERS_MAX
        self.port = FIRST_PORT + (block + number) * PORTS_PER_WORKER

    def replay(self, command, names, timeout):
        """Returns (name, failure text or "") for each of `names`.

        What fails is replayed again, alone: replay.py finds out by connecting whether the server is
        up, and on a busy machine that connection may still count when the transcript begins.
        """
        rows = []
        for name, text in self.replay_once(command, names, timeout):
            for _ in range(AGAIN):
                if not text or name == LOG:
                    break
                print("again: %s: %s" % (name, text), flush=True)
                again = self.replay_once(command, [name], timeout)
                text = dict(again)[name]
                rows += again[1:]
            rows.append((name, text))
        return rows

    def replay_once(self, command, names, timeout):
        argv = [sys.executable, REPLAY, "--server-cmd", command, "--base-port", str(self.port),
                "--timeout", str(timeout), "--keep"]
        with tempfile.TemporaryDirectory(prefix="transcripts-") as scratch:
            done = subprocess.run(argv + [os.path.join(HERE, name) for name in names],
                                  env=dict(os.environ, TMPDIR=scratch), stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace",
                                  check=False)
            troubles = self.troubles(scratch)
        results, current = {}, None
        for line in done.stdout.splitlines():
            words = line.split()
            if re.match(r"(ok|FAIL)\s+\S+\.txt", line):
                current = words[1]
                results[current] = "" if words[0] == "ok" else "failed"
            elif current and line.startswith("      ") and results[current]:
                results[current] += "\n" + line
        lost = "failed\n      replay.py gave no result: " + done.stdout[-500:]
        rows = [(name, results.get(name, lost)) for name in names]
        return rows + [(LOG, trouble) for trouble in troubles]

    @staticmethod
    def troubles(scratch):
        found = []
        for path in glob.glob(os.path.join(scratch, "*", "server.log")):
            with open(path, encoding="utf-8", errors="replace") as text:
                log = text.read()
            if TROUBLE.search(log):
                found.append(TROUBLE.search(log)[0] + "\n" + log[-3000:])
        return found


def run(variations, names, jobs, timeout):
    """Replays `names` in every variation; yields (label, name, failure text) as they come."""
    free = [Worker(number) for number in range(jobs)]

    def piece(label, command, part):
        worker = free.pop()  # one per thread, so there is always one
        try:
            return [(label, name, text) for name, text in worker.replay(command, part, timeout)]
        finally:
            free.append(worker)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(piece, label, command, names[start::PIECES])
                   for label, command in variations for start in range(PIECES) if names[start::PIECES]]
        for future in concurrent.futures.as_completed(futures):
            yield from future.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="server command")
    parser.add_argument("--shards", default="1,2,4", help="shard counts; empty: do not say any")
    parser.add_argument("--backends", default="io_uring,epoll", help="empty: do not say any")
    parser.add_argument("--rounds", type=int, default=1, help="replay everything this many times")
    parser.add_argument("--jobs", type=int, default=4, help="replays side by side")
    parser.add_argument("--timeout", type=float, default=10, help="seconds per expectation")
    parser.add_argument("--pending", action="store_true", help="replay the pending ones instead")
    options = parser.parse_args()

    everything = transcripts()
    pending = read_pending(PENDING)
    unknown = sorted(set(pending) - set(everything))
    if unknown:
        sys.exit("pending.txt names transcripts that do not exist: " + " ".join(unknown))
    names = [name for name in everything if (name in pending) == options.pending]

    failed = skipped = 0
    variations = []
    for backend in options.backends.split(","):
        for shards in options.shards.split(","):
            label = " ".join(filter(None, [backend, shards and "shards=" + shards])) or "default"
            reason = probe_io_uring.refusal() if backend == "io_uring" else ""
            if reason:
                print("SKIP %s (%d transcripts): %s" % (label, len(names), reason))
                skipped += len(names)
                continue
            flags = (["--shards", shards] if shards else []) + \
                (["--io_backend", backend] if backend else [])
            variations.append((label, " ".join([os.path.abspath(options.server)] + flags)))

    jobs = max(1, min(options.jobs, WORKERS_MAX))
    passed = dict.fromkeys((label for label, _ in variations), 0)
    for _ in range(options.rounds):
        for label, name, text in run(variations, names, jobs, options.timeout):
            if text:
                failed += 1
                print("FAIL %s: %s %s" % (label, name, text), flush=True)
            else:
                passed[label] += 1
                if options.pending:
                    print("passes now: %s (%s)" % (name, label))
    for label, count in passed.items():
        print("%-24s %d of %d passed" % (label, count, len(names) * options.rounds))
    if not options.pending:
        print("PENDING %d of %d transcripts wait for features, see pending.txt"
              % (len(pending), len(everything)))
    print("%d passed, %d failed, %d skipped" % (sum(passed.values()), failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
