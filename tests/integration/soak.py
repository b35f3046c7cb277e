#!/usr/bin/env python3
"""Does the soak see what it must see, and does the server stand a short one?

Memory is judged by hours, not seconds: a short soak has not touched every buffer, so that here it
may grow by as much as all bounded caches hold. What is exact are messages, files and threads.
"""
import re
import subprocess
import sys

import harness
from harness import expect

# Receive buffers (4 MiB), chunks and shared blocks kept for later (10 MiB), tables: with 10 MiB for
# an empty server. A subscription or connection that left 300 bytes behind would show.
TOLERANCE = 200


def soak(args, *flags, status):
    done = subprocess.run([args.soak, *map(str, flags)], capture_output=True, text=True, timeout=200)
    expect(done.returncode == status,
           f"status {done.returncode}, not {status}: {done.stdout}{done.stderr[-800:]}")
    return done.stdout


def short_soak(args, backend):
    subscriptions, connects = int(60_000 * args.share), int(6_000 * args.share)
    command = " ".join([*args.server, "--io_backend", backend])
    text = soak(args, "--server", command, "--minutes", 0.17, "--warmup", 3, "--subs",
                subscriptions, "--connects", connects, "--load", args.share, "--settle", 6,
                "--tolerance", TOLERANCE, status=0)
    done = re.search(r"(\d+) messages, (\d+) SUB/UNSUB, (\d+) connects", text)
    expect(done is not None, text)
    expect(int(done.group(1)) > 100_000 * args.share, text)
    expect(int(done.group(2)) >= subscriptions, text)
    expect(int(done.group(3)) >= connects, text)
    expect("lost 0, duplicated 0, out of order 0, changed 0" in text, text)
    return text.splitlines()[0]


def fault(args, kind, counted):
    """One message is not what it was, in a relay between the soak and the server."""
    with harness.Server(args.server) as server:
        relay = subprocess.Popen([args.relay, "--to", f"127.0.0.1:{server.port}", "--" + kind,
                                  "20000"], stdout=subprocess.PIPE, text=True)
        try:
            url = f"nats://127.0.0.1:{int(relay.stdout.readline())}"
            text = soak(args, "--url", url, "--pid", server.pid, "--minutes", 0.02, "--warmup", 1,
                        "--subs", 1000, "--connects", 50, "--settle", 1, "--patience", 2,
                        "--tolerance", TOLERANCE, status=1)
        finally:
            relay.kill()
            relay.wait()
            relay.stdout.close()
    expect(counted in text, text)
    return counted


def memory_that_stays(args):
    """No memory is little enough: a tolerance of less than everything cannot be kept."""
    text = soak(args, "--server", " ".join(args.server), "--minutes", 0.02, "--warmup", 1, "--subs",
                1000, "--connects", 50, "--settle", 1, "--tolerance", -100, status=1)
    expect("NOT BACK" in text, text)
    return re.search(r"memory: .*", text).group(0)


def main():
    def add(parser):
        parser.add_argument("--soak", required=True)
        parser.add_argument("--relay", required=True)
        parser.add_argument("--share", type=float, default=1, help="of the load, under a sanitizer")
    args = harness.arguments(__doc__.splitlines()[0], add)
    tally = harness.Tally(args.only)
    for backend in ("io_uring", "epoll"):
        tally.run(f"short soak ({backend})", short_soak, args, backend)
    tally.run("a message that is lost", fault, args, "drop", "lost 1, duplicated 0,")
    tally.run("a message that comes twice", fault, args, "duplicate", "lost 0, duplicated 1,")
    tally.run("memory that stays", memory_that_stays, args)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
