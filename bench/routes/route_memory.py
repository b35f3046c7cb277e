#!/usr/bin/env python3
"""What routes and remote interest cost in memory, of several server programs.

    route_memory.py --server build/martlet-server --server nats-server [--subjects 1000000]

A server is joined by peers that say what servers say and are idle: resident memory for each connection.
Then one of them wants many distinct subjects: resident memory for each, and how long they take until a
PING behind them is answered.
"""
import argparse
import json
import os
import re
import shlex
import socket
import subprocess
import tempfile
import time

PEERS = 400


class Peer:
    """A server without a pool, to the one that it talks to."""

    def __init__(self, port, number):
        name = f"N{number:055d}"
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.input = self.sock.makefile("rb")
        self.input.readline()
        connect = {"echo": True, "verbose": False, "pedantic": False, "headers": True,
                   "name": name, "cluster": "C1"}
        info = {"server_id": name, "server_name": name, "version": "2.9.10", "proto": 1,
                "host": "127.0.0.1", "port": 1, "headers": True, "max_payload": 1048576,
                "cluster": "C1"}
        self.sock.sendall(f"CONNECT {json.dumps(connect)}\r\nINFO {json.dumps(info)} \r\n".encode())
        self.ping()

    def ping(self):
        self.sock.sendall(b"PING\r\n")
        while not (line := self.input.readline()).startswith(b"PONG"):
            if not line:
                raise ConnectionError("the server has closed the route")
            if line.startswith(b"PING"):
                self.sock.sendall(b"PONG\r\n")


class Victim:
    def __init__(self, command):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            self.port = sock.getsockname()[1]
        self.log = tempfile.NamedTemporaryFile()
        self.process = subprocess.Popen(
            [*shlex.split(command), "-a", "127.0.0.1", "-p", "-1", "-n", "V", "--cluster_name", "C1",
             "--cluster", f"nats://127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)
        while b"Server is ready" not in open(self.log.name, "rb").read():
            time.sleep(0.01)
        time.sleep(0.5)

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) * 1024

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.kill()
        self.process.wait()


def measure(command, subjects):
    victim = Victim(command)
    try:
        before = victim.resident()
        peers = [Peer(victim.port, number) for number in range(PEERS)]
        time.sleep(2)
        route = (victim.resident() - before) / PEERS
        before, begin, cpu = victim.resident(), time.monotonic(), victim.cpu()
        for first in range(0, subjects, 10000):
            peers[0].sock.sendall(b"".join(
                b"RS+ $G orders.%d.item.%d\r\n" % (n % 1000, n)
                for n in range(first, min(subjects, first + 10000))))
        peers[0].ping()
        seconds, cpu = time.monotonic() - begin, victim.cpu() - cpu
        time.sleep(2)
        interest = (victim.resident() - before) / subjects
    finally:
        victim.close()
    return route, interest, seconds, cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", required=True)
    parser.add_argument("--subjects", type=int, default=1_000_000)
    args = parser.parse_args()
    print(f"{'program':40} {'a route':>10} {'a remote subject':>18} {'all of them told in':>20} "
          f"{'CPU':>7}")
    for command in args.server:
        route, interest, seconds, cpu = measure(command, args.subjects)
        print(f"{command[-40:]:40} {route / 1024:6.1f} KiB {interest:16.0f} B {seconds:18.2f} s "
              f"{cpu:5.2f} s", flush=True)


if __name__ == "__main__":
    main()
