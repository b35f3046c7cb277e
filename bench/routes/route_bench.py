#!/usr/bin/env python3
"""Messages over routes: clusters of one server program beside those of another, in turns.

    route_bench.py --martlet build/martlet --server build/martlet-server --server nats-server

For each scenario and round a fresh cluster of each program is started on loopback; publishers connect
to the first member and subscribers to the others. Printed are medians over the rounds: messages a
second, CPU of all members for a message, latency; and the ratios of the first program to the second.
CPU is the steadier figure on a shared machine.
"""
import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SIZES = {"16 B": 16, "128 B": 128, "1 KiB": 1024, "64 KiB": 65536}
WARMUP_SECONDS = 2  # of open loops, whose tails would else tell of the first moments


def scenarios(quick):
    table = []
    for name, size in SIZES.items():
        messages = {16: 6_000_000, 128: 5_000_000, 1024: 1_500_000, 65536: 40_000}[size]
        table.append((f"1:1 {name}", 2, ["pubsub", "--size", str(size), "--msgs", str(messages)]))
    table += [
        ("fan-out 1:10 over two members, 128 B", 3,
         ["fanout", "--subs", "10", "--size", "128", "--msgs", "1000000"]),
        ("queue of 10, 128 B", 2, ["queue", "--subs", "10", "--size", "128", "--msgs", "2000000"]),
        ("requests, one at a time, 32 B", 2, ["request", "--size", "32", "--msgs", "60000"]),
        ("requests 10 x 10, 128 B", 2,
         ["request", "--pubs", "10", "--subs", "10", "--depth", "10", "--size", "128", "--msgs",
          "400000"]),
        ("open loop 10,000/s, 128 B", 2,
         ["latency", "--size", "128", "--rate", "10000", "--duration", "5s"]),
        ("open loop 100,000/s, 128 B", 2,
         ["latency", "--size", "128", "--rate", "100000", "--duration", "5s"]),
    ]
    if not quick:
        return table
    def few(flags):
        return ["20000" if before == "--msgs" else flag
                for before, flag in zip([None, *flags], flags)]
    return [(name, members, few(flags)) for name, members, flags in table]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Cluster:
    """Members of one program on this machine, until it is closed."""

    def __init__(self, command, members, flags):
        self.directory = tempfile.mkdtemp(prefix="route-bench-")
        self.ports = [free_port() for _ in range(members)]
        route_ports = [free_port() for _ in range(members)]
        self.processes = []
        self.logs = []
        for i in range(members):
            log = os.path.join(self.directory, f"{i}.log")
            self.logs.append(log)
            arguments = [*command, "-a", "127.0.0.1", "-p", str(self.ports[i]), "-n", f"N{i}", "-D",
                         "-l", log, "--cluster", f"nats://127.0.0.1:{route_ports[i]}",
                         "--cluster_name", "bench", *flags]
            if i > 0:
                arguments += ["--routes", f"nats://127.0.0.1:{route_ports[0]}"]
            self.processes.append(subprocess.Popen(arguments, stdout=subprocess.DEVNULL,
                                                   stderr=subprocess.DEVNULL))
        self._wait_for_mesh(members)

    def _wait_for_mesh(self, members):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                peers = []
                for log in self.logs:
                    with open(log, errors="replace") as file:
                        peers.append(len(set(re.findall(r'Registering remote route "(\w+)"',
                                                        file.read()))))
            except FileNotFoundError:
                peers = []
            if len(peers) == members and all(count >= members - 1 for count in peers):
                time.sleep(1.5)  # pools and first pings
                return
            time.sleep(0.05)
        self.close()
        raise RuntimeError("no mesh")

    def cpu_seconds(self):
        total = 0
        for process in self.processes:
            with open(f"/proc/{process.pid}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        for log in self.logs:
            if os.path.exists(log):
                os.unlink(log)
        os.rmdir(self.directory)


def measure(martlet, command, members, flags, server_flags):
    """One run: what `martlet bench` says, and the CPU seconds of all members, the warm-up's apart."""
    cluster = Cluster(command, members, server_flags)
    try:
        servers = ",".join(f"127.0.0.1:{port}" for port in cluster.ports[1:])
        warmup = WARMUP_SECONDS if flags[0] == "latency" else 0
        before = cluster.cpu_seconds()
        run = subprocess.run(
            [martlet, "bench", flags[0], "-s", servers, "--publish-to",
             f"127.0.0.1:{cluster.ports[0]}", *flags[1:], "--warmup", f"{warmup}s", "--json", "-",
             "--quiet", "--no-limit"],
            capture_output=True, text=True, timeout=300)
        if run.returncode != 0:
            raise RuntimeError(run.stderr[-500:] + run.stdout[-500:])
        cpu = cluster.cpu_seconds() - before
        data = json.loads(run.stdout)
        seconds = data["results"][0]["seconds"]
        return data, cpu * seconds / (seconds + warmup)  # an open loop's rate is the same all the time
    finally:
        cluster.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--server", action="append", required=True, help="twice: ours, the other")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true", help="little load: does it work at all?")
    parser.add_argument("--server-flags", default="", help="for the first one")
    parser.add_argument("--dump", action="store_true", help="one run's JSON, then the end")
    args = parser.parse_args()
    commands = [server.split() for server in args.server]
    print(f"| scenario | {' | '.join(f'{os.path.basename(c[0])}: msg/s, CPU us, p50/p99/p99.9 us' for c in commands)} | rate | CPU | p99.9 |")
    print("|---" * (len(commands) + 4) + "|")
    for name, members, flags in scenarios(args.quick):
        if not re.search(args.only, name):
            continue
        results = [[] for _ in commands]
        for _ in range(1 if args.quick else args.rounds):
            for i, command in enumerate(commands):
                extra = args.server_flags.split() if i == 0 else []
                data, cpu = measure(args.martlet, command, members, flags, extra)
                if args.dump:
                    return print(json.dumps(data, indent=1)[:6000])
                results[i].append(figures(data, cpu))
        rows = [[statistics.median(values) for values in zip(*rounds)] for rounds in results]
        cells = [cell(row) for row in rows]
        ratio = ""
        if len(rows) == 2:
            ours, other = rows
            tail = f"{ours[4] / other[4]:.2f}x" if other[4] else ""
            ratio = (f" | {ours[0] / other[0]:.2f}x | 1/{other[1] / max(ours[1], 1e-9):.1f} | {tail}")
        print(f"| {name} | {' | '.join(cells)}{ratio} |", flush=True)
    return 0


def cell(row):
    rate, cpu, *latencies = row
    told = f"{rate:,.0f}, {cpu:.3f}"
    return told + ", " + "/".join(f"{one:.0f}" for one in latencies) if any(latencies) else told


def figures(data, cpu):
    result = data["results"][0]
    if result["faults"]["lost"] or result["faults"]["duplicated"]:
        raise RuntimeError(f"faults: {result['faults']}")
    received = result["delivered"]
    percentiles = result["latencies"][0]["percentiles"] if result["latencies"] else {}
    micro = [percentiles.get(key, 0) / 1000 for key in ("p50", "p99", "p99.9")]
    return [received / result["seconds"], cpu / max(received, 1) * 1e6, *micro]


if __name__ == "__main__":
    sys.exit(main())
