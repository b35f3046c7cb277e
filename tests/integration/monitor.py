#!/usr/bin/env python3
"""The monitoring port: what it says, beside the reference server where there is one, and what strangers
may do to it.

  monitor.py --server "build/martlet-server" [--reference nats-server]

The reference is the nats-server that tools/install-interop builds, else the one on PATH; without one of
the release that this server follows nothing is compared with it, and the cases say so.
"""
import sys

import harness
from monitor_contents import connz, cpu, lame_duck, many, subsz, varz
from monitor_http import bad_port, http_forms, start
from monitor_reference import cluster_reference, reference
from monitor_routes import cluster, much_interest
from monitor_strangers import endless_questions, garbage, no_readers, slow_heads

CASES = (start, bad_port, varz, cpu, connz, subsz, lame_duck, many, cluster, much_interest, reference,
         cluster_reference, http_forms, slow_heads, no_readers, garbage, endless_questions)


def main():
    def add(parser):
        parser.add_argument("--reference", default=harness.reference_server())

    args = harness.arguments("The monitoring port.", add)
    tally = harness.Tally(args.only)
    for backend in ("io_uring", "epoll"):
        args.flags = ["--io_backend", backend]
        for case in CASES:
            tally.run(f"{case.__name__}, {backend}", case, args)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
