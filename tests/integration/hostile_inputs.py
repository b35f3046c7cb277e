#!/usr/bin/env python3
"""Feeds a server what no honest client sends; a witness beside it must not notice.

  hostile_inputs.py --server "build/martlet-server"
  hostile_inputs.py --server nats-server --reference

Every case has a server of its own. During a case a witness connection is pinged all the time; its
worst PONG must come within a second. The server must live and its memory must stay within the
case's bound. --reference skips the bounds that the reference server itself exceeds ("ours only").
"""
import re
import resource
import socket
import subprocess
import sys
import threading
import time

import harness
import hostile_stage
from harness import CONNECT, Client, expect, wait_for
from hostile_answers import LIVES, SILENT, TOO_LONG, UNKNOWN, check_answer, run_answers
from hostile_stage import MIB, pour


class Witness(hostile_stage.Witness):
    """Pings all the time, and once more at the end."""

    def __init__(self, port):
        self.client = Client(port)
        super().__init__()

    def exchange(self):
        self.client.ping(timeout=5)

    def close(self):
        if not self.error:
            self.measure()
        self.client.close()


class Stage(hostile_stage.Stage):
    """For each case one server of its own, and one witness."""

    def perform(self, attack, bound, **server_options):
        with harness.Server(self.args.server, **server_options) as server:
            with Client(server.port) as warm:
                warm.ping()
            witness = Witness(server.port)
            time.sleep(0.05)
            return self.attacked(attack, [server], [witness], bound)


def connect_many(server, count, data=b"", greet=False):
    """`count` connections that have read INFO and sent `data`."""
    clients = []
    for _ in range(count):
        client = Client(server.port, greet=False)
        client.read_info()
        if greet:
            client.send(CONNECT)
        if data:
            client.send(data)
        clients.append(client)
    return clients


def close_all(clients):
    for client in clients:
        client.close()


# --------------------------------------------------------------------------- slow and endless

def half_lines(server):
    clients = connect_many(server, 200, b"PUB foo.bar 1")
    time.sleep(0.5)
    for client in clients:
        client.send(b"\r\nx\r\nPING\r\n")
        # Without CONNECT a client is verbose and pedantic.
        expect(client.until(b"PONG\r\n") == b"+OK\r\nPONG\r\n", "wrong answer after the rest")
    close_all(clients)


def one_byte_a_second(server):
    clients = connect_many(server, 200)
    for byte in b"PING\r\n":
        for client in clients:
            client.send(bytes([byte]))
        time.sleep(1.0)
    for client in clients:
        expect(client.until(b"PONG\r\n") == b"PONG\r\n", "no PONG after six seconds")
    close_all(clients)


def endless_control_line(server):
    for verb in (b"SUB ", b"PUB ", b"CONNECT {", b"UNSUB ", b"HPUB "):
        with Client(server.port) as client:
            pour(client, [verb])
            sent = pour(client, [b"a" * 4000] * (8 * MIB // 4000))
            answer, closed = client.rest()
            expect(closed, f"{verb}: still open after {sent} bytes")
            # The answer may be lost to the RST that our own unread bytes cause.
            if answer:
                expect(b"maximum control line exceeded" in answer, f"{verb}: {answer!r}")


def endless_blanks(server):
    """Blanks between verb and arguments are no part of the line's limited text."""
    with Client(server.port) as client:
        client.send(b"PUB")
        sent = pour(client, [b" " * 65536] * (64 * MIB // 65536))
        expect(sent >= 64 * MIB, f"closed after {sent} bytes")
        client.send(b"foo 0\r\n\r\nPING\r\n")
        client.until(b"PONG\r\n", timeout=10)


def endless_ping(server):
    """Everything after PING up to the newline is ignored."""
    with Client(server.port) as client:
        client.send(b"PING ")
        sent = pour(client, [b"x" * 65536] * (64 * MIB // 65536))
        expect(sent >= 64 * MIB, f"closed after {sent} bytes")
        client.send(b"\r\n")
        client.until(b"PONG\r\n", timeout=10)


def payload_announced(server):
    clients = connect_many(server, 200, b"PUB foo 1048576\r\nabc", greet=True)
    time.sleep(1.0)
    close_all(clients)


def payload_almost_complete(server):
    clients = connect_many(server, 200, b"PUB foo 1048576\r\n" + b"x" * (MIB - 1), greet=True)
    time.sleep(0.5)
    close_all(clients)


def many_silent(server):
    clients = connect_many(server, 2000)
    time.sleep(0.3)
    close_all(clients)


# --------------------------------------------------------------------------- slow consumer

def never_reads(server):
    """Cut beyond 64 MiB pending (or 10 s without a byte taken), not before; others get all.

    The publisher waits for the healthy reader: on a busy machine that thread can lag far enough
    behind to be cut with good reason, and that is not what is asked here.
    """
    stuck = Client(server.port)
    stuck.send(b"SUB flood 1\r\n")
    stuck.ping()
    healthy = Client(server.port)
    healthy.send(b"SUB flood 1\r\n")
    healthy.ping()
    payload = 1 << 16
    received = [0]
    frame_bytes = len(b"MSG flood 1 65536\r\n") + payload + 2

    def read_all():
        healthy.sock.settimeout(30)
        while True:
            data = healthy.sock.recv(1 << 20)
            if not data:
                return
            received[0] += len(data)
            if data.endswith(b"END\r\n"):
                return

    reader = threading.Thread(target=read_all, daemon=True)
    reader.start()
    piece = b"PUB flood 65536\r\n" + b"x" * payload + b"\r\n"
    count = 0
    lag = 8 * MIB

    def publish(publisher, pieces):
        for _ in range(pieces):
            publisher.send(piece)
        deadline = time.monotonic() + 30
        sent = (count + pieces) * frame_bytes
        while received[0] < sent - lag:
            expect(reader.is_alive(), f"the healthy one was closed after {received[0]} bytes")
            expect(time.monotonic() < deadline, f"the healthy one stands at {received[0]} bytes")
            time.sleep(0.001)
        return count + pieces

    with Client(server.port, timeout=30) as publisher:
        while count < 56 * MIB // payload:
            count = publish(publisher, 16)
        publisher.ping(timeout=30)
        early = server.log().count("Slow Consumer Detected")
        expect(early == 0, f"cut after {count * payload // MIB} MiB: {server.log()[-300:]}")
        while count < 512 * MIB // payload and "Slow Consumer Detected" not in server.log():
            count = publish(publisher, 16)
            publisher.ping(timeout=30)
        expect("Slow Consumer Detected" in server.log(), "never cut")
        publisher.send(b"PUB flood 5\r\nxxEND\r\n")
        publisher.ping(timeout=30)
    reader.join(30)
    wanted = count * frame_bytes + len(b"MSG flood 1 5\r\nxxEND\r\n")
    # A slow run (a sanitizer's) is long enough for the server to ping it once or twice.
    pings = (received[0] - wanted) / len(b"PING\r\n")
    expect(pings in (0, 1, 2), f"the healthy one got {received[0]} of {wanted} bytes")
    line = re.search(r"Slow Consumer Detected: (.*)", server.log()).group(1)
    _, closed = stuck.rest(timeout=5)
    expect(closed, "the stuck one is still connected")
    stuck.close()
    healthy.close()
    return f"after {count * payload // MIB} MiB: {line}"


# --------------------------------------------------------------------------- connections

def connect_and_reset(server):
    for i in range(500):
        client = Client(server.port, greet=False)
        if i % 3 == 1:
            client.send(CONNECT + b"SUB > 1\r\nPUB foo 5\r\nhel")
        if i % 3 == 2:
            client.read_info()
        client.reset()
    wait_for(lambda: server.fds() < 40, "connections stay open after RST", 3)


def half_close(server):
    """The write side shut: a client that has nothing more to say is gone."""
    for data in (b"", CONNECT + b"SUB foo 1\r\n", b"PUB foo 10\r\nabc", b"PI"):
        with Client(server.port, greet=False) as client:
            client.read_info()
            client.send(data)
            client.sock.shutdown(socket.SHUT_WR)
            _, closed = client.rest(timeout=3)
            expect(closed, f"still open after {data!r} and FIN")


def out_of_descriptors(server):
    clients = []
    for _ in range(200):
        clients.append(socket.create_connection(("127.0.0.1", server.port), timeout=2))
    time.sleep(3.0)
    lines = server.log().count("Temporary Client Accept Error")
    # 10 ms doubling to 1 s: nine lines in three seconds.
    expect(1 <= lines <= 14, f"{lines} accept errors logged in 3 s")
    for sock in clients:
        sock.close()

    def served():
        try:
            with Client(server.port, timeout=0.5):
                return True
        except (OSError, EOFError, TimeoutError):
            return False

    wait_for(served, "no service after the connections closed")
    return f"{lines} log lines"


def serves(server):
    with Client(server.port) as client:
        client.send(b"SUB foo 1\r\nPUB foo 5\r\nhello\r\nPING\r\n")
        expect(client.until(b"PONG\r\n").endswith(b"MSG foo 1 5\r\nhello\r\nPONG\r\n"), "no MSG")


# --------------------------------------------------------------------------- answers

TOO_BIG = b"-ERR 'Maximum Payload Violation'\r\n"

# name, bytes after the handshake (CONNECT verbose:false), the answer before the close or LIVES
ANSWERS = (
    ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", UNKNOWN),
    ("HTTP POST", b"POST / HTTP/1.1\r\n\r\n", UNKNOWN),
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), UNKNOWN),
    ("SSH hello", b"SSH-2.0-OpenSSH_9.2\r\n", UNKNOWN),
    ("MQTT hello", b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", UNKNOWN),
    ("NUL first", b"\x00\x00\x00\r\n", UNKNOWN),
    ("size -1", b"PUB foo -1\r\n", SILENT),
    ("size +1", b"PUB foo +1\r\nx\r\n", SILENT),
    ("size 00", b"PUB foo 00\r\n\r\n", LIVES),
    ("size 0x10", b"PUB foo 0x10\r\n", SILENT),
    ("size 1e3", b"PUB foo 1e3\r\n", SILENT),
    ("size 2^31", b"PUB foo 2147483648\r\n", SILENT),
    ("size 2^31 - 1", b"PUB foo 2147483647\r\n", SILENT),
    ("size 2^32 + 1", b"PUB foo 4294967297\r\n", SILENT),
    ("size 2^63", b"PUB foo 9223372036854775808\r\n", SILENT),
    ("size 2^64 + 1", b"PUB foo 18446744073709551617\r\n", SILENT),
    ("size 999999999", b"PUB foo 999999999\r\n", TOO_BIG),
    ("size max + 1", b"PUB foo 1048577\r\n", TOO_BIG),
    ("size of 400 digits", b"PUB foo " + b"9" * 400 + b"\r\n", SILENT),
    ("size empty", b"PUB foo \r\n\r\n", SILENT),
    ("payload short by one", b"PUB foo 5\r\nhell\r\nPING\r\n", UNKNOWN),
    ("payload long by one", b"PUB foo 5\r\nhello!\r\nPING\r\n", UNKNOWN),
    ("payload with bare LF", b"PUB foo 5\r\nhello\nPING\r\n", UNKNOWN),
    ("payload ended by CR x", b"PUB foo 5\r\nhello\rxPING\r\n", UNKNOWN),
    ("HPUB header > total", b"HPUB foo 10 5\r\nhello\r\n", SILENT),
    ("HPUB header -1", b"HPUB foo -1 5\r\nhello\r\n", SILENT),
    ("HPUB total 2^63", b"HPUB foo 12 9223372036854775808\r\n", SILENT),
    ("HPUB 0 0", b"HPUB foo 0 0\r\n\r\n", LIVES),
    ("HPUB header only", b"HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n", LIVES),
    ("HPUB garbage header", b"HPUB foo 12 12\r\n\x00\xff\r\n\n\r:\x80::\r\n\r\n", LIVES),
    ("UNSUB unknown", b"UNSUB 999\r\n", LIVES),
    ("UNSUB -1", b"SUB foo 1\r\nUNSUB 1 -1\r\n", LIVES),
    ("UNSUB 2^64", b"SUB foo 1\r\nUNSUB 1 18446744073709551617\r\n", LIVES),
    ("sid of 3000 bytes", b"SUB foo " + b"7" * 3000 + b"\r\n", LIVES),
    ("NUL in a subject", b"SUB a\x00b 1\r\nPUB a\x00b 1\r\nx\r\n", LIVES),
    ("NUL in a sid", b"SUB foo 1\x002\r\nPUB foo 1\r\nx\r\n", LIVES),
    ("overlong UTF-8", b"SUB \xc0\xaf\xe0\x80\xaf 1\r\nPUB \xc0\xaf\xe0\x80\xaf 1\r\nx\r\n", LIVES),
    ("CR inside a subject", b"SUB fo\ro 1\r\n", LIVES),
    ("2000 tokens", b"SUB " + b".".join([b"a"] * 2000) + b" 1\r\nPUB " +
     b".".join([b"a"] * 2000) + b" 1\r\nx\r\n", LIVES),
    ("2000 wildcards", b"SUB " + b".".join([b"*"] * 2000) + b" 1\r\nPUB " +
     b".".join([b"a"] * 2000) + b" 1\r\nx\r\n", LIVES),
    ("2000 empty tokens", b"PUB " + b"." * 2000 + b" 1\r\nx\r\n", LIVES),
    ("publish to wildcards", b"SUB > 1\r\nPUB *.>.* 1\r\nx\r\n", LIVES),
    ("line of 4096", b"SUB " + b"a" * 4094 + b" 1\r\n", LIVES),
    ("line of 4097", b"SUB " + b"a" * 4095 + b" 1\r\n", TOO_LONG),
    ("CONNECT depth 1000", b'CONNECT {"verbose":false,"x":' + b"[" * 1000 + b"]" * 1000 + b"}\r\n",
     LIVES),
    ("CONNECT depth 10k", b'CONNECT {"x":' + b"[" * 10000 + b"]" * 10000 + b"}\r\n", TOO_LONG),
    ("CONNECT 1 MiB string", b'CONNECT {"name":"' + b"a" * MIB + b'"}\r\n', TOO_LONG),
    ("CONNECT unclosed 2000", b'CONNECT {"x":' + b"[" * 2000 + b"}\r\n", SILENT),
    ("CONNECT duplicate keys",
     b'CONNECT {"verbose":true,"verbose":false,"name":"a","name":"b"}\r\n', LIVES),
    ("CONNECT NaN", b'CONNECT {"protocol":NaN}\r\n', SILENT),
    ("CONNECT 1e999", b'CONNECT {"protocol":1e999}\r\n', SILENT),
    ("CONNECT protocol 1.0", b'CONNECT {"protocol":1.0}\r\n', SILENT),
    ("CONNECT protocol 2^63", b'CONNECT {"protocol":9223372036854775808}\r\n', SILENT),
    ("CONNECT lone surrogate", b'CONNECT {"verbose":false,"name":"\\ud800x\\udc00"}\r\n', LIVES),
    ("CONNECT bad escape", b'CONNECT {"name":"\\x"}\r\n', SILENT),
    ("CONNECT bad UTF-8", b'CONNECT {"verbose":false,"name":"\xff\xfe\xc0"}\r\n', LIVES),
    ("CONNECT NUL in a string", b'CONNECT {"verbose":false,"name":"a\x00b"}\r\n', SILENT),
    ("CONNECT \\u0000 in a string", b'CONNECT {"verbose":false,"name":"a\\u0000b"}\r\n', LIVES),
    ("CONNECT array", b"CONNECT []\r\n", SILENT),
    ("CONNECT trailing comma", b'CONNECT {"verbose":false,}\r\n', SILENT),
    ("CONNECT two objects", b"CONNECT {}{}\r\n", SILENT),
    ("CONNECT empty", b"CONNECT \r\n", SILENT),
    ("INFO depth 1000", b'INFO {"x":' + b"[" * 1000 + b"]" * 1000 + b"}\r\n", LIVES),
)

# Kept apart: behind a control line of 4 MiB even these are only lines.
WIDE_ANSWERS = (
    ("CONNECT depth 9000", b'CONNECT {"verbose":false,"x":' + b"[" * 9000 + b"]" * 9000 + b"}\r\n",
     LIVES),
    ("CONNECT depth 100k", b'CONNECT {"x":' + b"[" * 100000 + b"]" * 100000 + b"}\r\n", SILENT),
    ("CONNECT objects 100k", b'CONNECT {"x":' + b'{"a":' * 100000 + b"1" + b"}" * 100001 + b"\r\n",
     SILENT),
    ("CONNECT 1 MiB string", b'CONNECT {"verbose":false,"name":"' + b"a" * MIB + b'"}\r\n', LIVES),
    ("10k tokens", b"SUB " + b".".join([b"a"] * 10000) + b" 1\r\nPUB " +
     b".".join([b"a"] * 10000) + b" 1\r\nx\r\n", LIVES),
    ("10k wildcards", b"SUB " + b".".join([b"*"] * 10000) + b" 1\r\nPUB " +
     b".".join([b"a"] * 10000) + b" 1\r\nx\r\n", LIVES),
)


def ask(server, data, wanted):
    with Client(server.port) as client:
        check_answer(client, data, wanted, rb"^INFO .*\r\n")  # the one after the first PONG


SPLIT_SAMPLE = (b'CONNECT {"verbose":false,"headers":true,"protocol":0}\r\n'
                b"SUB a.* 7\r\nSUB a.b q 8\r\nPUB a.c 5\r\nhello\r\nPUB a.d r 0\r\n\r\n"
                b"HPUB a.e 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
                b"UNSUB 7 4\r\nPUB a.f 3\r\nx\r\n\r\nUNSUB 8\r\nPUB a.g 1\r\nz\r\nPING\r\n")
SPLIT_ANSWER = (b"MSG a.c 7 5\r\nhello\r\nMSG a.d 7 r 0\r\n\r\n"
                b"HMSG a.e 7 12 14\r\nNATS/1.0\r\n\r\nhi\r\nMSG a.f 7 3\r\nx\r\n\r\nPONG\r\n")


def split_everywhere(server):
    """Every cut of the sample into two segments, and all of it byte by byte."""
    for cut in range(1, len(SPLIT_SAMPLE)):
        with Client(server.port, greet=False) as client:
            client.read_info()
            client.send(SPLIT_SAMPLE[:cut])
            time.sleep(0.002)
            client.send(SPLIT_SAMPLE[cut:])
            answer = client.until(b"PONG\r\n")
            expect(answer == SPLIT_ANSWER, f"cut at {cut}: {answer!r}")
    with Client(server.port, greet=False) as client:
        client.read_info()
        for byte in SPLIT_SAMPLE:
            client.send(bytes([byte]))
            time.sleep(0.0005)
        answer = client.until(b"PONG\r\n")
        expect(answer == SPLIT_ANSWER, f"byte by byte: {answer!r}")
    return f"{len(SPLIT_SAMPLE) - 1} cuts"


def takes_configuration(server):
    done = subprocess.run([*server, "-c", "/no/such/file.conf"], capture_output=True, text=True,
                          timeout=10)
    return "not supported yet" not in done.stderr


def no_configuration():
    raise harness.Skip("the configuration file comes with its own issue")


def main():
    args = harness.arguments(__doc__.splitlines()[0], lambda parser: parser.add_argument(
        "--reference", action="store_true", help="skip the bounds that the reference exceeds"))
    tally = harness.Tally(args.only)
    stage = Stage(args, tally)
    stage.case("half a line x 200", half_lines, 16)
    stage.case("one byte a second x 200", one_byte_a_second, 16)
    stage.case("endless control line", endless_control_line, 8)
    stage.case("endless blanks after PUB", endless_blanks, 8)
    stage.case("endless PING xxx", endless_ping, 8)
    stage.case("1 MiB announced, 3 bytes sent x 200", payload_announced, 16, ours_only=True)
    stage.case("1 MiB announced, one byte missing x 200", payload_almost_complete, 512)
    stage.case("2000 connections, no bytes", many_silent, 80)
    # Two subscribers: the healthy one may lag behind by up to its own max_pending, too.
    stage.case("a subscriber that never reads", never_reads, 2 * 64 + 16, ours_only=True)
    stage.case("connect and RST x 500", connect_and_reset, 16)
    stage.case("half close", half_close, 8)
    stage.case("out of file descriptors", out_of_descriptors, 16,
               limits={resource.RLIMIT_NOFILE: 64})
    stage.case("no locked memory", serves, 8, limits={resource.RLIMIT_MEMLOCK: 0})
    stage.case("every split point", split_everywhere, 16)
    run_answers(stage, "answer: ", ANSWERS, ask, 16)
    if takes_configuration(args.server):
        wide = harness.write_config("max_control_line: 4194304\n")
        run_answers(stage, "wide: ", WIDE_ANSWERS, ask, 64, extra=["-c", wide])
    else:
        tally.run("wide: all of them", no_configuration)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
