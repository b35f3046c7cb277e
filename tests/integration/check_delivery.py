#!/usr/bin/env python3
"""Runs the delivery checker's scenarios against a server, over shards and kernel backends.

  check_delivery.py --checker build/.../delivery-checker --server "build/martlet-server" \\
      --shards 1,2,4 --backends io_uring,epoll
"""
import os
import subprocess
import sys

import harness

SCENARIOS = ("one-to-one", "fan-out", "queue", "cross", "mixed-sizes", "churn")
FULL_MESSAGES = 10_000_000
# A message of mixed-sizes is 10 KB on average, so it gets a tenth of the deliveries.
SHARE = {"mixed-sizes": 0.1}


def add_arguments(parser):
    parser.add_argument("--checker", required=True, help="the delivery-checker program")
    parser.add_argument("--messages", type=int, default=24_000_000,
                        help="deliveries over all scenarios and variations together")
    parser.add_argument("--full", action="store_true",
                        help=f"{FULL_MESSAGES} deliveries in each scenario (mixed-sizes a tenth)")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--shards", default="", help="values for --shards; empty: not passed")
    parser.add_argument("--backends", default="", help="values for --io_backend")
    parser.add_argument("--profiles", default="", help="values for --profile")
    parser.add_argument("--payload", help="passed to every scenario but mixed-sizes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=900, help="seconds per scenario")


def variations(args):
    for backend in args.backends.split(","):
        for shards in args.shards.split(","):
            for profile in args.profiles.split(","):
                extra = ["--io_backend", backend] if backend else []
                extra += ["--shards", shards] if shards else []
                yield extra + (["--profile", profile] if profile else [])


SANITIZER_COST = 5


def check(args, extra, scenario, messages):
    """One scenario on a fresh server, so that a fault in one leaves no trace in the next."""
    with harness.Server(args.server, extra) as server:
        count = str(int(messages * SHARE.get(scenario, 1)))
        command = [args.checker, "--url", f"127.0.0.1:{server.port}", "--scenario", scenario,
                   "--messages", count, "--seed", str(args.seed)]
        if args.payload and scenario != "mixed-sizes":
            command += ["--payload", args.payload]
        done = subprocess.run(command, capture_output=True, text=True, timeout=args.timeout)
        harness.expect(server.alive(), f"the server died: {server.log()[-1500:]}")
        harness.expect(done.returncode == 0, "\n" + done.stdout + done.stderr)
        slow = [line for line in server.log().splitlines() if "Slow Consumer" in line]
        harness.expect(not slow, f"slow consumer: {slow[:1]}")
        return done.stdout.strip().removeprefix("ok: ")


def main():
    args = harness.arguments(__doc__.splitlines()[0], add_arguments)
    tally = harness.Tally(args.only)
    chosen = list(variations(args))
    scenarios = args.scenarios.split(",")
    each = FULL_MESSAGES if args.full else args.messages // (len(chosen) * len(scenarios))
    if "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ:
        each //= SANITIZER_COST  # it is the interleavings that count there, not the number
    for extra in chosen:
        for scenario in scenarios:
            name = " ".join([scenario, *extra])
            tally.run(name, check, args, extra, scenario, each)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
