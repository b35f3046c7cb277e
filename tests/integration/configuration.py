#!/usr/bin/env python3
"""The configuration file in a running server: what it sets, reloads, signals, the service manager.

  configuration.py --server build/martlet-server [--martlet build/martlet]
"""
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import harness
from harness import Client, expect

SANITIZED = any(name.endswith("SAN_OPTIONS") for name in os.environ)
RELOADS = 1000
EDITS = 100 if SANITIZED else 1000  # each starts a process, and those take their time there
SECONDS_MAX = 1.0  # for an error of any file, however large
HOSTILE_BYTES_MAX = 400 << 20  # of memory, for the same


class Configured:
    """A server with a configuration file that the test may write anew."""

    def __init__(self, args, text, extra=(), env=None):
        self.directory = tempfile.mkdtemp(prefix="martlet-test-")
        self.path = os.path.join(self.directory, "server.conf")
        self.write(text)
        self.server = harness.Server(args.server, ["-c", self.path, *extra], env=env)

    def write(self, text):
        """All of it at once, as an editor does."""
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.path + ".new", self.path)

    def reload(self, text=None, wanted="Reloaded server configuration"):
        """Returns the new lines of the log, once `wanted` is among them."""
        # A reload that was asked for before may be the one that reads it.
        before = len(self.server.log())
        if text is not None:
            self.write(text)
        self.server.signal(signal.SIGHUP)
        return self.wait_for(wanted, before)

    def wait_for(self, wanted, before=0, seconds=5):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            lines = self.server.log()[before:]
            if wanted in lines:
                return lines
            time.sleep(0.002)
        raise AssertionError(f"no {wanted!r} in {self.server.log()[before:]!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.stop()
        for name in os.listdir(self.directory):
            os.unlink(os.path.join(self.directory, name))
        os.rmdir(self.directory)


def run(args, *flags, **more):
    done = subprocess.run([*args.server, *flags], capture_output=True, timeout=30, check=False,
                          **more)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def refused(args, text, *flags):
    """What a server with this file says instead of starting."""
    code, out, err = run(args, "-c", harness.write_config(text), *flags)
    expect(code == 1 and out == "", f"exit {code}, stdout {out!r}")
    return err


# --------------------------------------------------------------------------- what it sets

def values(args):
    text = "max_payload: 100\nmax_control_line: 64\nserver_name: abc\nmax_subscriptions: 1\n"
    with Configured(args, text) as running:
        with Client(running.server.port) as client:
            expect(client.info["max_payload"] == 100, client.info)
            expect(client.info["server_name"] == "abc", client.info)
            client.send(b"SUB a 1\r\nSUB b 2\r\n")
            expect(b"maximum subscriptions exceeded" in client.rest()[0], "no limit")
        with Client(running.server.port) as client:
            client.send(b"PUB a 101\r\n")
            expect(b"Maximum Payload Violation" in client.rest()[0], "no limit")


def flags_beat_the_file(args):
    with Configured(args, "server_name: file\ndebug: true\nport: 1\n",
                    ["-n", "flag", "-D=false"]) as running:
        with Client(running.server.port) as client:
            expect(client.info["server_name"] == "flag", client.info)
        expect("[DBG]" not in running.server.log(), "-D=false lost")
        lines = running.reload("server_name: other\ndebug: true\nport: 1\nmax_payload: 5000\n")
        expect("max_payload = 5000" in lines, lines)
        expect("debug" not in lines, lines)


def errors_end_it(args):
    err = refused(args, "prot: 1\nmax_payload: 3GB\n")
    expect(": unknown field \"prot\"\n" in err and "value is too big" in err, err)
    expect(err.startswith("nats-server: "), err)
    expect("did you mean \"port\"?" in err, err)
    code, _, err = run(args, "-c", "/no/such/file.conf")
    expect((code, err) == (1, "nats-server: open /no/such/file.conf: no such file or directory\n"),
           f"{code} {err!r}")
    err = refused(args, "max_payload: 8MB\nmax_pending: 1MB\n")
    expect("max_payload (8388608) cannot be higher than max_pending (1048576)" in err, err)


def warnings_do_not(args):
    with Configured(args, "ping_interval: 5\n") as running:
        expect("should be converted to a duration" in running.server.log(), running.server.log())


def nothing_less_than_asked_for(args):
    for text, feature in (("authorization { user: a, pass: b }\n", "authentication"),
                          ("jetstream: true\n", "JetStream"), ("mqtt { port: 1 }\n", "MQTT"),
                          ("accounts { A {} }\n", "accounts"),
                          ("leafnodes { port: 7422 }\n", "leaf nodes")):
        err = refused(args, text)
        expect(feature in err and "not supported yet" in err and err.count("\n") == 1, err)


# --------------------------------------------------------------------------- reload

def reload_applies(args):
    with Configured(args, "max_payload: 4096\n") as running, Client(running.server.port) as client:
        lines = running.reload("max_payload: 1024\ndebug: true\nping_max: 5\n")
        for line in ("Reloaded: debug = true", "Reloaded: ping_max = 5",
                     "Reloaded: max_payload = 1024", "Reloaded: authorization users",
                     "Reloaded: accounts", "Reloaded server configuration (sha256:"):
            expect(line in lines, f"no {line!r} in {lines}")
        with Client(running.server.port) as late:
            expect(late.info["max_payload"] == 1024, late.info)
        client.send(b"PUB foo 2000\r\n")
        expect(b"Maximum Payload Violation" in client.rest()[0], "old clients keep the old limit")


def reload_refuses(args):
    with Configured(args, "max_payload: 4096\n") as running, Client(running.server.port) as client:
        failed = "Failed to reload server configuration: "
        lines = running.reload("max_payload: 1024\nnonsense: 1\n", failed)
        expect('unknown field "nonsense"' in lines, lines)
        lines = running.reload("max_payload: 1024\nport: 1\nserver_name: b\n", failed)
        expect("config reload not supported for ServerName: old=, new=b" in lines, lines)
        lines = running.reload("max_payload: 1024\njetstream: true\n", failed)
        expect("JetStream" in lines, lines)
        os.unlink(running.path)
        lines = running.reload(None, failed)
        expect("no such file or directory" in lines, lines)
        client.send(b"PUB foo 2000\r\n" + b"x" * 2000 + b"\r\n")
        client.ping()
    with harness.Server(args.server) as server:
        server.signal(signal.SIGHUP)
        time.sleep(0.2)
        expect("can only reload config when a file is provided using -c or --config"
               in server.log(), server.log())


def reload_closes_surplus(args):
    with Configured(args, "max_connections: 10\n") as running:
        clients = [Client(running.server.port) for _ in range(8)]
        lines = running.reload("max_connections: 3\n")
        expect("Closed 5 connections to fall within max_connections" in lines, lines)
        time.sleep(0.3)
        answers = [client.rest(0.2) for client in clients]
        closed = [data for data, end in answers if end]
        expect(len(closed) == 5, f"{len(closed)} closed")
        expect(all(b"maximum connections exceeded" in data for data in closed), closed)


def reload_moves_the_log(args):
    with Configured(args, "max_payload: 4096\n") as running:
        path = os.path.join(running.directory, "moved.log")
        running.write(f'max_payload: 4096\nlog_file: "{path}"\ndebug: true\n')
        running.server.signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        text = ""
        while "Reloaded server configuration" not in text and time.monotonic() < deadline:
            time.sleep(0.01)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    text = file.read()
        for line in (f"Reloaded: log_file = {path}", "Reloaded: debug = true",
                     "Reloaded server configuration"):
            expect(line in text, f"no {line!r} in {text!r}")
        before = os.path.getsize(path)
        running.write('max_payload: 5000\nlog_file: "/no/such/directory/x.log"\n')
        running.server.signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while os.path.getsize(path) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        with open(path, encoding="utf-8") as file:
            text = file.read()[before:]
        expect("Failed to reload server configuration: " in text, text)
        with Client(running.server.port) as client:
            expect(client.info["max_payload"] == 4096, "half of it was done")


def flow(port, subject, counts, stop):
    """One to one as fast as windows of 100 allow; every message is checked."""
    with Client(port) as subscriber, Client(port) as publisher:
        subscriber.send(b"SUB %b 1\r\n" % subject)
        subscriber.ping()
        number = 0
        while not stop.is_set():
            batch = range(number, number + 100)
            publisher.send(b"".join(b"PUB %b 8\r\n%08d\r\n" % (subject, i) for i in batch))
            for i in batch:
                head = subscriber.line()
                while head == b"PING":
                    subscriber.send(b"PONG\r\n")
                    head = subscriber.line()
                body = subscriber.line()
                if head != b"MSG %b 1 8" % subject or body != b"%08d" % i:
                    counts["wrong"] = (i, head, body)
                    return
            number += 100
        counts["messages"] += number


def reload_storm(args):
    texts = ["max_payload: 4096\nping_max: 5\n", "max_payload: 8192\ndebug: false\nping_max: 6\n"]
    with Configured(args, texts[0]) as running:
        server = running.server
        fds = server.fds()
        stop, counts = threading.Event(), {"messages": 0, "wrong": None}
        threads = [threading.Thread(target=flow, args=(server.port, subject, counts, stop))
                   for subject in (b"flow.a", b"flow.b")]
        for thread in threads:
            thread.start()
        for i in range(50):
            running.reload(texts[i % 2])
        before = server.rss()
        begin = time.monotonic()
        sent = 0
        while sent < RELOADS:
            running.write(texts[sent % 2])
            server.signal(signal.SIGHUP)
            sent += 1
            time.sleep(max(0, begin + sent / RELOADS - time.monotonic()))
        seconds = time.monotonic() - begin
        # Several signals at once are one: the last file must be in force all the same.
        running.reload("max_payload: 1234\n", "Reloaded: max_payload = 1234")
        stop.set()
        for thread in threads:
            thread.join()
        expect(counts["wrong"] is None, f"lost or changed: {counts['wrong']}")
        grown = server.rss() - before
        if not SANITIZED:
            expect(grown < 2 << 20, f"memory grew by {grown >> 10} KiB")
        deadline = time.monotonic() + 2  # the clients' are closed when it notices their end
        while server.fds() > fds and time.monotonic() < deadline:
            time.sleep(0.01)
        expect(server.fds() <= fds, f"descriptors: {fds}, then {server.fds()}")
        done = server.log().count("Reloaded server configuration")
        expect(done > 100, f"only {done} reloads")
        return (f"{sent} requests in {seconds:.1f} s, {done} reloads, {counts['messages']} messages, "
                f"{grown >> 10:+} KiB")


def edited_in_place(args):
    """As an operator's script does it: the file is edited, then -sl reload=PID, over and over."""
    with Configured(args, "max_payload: 5000\n") as running:
        server = running.server
        stop, counts = threading.Event(), {"messages": 0, "wrong": None}
        thread = threading.Thread(target=flow, args=(server.port, b"flow", counts, stop))
        thread.start()
        begin = time.monotonic()
        for i in range(EDITS):
            with open(running.path, "w", encoding="utf-8") as file:
                file.write(f"max_payload: {5001 + i}\n")
            code, out, err = run(args, "-sl", f"reload={server.pid}")
            expect((code, out, err) == (0, "", ""), f"{code} {out!r} {err!r}")
        running.wait_for(f"Reloaded: max_payload = {5000 + EDITS}")
        seconds = time.monotonic() - begin
        stop.set()
        thread.join()
        expect(counts["wrong"] is None, f"lost or changed: {counts['wrong']}")
        expect("[ERR]" not in server.log(), "an error in the log")
        return f"{EDITS} in {seconds:.1f} s, {counts['messages']} messages"


# --------------------------------------------------------------------------- -sl

def signal_command(args):
    with Configured(args, "max_payload: 4096\n") as running:
        server = running.server
        pid_file = os.path.join(running.directory, "pid")
        with open(pid_file, "w", encoding="utf-8") as file:
            file.write(str(server.pid))
        for target in (str(server.pid), pid_file):
            before = len(server.log())
            code, out, err = run(args, "-sl", "reload=" + target)
            expect((code, out, err) == (0, "", ""), f"{code} {out!r} {err!r}")
            running.wait_for("Reloaded server configuration", before)
        before = len(server.log())
        run(args, "--signal", f"reopen={server.pid}")
        running.wait_for('Trapped "user defined signal 1" signal', before)
        for flag, wanted in (("foo", None), (f"foo={server.pid}", 'unknown signal "foo"'),
                             ("reload=abc", "invalid pid: abc"),
                             ("reload=1=2", "invalid signal parameters: [2]"),
                             ("reload=99999999", 'signal "reload" 99999999: no such process')):
            code, out, err = run(args, "-sl", flag)
            expect(code == 1 and out == "", f"{flag}: {code} {out!r}")
            expect(wanted is None or wanted in err, f"{flag}: {err!r}")
        code, _, err = run(args, "-sl", f"quit={server.pid}")
        expect(code == 0, err)
        expect(server.wait(5) == 0, "did not quit")


# --------------------------------------------------------------------------- service manager

def notifies(args):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(5)
            env = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}

            def until(wanted):
                deadline = time.monotonic() + 5
                while time.monotonic() < deadline:
                    state = manager.recv(4096).decode()
                    if state.startswith(wanted):
                        return state
                raise AssertionError(f"no {wanted}")

            with Configured(args, "max_payload: 4096\n", env=env) as running:
                until("READY=1\nSTATUS=")
                for _ in range(3):
                    until("WATCHDOG=1")
                running.server.signal(signal.SIGHUP)
                expect("\nMONOTONIC_USEC=" in until("RELOADING=1"), "no time")
                until("READY=1")
                running.server.signal(signal.SIGTERM)
                until("STOPPING=1")
            with harness.Server(args.server, env={"NOTIFY_SOCKET": "/no/such/socket"}) as server:
                with Client(server.port) as client:
                    client.ping()


def watchdog_hears_of_a_stuck_shard(args):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(path)
            manager.settimeout(0.2)
            env = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000"}
            with harness.Server(args.server, env=env) as server:
                time.sleep(0.3)
                server.signal(signal.SIGSTOP)
                time.sleep(0.1)
                try:
                    while True:
                        manager.recv(4096)
                except TimeoutError:
                    pass
                server.signal(signal.SIGCONT)
                expect(manager.recv(4096) == b"WATCHDOG=1", "no pulse after it")


# --------------------------------------------------------------------------- the companion

def diff_with_running(args):
    if args.martlet is None:
        raise harness.Skip("no martlet command")

    def martlet(*words):
        done = subprocess.run([args.martlet, "config", *words], capture_output=True, text=True,
                              timeout=10, check=False)
        return done.returncode, done.stdout + done.stderr

    with Configured(args, "max_payload: 4096\n") as running:
        pid = str(running.server.pid)
        expect(martlet("diff", "--running", pid) == (0, "no change\n"), martlet("diff", "--running", pid))
        running.write("max_payload: 1024\n")
        code, out = martlet("diff", "--running", pid)
        expect(code == 1 and 'now      max_payload: "4096" -> "1024"' in out, out)
        expect("a reload does all of it" in out, out)
        running.reload()
        expect(martlet("diff", "--running", pid)[1] == "no change\n", "after the reload")
        running.write("max_payload: 1024\nmax_pending: 8MB\n")
        code, out = martlet("diff", "--running", pid)
        expect("restart  max_pending" in out and "config reload not supported" in out, out)
        code, out = martlet("explain", running.path)
        expect(code == 0 and f'max_payload = "1024"  # {running.path}:1:0' in out, out)
        running.write("max_connections: 100\n")
        code, out = martlet("check", running.path)
        expect(code == 0 and "can be used (sha256:" in out, out)
        running.write("max_connections: 100000000\n")
        code, out = martlet("check", running.path)
        expect(code == 1 and "file descriptors" in out, out)
        running.write(f"port: {running.server.port}\nhost: 127.0.0.1\nmax_connections: 100\n")
        code, out = martlet("check", running.path)
        expect(code == 1 and "address already in use" in out, out)
        running.write("prot: 1\n")
        code, out = martlet("check", running.path)
        expect(code == 1 and "did you mean" in out, out)
    code, out = martlet("diff", "--running", str(os.getpid()))
    expect(code == 1 and "is no martlet-server" in out, out)


# --------------------------------------------------------------------------- hostile files

def hostile(args):
    """Each is refused with a message, soon, in little memory."""
    with tempfile.TemporaryDirectory() as directory:
        def file(name, data):
            path = os.path.join(directory, name)
            with open(path, "wb") as out:
                out.write(data)
            return path

        fifo = os.path.join(directory, "fifo.conf")
        os.mkfifo(fifo)
        growing = b"x0: [ 1, 1 ]\n" + b"".join(
            b"x%d: [ $x%d, $x%d ]\n" % (i, i - 1, i - 1) for i in range(1, 100))
        files = [
            file("loop.conf", b"include loop.conf\n"),
            file("twice.conf", b"include other.conf\n"),
            file("self.conf", b"a: $a\n"),
            file("environment.conf", b"a: $LOOP_A\n"),
            file("deep.conf", b"a: " + b"[" * 1_000_000),
            file("deep_map.conf", b"a {" * 1_000_000),
            file("growing.conf", growing),
            file("large.conf", b"a: \"" + b"x" * 100_000_000 + b"\"\n"),
            file("large_map.conf", b"".join(b"k%d: 1\n" % i for i in range(6_000_000))),
            file("nul.conf", b"port: 1\n\0\n"),
            file("binary.conf", bytes(range(256)) * 100),
            directory,
            fifo,
            "/dev/zero",
            os.path.join(directory, "nope.conf"),
        ]
        file("other.conf", b"include twice.conf\n")

        def limit_memory():
            if not SANITIZED:
                resource.setrlimit(resource.RLIMIT_AS, (HOSTILE_BYTES_MAX, HOSTILE_BYTES_MAX))

        worst = 0
        env = {**os.environ, "LOOP_A": "$LOOP_B", "LOOP_B": "$LOOP_A"}
        for path in files:
            begin = time.monotonic()
            code, _, err = run(args, "-t", "-c", path, preexec_fn=limit_memory, env=env)
            seconds = time.monotonic() - begin
            worst = max(worst, seconds)
            expect(code == 1 and err.startswith("nats-server: "), f"{path}: {code} {err[:200]!r}")
            expect(len(err) < 10_000, f"{path}: {len(err)} bytes of message")
            expect(SANITIZED or seconds < SECONDS_MAX, f"{path}: {seconds:.2f} s")
        return f"{len(files)} files, {worst:.2f} s at most"


def main():
    args = harness.arguments(__doc__.splitlines()[0],
                             lambda parser: parser.add_argument("--martlet"))
    tally = harness.Tally(args.only)
    for case in (values, flags_beat_the_file, errors_end_it, warnings_do_not,
                 nothing_less_than_asked_for, reload_applies, reload_refuses,
                 reload_closes_surplus, reload_moves_the_log, reload_storm, edited_in_place, signal_command, notifies,
                 watchdog_hears_of_a_stuck_shard, diff_with_running, hostile):
        tally.run(case.__name__, case, args)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
