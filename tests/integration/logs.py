#!/usr/bin/env python3
"""Where the log goes and what that costs: files, syslog, JSON, disks and daemons that do not keep up.

  logs.py --server "build/martlet-server"
"""
import contextlib
import glob
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import harness
from harness import Client, expect, wait_for

# A round trip while nothing takes the log. Far above what one takes on a busy machine, far below any
# wait for a destination.
ROUND_TRIP_SECONDS_MAX = 1.0
EXIT_SECONDS_MAX = 4.0
# Of 4 KiB each, traced twice: well beyond what the log may hold, 16 MiB.
TRACED_MESSAGES_MIN = 6000
TEXT_LINE = re.compile(r"\[\d+\] \d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6} \[(INF|DBG|WRN|ERR|FTL|TRC)\] .*")
STAMP = r"\d{4}(\.\d\d){5}\.\d{9}"


@contextlib.contextmanager
def serving(args, *flags):
    """A server whose log is not on standard error: the ports file tells where it listens."""
    server = harness.Server(args.server, flags, wait=False)
    try:
        def ports():
            expect(server.alive(), f"ended: {server.log()}")
            found = glob.glob(os.path.join(server.dir, "*.ports"))
            return found and read(found[0])
        wait_for(ports, "no ports file")
        server.port = int(json.loads(ports())["nats"][0].rsplit(":", 1)[1])
        yield server
    finally:
        server.stop()


def read(path):
    try:
        with open(path, errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def needs(args, flag):
    usage = subprocess.run([*args.server, "--help"], capture_output=True, text=True, timeout=10)
    if flag not in usage.stdout:
        raise harness.Skip(f"{flag} is not a flag of this server")


def with_command(args, server):
    """The arguments with another command for the server."""
    copy = type(args)(**vars(args))
    copy.server = server
    return copy


def publish(client, first, count):
    for i in range(first, first + count):
        client.send(b"PUB counted 7\r\n%07d\r\n" % i)
    client.ping()


def traced(text):
    """Numbers of the counted messages whose payloads a log shows as they came in."""
    return [int(n) for n in re.findall(r'<<- MSG_PAYLOAD: \["(\d{7})"\]', text)]


# --------------------------------------------------------------------------- files

def rotation(args):
    """Past the limit the file gets a name with the time; no line is lost, torn or out of order."""
    count, limit = 2000, 20_000
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "server.log")
        with serving(args, "-l", path, "-V", "--log_size_limit", str(limit)) as server:
            with Client(server.port) as client:
                publish(client, 0, count)
        names = sorted(os.listdir(directory))
        expect(names[0] == "server.log", f"{names[:3]}")
        backups = [os.path.join(directory, name) for name in names[1:]]
        for backup in backups:
            expect(re.fullmatch(r"server\.log\." + STAMP, os.path.basename(backup)), backup)
            size = os.path.getsize(backup)
            expect(limit < size < limit + 1000, f"{size} bytes in {backup}")
            expect(os.stat(backup).st_mode & 0o777 == 0o640, f"mode of {backup}")
        expect(len(backups) > 5, f"{len(backups)} backups")
        files = [read(backup) for backup in backups] + [read(path)]
        for before, text in zip(backups, files[1:]):
            first = text.split("\n", 1)[0]
            expect(first.endswith(f'[INF] Rotated log, backup saved as "{before}"\r'), first)
        for line in "".join(files).splitlines():
            expect(TEXT_LINE.fullmatch(line), f"odd line {line!r}")
        expect(traced("".join(files)) == list(range(count)), "lines lost or out of order")
    return f"{len(backups)} backups"


def reopen(args):
    """What logrotate does, while clients are traced: every line is in one of the files."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "server.log")
        with serving(args, "-l", path, "-V") as server:
            with Client(server.port) as client:
                for turn in range(5):
                    publish(client, turn * 1000, 500)
                    os.rename(path, f"{path}.{turn}")
                    publish(client, turn * 1000 + 500, 500)
                    server.signal(signal.SIGUSR1)
                    wait_for(lambda: "File log re-opened" in read(path), "not opened again")
        whole = "".join(read(f"{path}.{turn}") for turn in range(5)) + read(path)
        expect(traced(whole) == list(range(5000)), "lines lost or out of order")


def json_lines(args):
    needs(args, "--log_format")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "server.log")
        with serving(args, "-l", path, "-DV", "--log_format", "json",
                     "--log_size_limit", "20000") as server:
            with Client(server.port) as client:
                client.send(b'SUB "quoted" 1\r\nPUB a 4\r\n\x00"\xff<\r\n')
                publish(client, 0, 200)
            pid = server.pid
        text = "".join(read(os.path.join(directory, name)) for name in sorted(os.listdir(directory)))
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            expect(list(line) == ["time", "level", "pid", "msg"], f"{line}")
            expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", line["time"]), f"{line}")
            expect(line["level"] in ("info", "debug", "warn", "error", "fatal", "trace"), f"{line}")
            expect(line["pid"] == pid, f"{line}")
        messages = [line["msg"] for line in lines]
        expect(any(message == "Server is ready" for message in messages), "not ready")
        expect(any('<<- [SUB "quoted" 1]' in message for message in messages), "no SUB")
        expect(any("Rotated log, backup saved as" in message for message in messages), "not rotated")
    return f"{len(lines)} lines"


def max_traced_length(args):
    with harness.Server(args.server, ["-VV", "--max_traced_msg_len", "4"]) as server:
        with Client(server.port) as client:
            client.send(b"PUB a 4\r\n1234\r\nPUB a 5\r\n12345\r\n")
            client.ping()
        wait_for(lambda: '<<- MSG_PAYLOAD: ["1234..."]' in server.log(), server.log)
        expect('<<- MSG_PAYLOAD: ["1234"]' in server.log(), server.log())


def lines_that_take_turns(args):
    """Repeats are told as a number, but only where nothing else stands between."""
    with harness.Server(args.server) as server:
        for times in range(1, 21):
            server.signal(signal.SIGUSR1)  # one that comes while another waits is none
            wait_for(lambda: server.log().count("File log re-open ignored") >= times,
                     lambda: f"signal {times}: {server.log()}")
        server.signal(signal.SIGTERM)
        expect(server.wait(5) == 0, "no exit 0")
        log = server.log()
    expect(log.count("File log re-open ignored, not a file logger") == 20, log)
    expect(log.count('Trapped "user defined signal 1" signal') == 20, log)


# --------------------------------------------------------------------------- syslog

class Daemon:
    """A syslog daemon on a socket of ours: reads, or does not."""

    def __init__(self, family, kind, address, reads=True):
        self.socket = socket.socket(family, kind)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(address)
        self.stream = kind == socket.SOCK_STREAM
        self.reads = threading.Event()
        if reads:
            self.reads.set()
        self.received = []  # (connection, bytes)
        self.peers = []
        self.closed = False
        if self.stream:
            self.socket.listen()
        self.thread = threading.Thread(target=self._accept if self.stream else self._datagrams,
                                       daemon=True)
        self.thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.socket.accept()
                self.peers.append(peer)
                threading.Thread(target=self._stream, args=(peer,), daemon=True).start()

    def _stream(self, peer):
        number = self.peers.index(peer)
        with contextlib.suppress(OSError):
            while True:
                self.reads.wait()
                data = peer.recv(1 << 16)
                if not data:
                    return
                self.received.append((number, data))

    def _datagrams(self):
        with contextlib.suppress(OSError):
            while True:
                self.reads.wait()
                self.received.append((0, self.socket.recv(1 << 16)))

    def text(self):
        """What came, one connection after the other."""
        pieces = sorted(self.received, key=lambda piece: piece[0])
        return b"".join(data for _, data in pieces).decode(errors="replace")

    def got(self, words):
        return words in b"".join(data for _, data in self.received)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes who waits in it
        self.socket.close()
        for peer in self.peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reads.set()
        self.close()


REMOTE = r"<(\d+)>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)) (\S+) (\S+)\[(\d+)\]: (.*)"
LOCAL = r"<(\d+)>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ()(\S+)\[(\d+)\]: (.*)"
TEXT_PRIORITIES = (("Starting nats-server", 5), ("Client connection created", 7),
                   ("<<- [SUB a 1]", 5), ("Client parser ERROR", 3), ("Server Exiting..", 5))


def check_messages(args, server, text, pattern, facility):
    """Every line has the form, and a line of each level its priority."""
    messages = []
    for line in text.splitlines():
        found = re.fullmatch(pattern, line)
        expect(found, f"odd message {line!r}")
        expect(found[5] == str(server.pid), f"pid in {line!r}")
        expect(found[4] == os.path.basename(args.server[0]), f"tag in {line!r}")
        expect(found[3] in ("", socket.gethostname()), f"host in {line!r}")
        messages.append((int(found[1]), found[6]))
    for wanted, priority in TEXT_PRIORITIES:
        priorities = [p for p, message in messages if wanted in message]
        expect(priorities, f"no {wanted!r} among {len(messages)} messages")
        expect(set(priorities) == {facility + priority}, f"{wanted!r}: {priorities}")
    return f"{len(messages)} messages"


def talk_and_end(server):
    """Something to log at each level, and a clean exit."""
    with Client(server.port) as client:
        client.send(b"SUB a 1\r\nPUB a 2\r\nhi\r\n")
        client.ping()
        client.send(b"NONSENSE\r\n")
        client.rest()
    server.signal(signal.SIGTERM)
    expect(server.wait(EXIT_SECONDS_MAX) == 0, "no exit 0")


def remote_syslog(args, scheme):
    kind = socket.SOCK_DGRAM if scheme == "udp" else socket.SOCK_STREAM
    with Daemon(socket.AF_INET, kind, ("127.0.0.1", 0)) as daemon:
        host, port = daemon.socket.getsockname()
        with serving(args, "-DV", "-r", f"{scheme}://{host}:{port}") as server:
            talk_and_end(server)
            wait_for(lambda: daemon.text().endswith("Server Exiting..\n"), daemon.text)
            expect(server.log() == "", f"also on standard error: {server.log()!r}")
            return check_messages(args, server, daemon.text(), REMOTE, 0)


def unix_syslog(args, kind):
    if kind == socket.SOCK_DGRAM:
        needs(args, "--log_format")  # the reference knows streams only
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "socket")
        with Daemon(socket.AF_UNIX, kind, path) as daemon:
            with serving(args, "-DV", "-r", f"unix://{path}") as server:
                talk_and_end(server)
                wait_for(lambda: daemon.text().endswith("Server Exiting..\n"), daemon.text)
                return check_messages(args, server, daemon.text(), LOCAL, 0)


def local_syslog(args):
    """-s, with a daemon at /var/run/log of a mount namespace of the server's own."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        raise harness.Skip("takes root and a mount namespace of its own")
    if os.path.exists("/dev/log") and not os.path.realpath("/dev/log").startswith("/run/"):
        raise harness.Skip("this machine's /dev/log would be written to")
    with tempfile.TemporaryDirectory() as directory:
        with Daemon(socket.AF_UNIX, socket.SOCK_DGRAM, os.path.join(directory, "log")) as daemon:
            script = f'mount --bind {directory} /run && exec "$0" "$@"'
            inside = with_command(args, ["unshare", "-m", "sh", "-c", script, *args.server])
            with serving(inside, "-DV", "-s") as server:
                talk_and_end(server)
                wait_for(lambda: daemon.text().endswith("Server Exiting..\n"), daemon.text)
                return check_messages(args, server, daemon.text(), LOCAL, 24)


def syslog_refused(args):
    """Nobody there at start: it says so and does not start."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        done = subprocess.run([*args.server, "-p", "-1", "-r", f"tcp://127.0.0.1:{port}"],
                              capture_output=True, text=True, timeout=10)
    expect(done.returncode == 1, f"exit {done.returncode}")
    wanted = (f'error connecting to syslog: "dial tcp 127.0.0.1:{port}: connect: connection '
              'refused"\n')
    expect(done.stderr.endswith(wanted), done.stderr)


def syslog_comes_back(args):
    """A daemon that ends and starts again gets what was logged meanwhile."""
    needs(args, "--log_format")  # the reference drops it
    with Daemon(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)) as first:
        address = first.socket.getsockname()
        with serving(args, "-V", "-r", "tcp://%s:%d" % address) as server:
            with Client(server.port) as client:
                publish(client, 0, 100)
                wait_for(lambda: len(traced(first.text())) == 100, first.text)
                first.close()
                publish(client, 100, 1000)
                with Daemon(socket.AF_INET, socket.SOCK_STREAM, address) as second:
                    publish(client, 1100, 100)
                    wait_for(lambda: 1199 in traced(second.text()), "nothing came")
                    expect(traced(second.text()) == list(range(100, 1200)), "lines lost")
                    operations = second.text().count("<<- [PUB counted 7]")
                    expect(operations == 1100, f"{1100 - operations} lines lost")


# --------------------------------------------------------------------------- what does not keep up

def serve_under_trace(server, seconds=1.5):
    """Publishes while everything is traced; all messages must come, and round trips stay short."""
    body, sent, slowest = b"x" * 4096, 0, 0.0
    frame = len(b"MSG load 1 4103\r\n") + 4103 + 2
    with Client(server.port) as reader, Client(server.port) as publisher:
        reader.send(b"SUB load 1\r\n")
        reader.ping()
        got = bytearray()

        def receive():
            with contextlib.suppress(OSError):
                while piece := reader.sock.recv(1 << 20):
                    got.extend(piece)

        def behind(wanted):
            return f"{len(got)} of {wanted} bytes"

        threading.Thread(target=receive, daemon=True).start()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline or sent < TRACED_MESSAGES_MIN:
            for _ in range(50):
                publisher.send(b"PUB load 4103\r\n%07d" % sent + body + b"\r\n")
                sent += 1
            slowest = max(slowest, publisher.ping())
            # Not so far ahead that the reader is a slow consumer, or the shards only take.
            wait_for(lambda: sent * frame - len(got) < 2 << 20, lambda: behind(sent * frame))
        # A slow run is long enough for a PING among them.
        wait_for(lambda: len(got) >= sent * frame, lambda: behind(sent * frame))
        numbers = re.findall(rb"MSG load 1 4103\r\n(\d{7})", bytes(got))
        expect([int(n) for n in numbers] == list(range(sent)), "messages lost or out of order")
    expect(slowest < ROUND_TRIP_SECONDS_MAX, f"a round trip took {slowest:.3f} s")
    return f"{sent} messages, slowest round trip {slowest * 1e3:.1f} ms"


def ends_in_time(server):
    begin = time.monotonic()
    server.signal(signal.SIGTERM)
    expect(server.wait(EXIT_SECONDS_MAX) == 0, f"no exit 0 within {EXIT_SECONDS_MAX} s")
    return f", end {(time.monotonic() - begin) * 1e3:.0f} ms"


def refusing_file(args):
    """Every write to the log file fails."""
    with serving(args, "-DV", "-l", "/dev/full") as server:
        return serve_under_trace(server) + ends_in_time(server)


def full_disk(args):
    """A small disk fills up, serves no less, and says what was dropped when there is room again."""
    needs(args, "--log_format")
    with tempfile.TemporaryDirectory() as directory:
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", directory]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
            raise harness.Skip("takes root and mount")
        try:
            path = os.path.join(directory, "server.log")
            with serving(args, "-DV", "-l", path) as server:
                remark = serve_under_trace(server)
                expect(os.path.getsize(path) >= 900_000, "the disk is not full")
                os.truncate(path, 0)

                def told():
                    with Client(server.port) as client:
                        client.ping()
                    return re.search(r"\[WRN\] \d+ log lines dropped", read(path))
                wait_for(told, lambda: read(path)[-1000:])
                remark += ends_in_time(server)
                for line in read(path).splitlines()[-3:]:
                    expect(TEXT_LINE.fullmatch(line), f"odd line {line!r}")
            return remark
        finally:
            subprocess.run(["umount", directory], check=True)


def hanging_pipe(args):
    """Standard error is a pipe that nobody reads."""
    needs(args, "--log_format")  # the reference waits for it
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "pipe")
        os.mkfifo(path)
        held = os.open(path, os.O_RDWR)
        try:
            script = f'exec "$0" "$@" 2>{path}'
            with serving(with_command(args, ["sh", "-c", script, *args.server]), "-DV") as server:
                return serve_under_trace(server) + ends_in_time(server)
        finally:
            os.close(held)


def hanging_daemon(args, scheme):
    """A syslog daemon stops reading; later it goes on, and learns what it missed."""
    needs(args, "--log_format")  # the reference waits for it
    with tempfile.TemporaryDirectory() as directory:
        if scheme == "tcp":
            daemon = Daemon(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), reads=False)
            url = "tcp://%s:%d" % daemon.socket.getsockname()
        else:
            path = os.path.join(directory, "socket")
            kind = socket.SOCK_STREAM if scheme == "unix stream" else socket.SOCK_DGRAM
            daemon = Daemon(socket.AF_UNIX, kind, path, reads=False)
            url = f"unix://{path}"
        with daemon, serving(args, "-DV", "-r", url) as server:
            remark = serve_under_trace(server)
            daemon.reads.set()

            def told():
                with Client(server.port) as client:
                    client.ping()
                return daemon.got(b" log lines dropped, the log could not be written in time\n")
            wait_for(told, "nothing about what was dropped")
            return remark + ends_in_time(server)


def hanging_daemon_at_the_end(args):
    """It still reads nothing when the server is to end."""
    needs(args, "--log_format")
    with Daemon(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), reads=False) as daemon:
        with serving(args, "-DV", "-r", "tcp://%s:%d" % daemon.socket.getsockname()) as server:
            return serve_under_trace(server, 0.5) + ends_in_time(server)


def main():
    args = harness.arguments(__doc__.splitlines()[0])
    tally = harness.Tally(args.only)
    for case in (rotation, reopen, json_lines, max_traced_length, lines_that_take_turns):
        tally.run(case.__name__.replace("_", " "), case, args)
    for scheme in ("udp", "tcp"):
        tally.run(f"remote syslog {scheme}", remote_syslog, args, scheme)
    tally.run("unix syslog stream", unix_syslog, args, socket.SOCK_STREAM)
    tally.run("unix syslog datagrams", unix_syslog, args, socket.SOCK_DGRAM)
    for case in (local_syslog, syslog_refused, syslog_comes_back, refusing_file, full_disk,
                 hanging_pipe, hanging_daemon_at_the_end):
        tally.run(case.__name__.replace("_", " "), case, args)
    for scheme in ("tcp", "unix stream", "unix datagrams"):
        tally.run(f"hanging daemon {scheme}", hanging_daemon, args, scheme)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
