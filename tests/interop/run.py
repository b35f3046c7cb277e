#!/usr/bin/env python3
"""Runs real NATS clients against a server; see README.md beside this file.

    tests/interop/run.py --server build/martlet-server
    tests/interop/run.py --server build/martlet-server --only go,python -- --io_backend epoll
    tests/interop/run.py --build            # fetch and build the clients and the reference, run nothing

Exit status: 0 all that ran passed, 1 something failed, 77 everything was skipped.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform
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

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HINT = "run tools/install-interop"

START_S = 10  # from exec until the server greets with INFO
STOP_S = 5  # from SIGTERM until the process is gone
CLIENT_S = 120  # one client program, all scenarios
BUILD_S = 1200  # one build step

SCENARIOS = (
    "pubsub_wildcards",
    "request_reply",
    "no_responders",
    "queue_group",
    "headers",
    "drain",
    "flush",
    "reconnect",
)
CLI_SCENARIOS = (
    "sub_all",
    "pub_count",
    "pub_headers",
    "req_reply",
    "no_responders",
    "reply_echo",
    "queue_group",
    "bench",
    "rtt",
    "reconnect",
)


class Skip(Exception):
    """What this client needs is not here."""


class Failure(Exception):
    """What is here does not work."""


# --- building -------------------------------------------------------------------------------------


class Builder:
    """Builds one client in `<cache>/<name>/`, from a copy of its sources."""

    def __init__(self, name, cache):
        self.name = name
        self.source = HERE / name
        self.out = cache / name
        self.work = self.out / "src"
        self.log = cache / "logs" / f"{name}.build"

    def digest(self):
        sha = hashlib.sha256(platform.machine().encode())
        for path in sorted(self.source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                sha.update(f"\n{path.relative_to(self.source)}\n".encode())
                sha.update(path.read_bytes())
        return sha.hexdigest()

    def run(self, kind, *argv, cwd=None, env=None):
        """Runs one step. A failed fetch is a skip (no network here), a failed compile a failure."""
        with open(self.log, "a") as log:
            log.write(f"\n$ {shlex.join(map(str, argv))}\n")
            log.flush()
            process = subprocess.Popen(
                [str(a) for a in argv],
                cwd=cwd or self.work,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                status = process.wait(BUILD_S)
            except subprocess.TimeoutExpired:
                status = f"timeout after {BUILD_S} s"
            finally:
                kill_group(process)
        if status != 0:
            what = f"{argv[0]} {argv[1]}"
            reason = f"{pathlib.Path(what).name} failed ({status}); see {self.log}"
            raise Skip(reason) if kind == "fetch" else Failure(reason)

    def tool(self, name, hint=HINT):
        path = shutil.which(name)
        if not path:
            raise Skip(f"{name} not found; {hint}")
        return path

    def build(self, steps, allowed):
        """Calls steps(self) unless the same sources were built before."""
        stamp = self.out / "stamp"
        want = self.digest()
        if stamp.exists() and stamp.read_text() == want:
            return
        if not allowed:
            raise Skip(f"not built in {self.out}; {HINT}")
        stamp.unlink(missing_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        shutil.copytree(self.source, self.work, ignore=shutil.ignore_patterns("__pycache__"))
        steps(self)
        stamp.write_text(want)


def version(argv, pattern=r"(\d+)\.(\d+)"):
    """The first version that the command prints, as (major, minor)."""
    text = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    match = re.search(pattern, text)
    return tuple(map(int, match.groups())) if match else (0, 0)


def go_build(builder, package, output, oldest_mod):
    """Builds with go.mod where Go is new enough for it, else with the modules of Debian 12's Go."""
    go = builder.tool("go")
    have = version([go, "version"], r"go(\d+)\.(\d+)")
    if have < (1, 19):
        raise Skip(f"Go {have[0]}.{have[1]} is older than 1.19; {HINT}")
    mod = "go.mod" if have >= (1, 24) else oldest_mod
    env = {"GOTOOLCHAIN": "local", "GOWORK": "off"}
    flags = ("-modfile=" + mod, "-buildvcs=false")
    builder.run("fetch", go, "list", *flags, "-deps", package, env=env)
    builder.run("compile", go, "build", *flags, "-o", output, package, env=env)


class Client:
    """One row of the table below: how to build it, how to run it, what it must report."""

    scenarios = SCENARIOS

    def __init__(self, name, cache):
        self.builder = Builder(name, cache)

    def prepare(self, allowed):
        self.builder.build(self.steps, allowed)
        return self.argv()


class GoClient(Client):
    def steps(self, b):
        go_build(b, ".", b.out / "interop", "go119.mod")
        go_build(b, "./roam", b.out / "roam", "go119.mod")

    def argv(self):
        return [self.builder.out / "interop"]


class PythonClient(Client):
    def steps(self, b):
        venv = b.out / "venv"
        shutil.rmtree(venv, ignore_errors=True)
        b.run("fetch", sys.executable, "-m", "venv", venv)
        python = venv / "bin" / "python"
        b.run("fetch", python, "-m", "pip", "install", "--require-hashes", "-r", "requirements.txt")

    def argv(self):
        return [self.builder.out / "venv" / "bin" / "python", self.builder.work / "main.py"]


class JsClient(Client):
    def steps(self, b):
        have = version([b.tool("node"), "--version"])
        if have < (18, 0):
            raise Skip(f"node {have[0]} is older than 18; {HINT}")
        b.run("fetch", b.tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund")

    def argv(self):
        return [self.builder.tool("node"), self.builder.work / "main.js"]


class RustClient(Client):
    def steps(self, b):
        cargo = b.tool("cargo")
        have = version([b.tool("rustc"), "--version"])
        if have < (1, 89):
            raise Skip(f"rustc {have[0]}.{have[1]} is older than 1.89, which async-nats needs; {HINT}")
        target = ("--target-dir", b.out / "target")
        b.run("fetch", cargo, "fetch", "--locked")
        b.run("compile", cargo, "build", "--locked", "--offline", *target)

    def argv(self):
        return [self.builder.out / "target" / "debug" / "interop"]


class JavaClient(Client):
    def steps(self, b):
        javac = b.tool("javac")
        b.run("fetch", b.tool("mvn"), "dependency:copy-dependencies", "-B", "-DoutputDirectory=lib")
        b.run("compile", javac, "--release", "11", "-cp", "lib/*", "-d", "classes", "Main.java")

    def argv(self):
        work = self.builder.work
        path = f"{work / 'classes'}:{work / 'lib'}/*"
        return [self.builder.tool("java"), "-XX:TieredStopAtLevel=1", "-cp", path, "Main"]


class CClient(Client):
    def steps(self, b):
        cc = b.tool("cc")
        probe = [cc, "-fsyntax-only", "-include", "nats/nats.h", "-x", "c", os.devnull]
        if subprocess.run(probe, capture_output=True).returncode != 0:
            raise Skip(f"nats/nats.h (libnats-dev) not found; {HINT}")
        flags = ("-std=c11", "-Wall", "-Wextra", "-O1", "-pthread")
        b.run("compile", cc, *flags, "main.c", "-o", b.out / "interop", "-lnats")
        b.run("compile", cc, *flags, "roam.c", "-o", b.out / "roam", "-lnats")

    def argv(self):
        return [self.builder.out / "interop"]


class CliClient(Client):
    """The `nats` on PATH, else one built from the pinned module."""

    scenarios = CLI_SCENARIOS

    def prepare(self, allowed):
        nats = shutil.which("nats")
        if not nats:
            self.builder.build(self.steps, allowed)
            nats = self.builder.out / "nats"
        return [sys.executable, self.builder.source / "scenarios.py", nats]

    def steps(self, b):
        go_build(b, "github.com/nats-io/natscli/nats", b.out / "nats", "go119.mod")


class Reference:
    """nats-server, of the release that ours follows or of another: no client, but what tests compare
    with and put into clusters."""

    OLDEST_GO = (1, 26)  # that it builds with
    SWITCHING_GO = (1, 21)  # fetches the release that a go.mod names by itself

    def __init__(self, name, cache):
        self.builder = Builder(name, cache)

    def prepare(self, allowed):
        self.builder.build(self.steps, allowed)

    def steps(self, b):
        go = b.tool("go")
        have = version([go, "version"], r"go(\d+)\.(\d+)")
        if have < (1, 19):
            raise Skip(f"Go {have[0]}.{have[1]} is older than 1.19; {HINT}")
        env = {"GOTOOLCHAIN": "local" if have >= self.OLDEST_GO else "auto", "GOWORK": "off"}
        if have < self.SWITCHING_GO:
            root = self.fetch_go(b, go)
            go = root / "bin" / "go"
            env.update(GOTOOLCHAIN="local", GOROOT=str(root))
        package = "github.com/nats-io/nats-server/v2"
        b.run("fetch", go, "list", "-deps", package, env=env)
        b.run("compile", go, "build", "-buildvcs=false", "-o", b.out / "nats-server", package, env=env)

    def fetch_go(self, b, go):
        """The folder of the Go that go.mod names, got the way that newer ones take: it is a module."""
        wanted = re.search(r"^toolchain (go\S+)", (b.work / "go.mod").read_text(), re.MULTILINE)[1]
        words = subprocess.run([go, "env", "GOMODCACHE", "GOOS", "GOARCH"], capture_output=True,
                               text=True).stdout.split()
        module = f"golang.org/toolchain@v0.0.1-{wanted}.{words[1]}-{words[2]}"
        root = b.out.parent / wanted  # for all of them
        if root.exists():
            return root
        b.run("fetch", go, "mod", "download", module, cwd=b.out)
        unfinished = root.with_name(wanted + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        # A module has no nested go.mod, and nothing in it may be executed.
        b.run("compile", "cp", "-r", "--no-preserve=mode", f"{words[0]}/{module}", unfinished)
        b.run("compile", "cp", unfinished / "src" / "_go.mod", unfinished / "src" / "go.mod")
        for program in (*unfinished.glob("bin/*"), *unfinished.glob("pkg/tool/*/*")):
            program.chmod(0o755)
        unfinished.rename(root)
        return root


CLIENTS = {
    "cli": CliClient,
    "go": GoClient,
    "python": PythonClient,
    "js": JsClient,
    "rust": RustClient,
    "java": JavaClient,
    "c": CClient,
}
BUILT_ONLY = {"reference": Reference, "reference-2.10.27": Reference}


# --- the server under test ------------------------------------------------------------------------


def kill_group(process):
    """Ends what is left of a process that leads its own group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


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


@contextlib.contextmanager
def locked(cache):
    """Two runs may share a cache; only one builds at a time."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
