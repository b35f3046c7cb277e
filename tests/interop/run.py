#!/usr/bin/env python3
"""Runs real NATS clients against a server; see README.md beside this file.

    tests/interop/run.py --server build/martlet-server
    tests/interop/run.py --server build/martlet-server --only go,python -- --io_backend epoll
    tests/interop/run.py --build            # fetch and build the clients and the reference, run nothing

Exit status: 0 all that ran passed, 1 something failed, 77 everything was skipped.
"""

import argparse
import contextlib
import os
import pathlib
import queue
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from clients import BUILT_ONLY, CLIENTS, ROOT, Failure, Skip, kill_group, locked

START_S = 10  # from exec until the server greets with INFO
STOP_S = 5  # from SIGTERM until the process is gone
CLIENT_S = 120  # one client program, all scenarios


# --- the server under test ------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, argv, log):
        self.argv = argv
        self.log = log
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.process = None
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process:
            kill_group(self.process)

    def start(self):
        with open(self.log, "a") as log:
            self.process = subprocess.Popen(
                [*self.argv, "-a", "127.0.0.1", "-p", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure(f"the server ended at start with status {self.process.returncode}")
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as s:
                    if s.recv(5) == b"INFO ":
                        return
            time.sleep(0.01)
        raise Failure(f"no INFO from the server within {START_S} s")

    def stop(self):
        """SIGTERM must end the process soon, and then the port must be free."""
        status = self.process.poll()
        if status is not None:
            raise Failure(f"the server was gone already, with status {status}")
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            raise Failure(f"the server did not end within {STOP_S} s of SIGTERM") from None
        if self.process.returncode < 0 and self.process.returncode != -signal.SIGTERM:
            raise Failure(f"the server died of signal {-self.process.returncode} at SIGTERM")
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise Failure(f"the port is not free after SIGTERM: {error}") from None

    def complaint(self):
        """A sanitizer's report in the log, if there is one."""
        for line in self.log.read_text(errors="replace").splitlines():
            if re.search(r"(Address|Thread|Memory|Leak)Sanitizer|: runtime error: ", line):
                return line.strip()
        return None


# --- running one client ---------------------------------------------------------------------------


class Report:
    """Prints a line per result and counts them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.skips = []

    def ok(self, name):
        self.passed += 1
        print(f"ok {name}", flush=True)

    def fail(self, name, reason):
        self.failed += 1
        print(f"FAIL {name}: {reason}", flush=True)

    def skip(self, name, scenarios, reason):
        self.skipped += scenarios
        self.skips.append(f"SKIPPED {name}: {reason}")
        print(self.skips[-1], flush=True)


def tail(path, lines):
    text = path.read_text(errors="replace").splitlines()[-lines:]
    return "".join(f"    | {line}\n" for line in text)


def read_lines(stream, into):
    for line in stream:
        into.put(line.rstrip("\n"))
    into.put(None)


def converse(process, server, results):
    """Follows the program's stdout until it ends; restarts the server when asked."""
    lines = queue.Queue()
    threading.Thread(target=read_lines, args=(process.stdout, lines), daemon=True).start()
    end = time.monotonic() + CLIENT_S
    while True:
        try:
            line = lines.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            raise Failure(f"timeout: the client did not end within {CLIENT_S} s") from None
        if line is None:
            break
        if line == "RESTART":
            server.stop()
            server.start()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write("RESTARTED\n")
                process.stdin.flush()
        elif line.startswith("ok "):
            results.append((line[3:], None))
        elif line.startswith("FAIL "):
            name, _, reason = line[5:].partition(": ")
            results.append((name, reason or "no reason given"))
        else:
            print(f"    {line}", flush=True)
    try:
        status = process.wait(max(1.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise Failure("the client closed its stdout but did not end") from None
    if status != 0 and all(reason is None for _, reason in results):
        raise Failure(f"the client ended with status {status}")


def run_client(name, client, argv, server_argv, logs, report):
    failed_before = report.failed
    errors = logs / f"{name}.stderr"
    results = []
    trouble = []
    begin = time.monotonic()
    server = Server(server_argv, logs / f"{name}.server")
    try:
        with server, open(errors, "w") as stderr:
            process = subprocess.Popen(
                [*map(str, argv), server.url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            try:
                converse(process, server, results)
            finally:
                kill_group(process)
            server.stop()
    except Failure as failure:
        trouble.append(str(failure))
    complaint = server.complaint()
    if complaint:
        trouble.append(f"the server's log has: {complaint}")

    seen = dict(results)
    for scenario in client.scenarios:
        reason = seen.get(scenario, "not reported")
        if sum(scenario == s for s, _ in results) > 1:
            reason = "reported more than once"
        if reason is None:
            report.ok(f"{name}.{scenario}")
        else:
            report.fail(f"{name}.{scenario}", reason)
    for extra in seen.keys() - set(client.scenarios):
        trouble.append(f"unknown scenario {extra}")
    for reason in trouble:
        report.fail(name, reason)
    print(f"    {name}: {time.monotonic() - begin:.1f} s", flush=True)
    if report.failed > failed_before:
        for path in (errors, server.log):
            if path.exists():
                print(f"    last lines of {path}:\n{tail(path, 20)}", end="", flush=True)


def arguments():
    cache = os.environ.get("MARTLET_INTEROP_CACHE") or ROOT / "build" / "interop"
    parser = argparse.ArgumentParser(description="Runs real NATS clients against a server.")
    parser.add_argument("--server", metavar="CMD", help="the server's command line")
    parser.add_argument("--only", metavar="NAMES", help="of " + ",".join([*CLIENTS, *BUILT_ONLY]))
    parser.add_argument("--cache", type=pathlib.Path, default=cache, help="where clients are built")
    parser.add_argument("--strict", action="store_true", help="a skip is a failure (for CI)")
    parser.add_argument("--build", action="store_true", help="build everything, run nothing")
    parser.add_argument("--no-build", action="store_true", help="run only what is built already")
    parser.add_argument("server_args", nargs="*", metavar="-- ARG", help="more server arguments")
    args = parser.parse_args()
    known = [*CLIENTS, *BUILT_ONLY] if args.build else list(CLIENTS)
    names = args.only.split(",") if args.only else known
    unknown = set(names) - set(known)
    if unknown:
        parser.error(f"--only: no client {', '.join(sorted(unknown))}")
    if not args.server and not args.build:
        parser.error("--server is required")
    return args, names


def server_command(args):
    command = shlex.split(args.server) + args.server_args
    path = shutil.which(command[0])
    if not path:
        sys.exit(f"--server: {command[0]} is not an executable file")
    return [os.path.abspath(path), *command[1:]]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every `finally` runs
    args, names = arguments()
    server_argv = None if args.build else server_command(args)
    cache = args.cache.resolve()
    logs = cache / "logs" / (f"run-{os.getpid()}" if server_argv else "build")
    report = Report()
    for name in names:
        client = (CLIENTS.get(name) or BUILT_ONLY[name])(name, cache)
        try:
            with locked(cache):
                argv = client.prepare(allowed=not args.no_build)
        except Skip as skip:
            if args.strict:
                report.fail(name, f"{skip} (--strict)")
            else:
                report.skip(name, len(getattr(client, "scenarios", [name])), skip)
            continue
        except Failure as failure:
            report.fail(name, failure)
            continue
        if args.build:
            report.ok(f"{name}: built")
        else:
            run_client(name, client, argv, server_argv, logs, report)

    for line in report.skips:
        print(line)
    print(f"{report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    if report.failed == 0 and server_argv:
        shutil.rmtree(logs, ignore_errors=True)
    if report.failed:
        return 1
    return 0 if report.passed else 77


if __name__ == "__main__":
    sys.exit(main())
