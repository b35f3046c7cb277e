#!/usr/bin/env python3
"""How the server starts, tells about itself, and ends: flags, files, log lines, signals.

  lifecycle.py --server "build/martlet-server"
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import harness
from harness import CONNECT, Client, expect, wait_for

EXIT_SECONDS_MAX = 2.0
STAMP = r"\[(\d+)\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} "
KEY = "[A-Z2-7]{56}"


def run(args, *flags):
    """The program run to its end: (exit code, stdout, stderr)."""
    done = subprocess.run([*args.server, *flags], capture_output=True, text=True, timeout=10)
    return done.returncode, done.stdout, done.stderr


# --------------------------------------------------------------------------- flags

def version(args):
    for flag in ("-v", "--version", "-version", "version"):
        code, out, err = run(args, flag)
        expect(code == 0 and err == "", f"{flag}: exit {code}, stderr {err!r}")
        expect(re.fullmatch(r"nats-server: v\d+\.\d+\.\d+\S*\n(martlet-server: .+\n)?", out), f"{flag}: {out!r}")
    return out.splitlines()[0]


def usage(args):
    for flag in ("-h", "--help", "help"):
        code, out, err = run(args, flag)
        expect(code == 0 and err == "", f"{flag}: exit {code}, stderr {err!r}")
        expect(out.lstrip().startswith("Usage: "), f"{flag}: {out[:80]!r}")


def usage_has_all_of_the_references(args):
    """Same groups, same flags, same words; only what is not there yet says so."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "usage.txt"),
              encoding="utf-8") as file:
        wanted = [line for line in file.read().splitlines() if line.strip()]
    out = run(args, "-h")[1]
    ours = iter(line.replace(" (not supported yet)", "") for line in out.splitlines())
    for line in wanted:
        expect(any(line == mine for mine in ours), f"no {line!r} at its place")
    return f"{len(wanted)} lines"


def unknown_flag(args):
    code, out, err = run(args, "--no_such_flag")
    expect(code == 0, f"exit {code}")
    expect(err.startswith("flag provided but not defined: -no_such_flag\n"), f"{err!r}")
    expect("Usage: " in out, "no usage on stdout")


def bad_value(args):
    code, out, err = run(args, "-p", "x")
    expect(code == 0, f"exit {code}")
    expect(err.startswith('invalid value "x" for flag -p: parse error\n'), f"{err!r}")
    expect("Usage: " in out, "no usage on stdout")


def unknown_word(args):
    code, out, err = run(args, "foo")
    expect(code == 1, f"exit {code}")
    expect((out, err) == ("", 'nats-server: unrecognized command: "foo"\n'), f"{out!r} {err!r}")


def missing_config(args):
    code, _, err = run(args, "-c", "/no/such/file.conf")
    expect(code == 1, f"exit {code}")
    expect(err.startswith("nats-server: ") and "/no/such/file.conf" in err, f"{err!r}")


# --------------------------------------------------------------------------- files

def pid_file(args):
    with harness.Server(args.server) as idle:
        path = os.path.join(idle.dir, "pid")
        with harness.Server(args.server, ["-P", path]) as server:
            with open(path) as file:
                text = file.read()
            expect(text == str(server.pid), f"{text!r} instead of {server.pid}")
            mode = os.stat(path).st_mode & 0o777
            expect(mode == 0o600, f"mode {mode:o}")
        expect(os.path.exists(path), "removed at exit; the reference leaves it")


def ports_file(args):
    server = harness.Server(args.server)
    name = f"{os.path.basename(args.server[0])}_{server.pid}.ports"
    path = os.path.join(server.dir, name)
    deadline = time.monotonic() + 2
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        expect(os.path.exists(path), f"no {name} but {os.listdir(server.dir)}")
        with open(path) as file:
            text = file.read()
        expect(text == json.dumps({"nats": [f"nats://127.0.0.1:{server.port}"]}).replace(" ", ""),
               f"{text!r}")
        server.signal(signal.SIGTERM)
        expect(server.wait(5) == 0, "no exit 0")
        expect(not os.path.exists(path), "still there after a clean exit")
    finally:
        server.stop()


# --------------------------------------------------------------------------- log

def expect_lines(log, patterns):
    """Each pattern fully matches a line, in this order; other lines may stand between."""
    lines = iter(log.splitlines())
    for pattern in patterns:
        whole = re.compile(STAMP + pattern)
        if not any(whole.fullmatch(line) for line in lines):
            raise AssertionError(f"no line {pattern!r} at its place in:\n{log}")


def start_and_stop_lines(args):
    for flags, dbg in (([], False), (["-D"], True)):
        with harness.Server(args.server, flags) as server:
            server.signal(signal.SIGTERM)
            expect(server.wait(5) == 0, "no exit 0")
            log = server.log()
            for line in log.splitlines():
                expect(re.match(STAMP + r"\[(INF|DBG)\] ", line), f"odd line {line!r}")
                expect(line.startswith(f"[{server.pid}] "), f"pid in {line!r}")
            expect_lines(log, [
                r"\[INF\] Starting nats-server",
                r"\[INF\]   Version:  \d+\.\d+\.\d+\S*",
                r"\[INF\]   Git:      \[.+\]",
                *([r"\[DBG\]   Go build: .+"] if dbg else []),
                rf"\[INF\]   Name:     {KEY}",
                rf"\[INF\]   ID:       {KEY}",
                r"\[INF\] Listening for client connections on 127\.0\.0\.1:" + str(server.port),
                r"\[INF\] Server is ready",
                r'\[INF\] Trapped "terminated" signal',
                r"\[INF\] Initiating Shutdown\.\.\.",
                *([r"\[DBG\] Client accept loop exiting\.\."] if dbg else []),
                r"\[INF\] Server Exiting\.\."])
            expect(("[DBG]" in log) == dbg, "debug lines only with -D")


SESSION = (b'CONNECT {"verbose":false,"pedantic":false,"user":"u","pass":"secret","lang":"go",'
           b'"version":"1.2","name":"me"}\r\nPING\r\nSUB foo 1\r\nPUB foo 5\r\nhello\r\n'
           b"PUB foo bar 0\r\n\r\nUNSUB 1\r\nPING\r\n")


def trace_lines(args):
    """-DV of one session, every line in order."""
    with harness.Server(args.server, ["-DV"]) as server:
        with Client(server.port, greet=False) as client:
            client.read_info()
            client.send(SESSION)
            client.until(b"PONG\r\n")
            client.until(b"PONG\r\n")
        harness_deadline = time.monotonic() + 2
        while "Client connection closed" not in server.log():
            expect(time.monotonic() < harness_deadline, "no line about the close")
            time.sleep(0.01)
        log = server.log()
    bare = r"127\.0\.0\.1:\d+ - cid:\d+ - "
    # Credentials show up even where none are asked for.
    named = bare + r'"v1\.2:go:me" - "\$G/user:u" - '
    traced = (r"<<- \[PING\]", r"->> \[PONG\]", r"<<- \[SUB foo 1\]", r"<<- \[PUB foo 5\]",
              r'<<- MSG_PAYLOAD: \["hello"\]', r"->> \[MSG foo 1 5\]",
              r'->> MSG_PAYLOAD: \["hello"\]', r"<<- \[PUB foo bar 0\]", r"->> \[MSG foo 1 bar 0\]",
              r"<<- \[UNSUB 1\]", r"<-> \[DELSUB 1\]", r"<<- \[PING\]", r"->> \[PONG\]")
    expect_lines(log, [
        r"\[DBG\] " + bare + "Client connection created",
        r"\[TRC\] " + bare + r"<<- \[CONNECT \{.*\}\]",
        *[r"\[TRC\] " + named + line for line in traced],
        r"\[DBG\] " + named + "Client connection closed: Client Closed"])
    expect("secret" not in log, "the password is in the log")
    count = log.count("[TRC]")
    expect(count == len(traced) + 1, f"{count} trace lines instead of {len(traced) + 1}:\n{log}")


def log_file(args):
    """-l appends, -T=false drops the time, SIGUSR1 opens the file again."""
    with harness.Server(args.server) as idle:
        path = os.path.join(idle.dir, "log")
        with open(path, "w") as file:
            file.write("before\n")
        server = harness.Server(args.server, ["-l", path, "-T=false"], wait=False)
        try:
            wait_for(lambda: "Server is ready" in read(path), "no log in the file")
            expect(read(path).startswith(f"before\n[{server.pid}] [INF] Starting nats-server\n"),
                   read(path)[:200])
            os.rename(path, path + ".1")
            server.signal(signal.SIGUSR1)
            wait_for(lambda: os.path.exists(path) and "File log re-opened" in read(path),
                     "not opened again")
            server.signal(signal.SIGTERM)
            expect(server.wait(5) == 0, "no exit 0")
            expect("Server Exiting.." in read(path), "the end is not in the new file")
        finally:
            server.stop()


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""


# --------------------------------------------------------------------------- the end

class Load:
    """A publisher and readers at full speed until the server goes."""

    def __init__(self, port, readers=4):
        self.clients = [Client(port) for _ in range(readers + 1)]
        for client in self.clients[1:]:
            client.send(b"SUB load 1\r\n")
            client.ping()
        self.threads = [threading.Thread(target=self._publish, daemon=True)]
        for client in self.clients[1:]:
            self.threads.append(threading.Thread(target=self._drain, args=(client,), daemon=True))
        for thread in self.threads:
            thread.start()

    def _publish(self):
        try:
            while True:
                self.clients[0].send(b"PUB load 16\r\n0123456789abcdef\r\n" * 500)
        except OSError:
            pass

    @staticmethod
    def _drain(client):
        try:
            while client.sock.recv(1 << 16):
                pass
        except OSError:
            pass

    def join(self):
        for thread in self.threads:
            thread.join(5)
        for client in self.clients:
            client.close()


def stop_under_load(args, number):
    with harness.Server(args.server) as server:
        idle = [Client(server.port) for _ in range(20)]
        load = Load(server.port)
        time.sleep(0.5)
        begin = time.monotonic()
        server.signal(number)
        code = server.wait(EXIT_SECONDS_MAX + 3)
        seconds = time.monotonic() - begin
        expect(code == 0, f"exit code {code}")
        expect(seconds < EXIT_SECONDS_MAX, f"took {seconds:.2f} s")
        for client in idle:
            data, closed = client.rest(1)
            expect(closed and b"-ERR" not in data, f"{data!r}")
        # The same port can be had at once, although connections of it are still in TIME-WAIT.
        with harness.Server(args.server, port=server.port) as again:
            with Client(again.port) as client:
                client.ping()
        load.join()
        for client in idle:
            client.close()
    return f"{seconds * 1e3:.0f} ms"


def flush_at_the_end(args):
    """What was acknowledged with PONG before the signal reaches a reader that is slow."""
    with harness.Server(args.server) as server:
        reader = Client(server.port)
        reader.send(b"SUB last 1\r\n")
        reader.ping()
        count = 1000  # 10 MB: more than the kernel holds for a reader that sleeps
        payload = b"x" * 10000
        with Client(server.port) as publisher:
            for i in range(count):
                body = b"%05d" % i + payload[5:]
                publisher.send(b"PUB last 10000\r\n" + body + b"\r\n")
            publisher.ping()
            server.signal(signal.SIGTERM)
            time.sleep(0.1)
            data = bytearray()
            try:
                while True:
                    piece = reader.sock.recv(65536)
                    if not piece:
                        break
                    data += piece
                    time.sleep(0.002)
            except OSError:
                pass
        reader.close()
        expect(server.wait(5) == 0, "no exit 0")
        got = data.count(b"MSG last 1 10000\r\n")
        expect(got == count, f"{got} of {count} messages")
    return f"{count} messages, {len(data) / 1e6:.1f} MB"


def port_in_use(args):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = harness.Server(args.server, port=port, wait=False)
        try:
            code = server.wait(5)
            log = server.log()
            expect(code == 1, f"exit code {code}")
            pattern = (r"\[FTL\] Error listening on port: 127\.0\.0\.1:%d, \"listen tcp "
                       r"127\.0\.0\.1:%d: bind: address already in use\"" % (port, port))
            expect_lines(log, [r"\[INF\] Starting nats-server", pattern])
            expect("Server is ready" not in log, "claims to be ready")
        finally:
            server.stop()


def lame_duck(args):
    with harness.Server(args.server) as server:
        with Client(server.port) as client, Client(server.port, greet=False) as old:
            old.read_info()
            old.send(CONNECT.replace(b'"protocol":1', b'"protocol":0'))
            old.ping()
            client.ping()
            client.buffer = b""
            server.signal(signal.SIGUSR2)
            line = client.line(3)
            info = json.loads(line[5:])
            expect(line.startswith(b"INFO ") and info.get("ldm") is True, f"{line!r}")
            expect("connect_urls" not in info, f"{info.get('connect_urls')}")
            # Still fully served, the old protocol without an INFO; new ones are refused.
            client.send(b"SUB a 1\r\nPUB a 2\r\nhi\r\n")
            expect(client.until(b"hi\r\n") == b"MSG a 1 2\r\nhi\r\n", "not served any more")
            old.send(b"PING\r\n")
            expect(old.until(b"PONG\r\n") == b"PONG\r\n", "an INFO to a protocol 0 client")
            try:
                Client(server.port).close()
                raise AssertionError("a new connection is accepted")
            except (ConnectionError, EOFError):
                pass
            # SIGTERM is ignored by now, SIGINT is not.
            server.signal(signal.SIGTERM)
            expect(server.wait(0.5) is None, "SIGTERM ended the lame duck")
            server.signal(signal.SIGINT)
            expect(server.wait(EXIT_SECONDS_MAX) == 0, "SIGINT did not end it with 0")
            expect_lines(server.log(), [
                r'\[INF\] Trapped "user defined signal 2" signal',
                r"\[INF\] Entering lame duck mode, stop accepting new clients",
                r'\[INF\] Trapped "interrupt" signal',
                r"\[INF\] Initiating Shutdown\.\.\.",
                r"\[INF\] Server Exiting\.\."])


def lame_duck_alone(args):
    with harness.Server(args.server) as server:
        server.signal(signal.SIGUSR2)
        expect(server.wait(EXIT_SECONDS_MAX) == 0, "does not end at once without clients")


def publish_and_close(args):
    """What a publisher sends right before it closes arrives, flushed or not, on any shard."""
    count = 50_000
    wanted = count * len(b"MSG burst 1 2\r\nxx\r\n")
    with harness.Server(args.server) as server:
        for _ in range(4):
            with Client(server.port) as reader:
                reader.send(b"SUB burst 1\r\n")
                reader.ping()
                publisher = Client(server.port)
                burst = threading.Thread(
                    target=lambda: (publisher.sock.sendall(b"PUB burst 2\r\nxx\r\n" * count),
                                    publisher.close()))
                burst.start()
                got = 0
                reader.sock.settimeout(10)
                while got < wanted:
                    piece = reader.sock.recv(1 << 20)
                    expect(piece, f"closed after {got} of {wanted} bytes")
                    got += len(piece)
                burst.join()
                # A slow run is long enough for a PING or two among them.
                expect(got - wanted <= 2 * len(b"PING\r\n"), f"{got} of {wanted} bytes")


def reload_without_file(args):
    with harness.Server(args.server) as server:
        server.signal(signal.SIGHUP)
        wait_for(lambda: "Failed to reload server configuration: can only reload config when a "
                 "file is provided using -c or --config" in server.log(), "no error logged")
        with Client(server.port) as client:
            client.ping()


def main():
    args = harness.arguments(__doc__.splitlines()[0])
    tally = harness.Tally(args.only)
    for case in (version, usage, usage_has_all_of_the_references, unknown_flag, bad_value, unknown_word, missing_config, pid_file,
                 ports_file, start_and_stop_lines, trace_lines, log_file):
        tally.run(case.__name__.replace("_", " "), case, args)
    tally.run("SIGTERM under load", stop_under_load, args, signal.SIGTERM)
    tally.run("SIGINT under load", stop_under_load, args, signal.SIGINT)
    for case in (flush_at_the_end, publish_and_close, port_in_use, lame_duck, lame_duck_alone,
                 reload_without_file):
        tally.run(case.__name__.replace("_", " "), case, args)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
