#!/usr/bin/env python3
"""The everyday verbs of martlet against our server, the nats command and the reference server.

  martlet_verbs.py --martlet build/martlet --server build/martlet-server
                   [--nats COMMAND] [--nats-server COMMAND]

The nats command is looked for on PATH and where tools/install-interop puts it, nats-server on PATH;
what needs them is skipped without.
"""
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import harness
from harness import expect

SECONDS_MAX = 10
BACKENDS = ("io_uring", "epoll")
SEED = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"
PUBLIC_KEY = "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK"


def environment():
    """Ours without what would change where the verbs connect to."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NATS_")}


class Running:
    """A verb in the background.

    Ours says that it subscribes once it has; with -i it does so even where it would be silent.
    """

    def __init__(self, command):
        self.out = tempfile.TemporaryFile("w+")
        self.err = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.err, env=environment())

    def text(self, file):
        return os.pread(file.fileno(), 1 << 24, 0).decode(errors="replace")

    def wait_for(self, pattern, seconds=SECONDS_MAX):
        """Returns once standard error has it."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.text(self.err)):
            expect(time.monotonic() < deadline and self.process.poll() is None,
                   f"no {pattern!r} but {self.text(self.err)!r}")
            time.sleep(0.01)

    def end(self, seconds=SECONDS_MAX):
        """(exit code, stdout, stderr)"""
        try:
            code = self.process.wait(seconds)
        finally:
            self.kill()
        return code, self.text(self.out), self.text(self.err)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def run(command, stdin=""):
    """A verb run to its end: (exit code, stdout, stderr)."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment(),
                          timeout=SECONDS_MAX, check=False)
    return done.returncode, done.stdout, done.stderr


def run_well(command, stdin=""):
    code, out, err = run(command, stdin)
    expect(code == 0, f"{command}: exit {code}, {err!r}")
    return out, err


def plain(text):
    """Without what differs from run to run: times, inboxes."""
    text = re.sub(r"\b\d\d:\d\d:\d\d ", "TIME ", text)
    text = re.sub(r"_INBOX\.[\w.]+", "INBOX", text)
    return re.sub(r"rtt [\d.]+(ns|µs|ms|s)", "rtt DURATION", text)


def backend_flags(backend):
    return ["--io-backend", backend] if backend else []


# --------------------------------------------------------------------------- ours alone

def publish_and_subscribe(martlet, server, backend):
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    with Running([*martlet, "sub", "a", "b.>", "--count", "4", *at]) as sub:
        sub.wait_for("Subscribing on a, b.> \n")
        _, err = run_well([*martlet, *at, "pub", "a", "hello", "-H", "K: v", "--header=L:m"])
        expect(plain(err) == 'TIME Published 5 bytes to "a"\n', f"{err!r}")
        run_well([*martlet, "publish", "b.c", "", "--reply", "r.s", *at])
        run_well([*martlet, "pub", "b.{{Count}}", "n {{.Count}}", "--count=2", "-q", *at])
        code, out, err = sub.end()
    expect(code == 0, f"exit {code}: {err}")
    expect(out == '[#1] Received on "a"\nK: v\nL: m\n\nhello\n\n\n'
           '[#2] Received on "b.c" with reply "r.s"\nnil body\n\n\n'
           '[#3] Received on "b.1"\nn 1\n\n\n[#4] Received on "b.2"\nn 2\n\n\n', f"{out!r}")


def big_payload(martlet, server, backend):
    at = ["-s", f"nats://127.0.0.1:{server.port}", *backend_flags(backend)]
    body = "0123456789" * 100_000
    with Running([*martlet, "sub", "big", "--raw", "-i", "--count", "3", *at]) as sub:
        sub.wait_for("Subscribing")
        run_well([*martlet, "pub", "big", "--force-stdin", "--count", "3", *at], body)
        code, out, err = sub.end()
    expect(code == 0 and out == (body + "\n") * 3, f"exit {code}, {len(out)} bytes, {err!r}")
    code, _, err = run([*martlet, "pub", "big", "--force-stdin", *at], body * 2)
    expect(code == 1 and "the message is larger than the server takes, 1048576 bytes" in err,
           f"exit {code}: {err!r}")


def many_messages(martlet, server, backend):
    """Faster than they can be printed; none is lost."""
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    count = 300_000
    with Running([*martlet, "sub", "many", "--raw", "-i", "--count", str(count), *at]) as sub:
        sub.wait_for("Subscribing")
        with harness.Client(server.port) as client:
            client.send(b"".join(b"PUB many %d\r\n%d\r\n" % (len(str(i)), i)
                                 for i in range(count)))
            client.ping()
        code, out, err = sub.end(30)
    expect(code == 0 and out == "".join(f"{i}\n" for i in range(count)),
           f"exit {code}, {len(out)} bytes, {err!r}")
    _, err = run_well([*martlet, "pub", "many", "x", "--count", "10000", *at])
    expect(re.fullmatch(r'TIME Published 10000 messages to "many" in \S+\n', plain(err)), err)


def request_and_reply(martlet, server, backend):
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    with Running([*martlet, "reply", "q.*", "no {{Count}}: {{Request}}", "--count", "2",
                  *at]) as reply:
        reply.wait_for('Listening on "q.\\*" in group "NATS-RPLY-22"\n')
        out, err = run_well([*martlet, "req", "q.1", "why", *at])
        expect(out == "no 0: why\n\n\n", f"{out!r}")
        expect(plain(err) == 'TIME Sending request on "q.1"\nTIME Received with rtt DURATION\n',
               f"{err!r}")
        out, err = run_well([*martlet, "request", "q.2", "--raw", "again", *at])
        expect((out, err) == ("no 1: again\n\n\n", ""), f"{out!r} {err!r}")
        code, out, err = reply.end()
    expect(code == 1 and out == "\nwhy\n\nagain\n", f"exit {code}: {out!r}")
    expect(plain(err).endswith('TIME [#1] Received on subject "q.2":\nTIME \nDraining...\n'
                               "TIME Exiting\n"), f"{err!r}")
    out, err = run_well([*martlet, "req", "q.3", "hello", *at])
    expect(out == "" and err.endswith("No responders are available\n"), f"{out!r} {err!r}")


def replies_of_many(martlet, server, backend):
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    with Running([*martlet, "reply", "all", "one", "-q", "g1", *at]) as one, \
            Running([*martlet, "reply", "all", "two", "-q", "g2", *at]) as two:
        one.wait_for("Listening")
        two.wait_for("Listening")
        out, _ = run_well([*martlet, "req", "all", "", "--raw", "--replies", "2", *at])
        expect(sorted(out.split()) == ["one", "two"], f"{out!r}")
        out, _ = run_well([*martlet, "req", "all", "", "--raw", "--replies", "0", "--timeout",
                           "300ms", *at])
        expect(sorted(out.split()) == ["one", "two"], f"{out!r}")


def commands_and_echo(martlet, server, backend):
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    with Running([*martlet, "reply", "run.*", "--command",
                  "sh -c 'echo {{1}} $NATS_REQUEST_BODY; echo oops >&2'", *at]) as command, \
            Running([*martlet, "reply", "echo", "--echo", *at]) as echo:
        command.wait_for("Listening")
        echo.wait_for("Listening")
        out, _ = run_well([*martlet, "req", "run.this", "--raw", "body", *at])
        expect(out == "this body\noops\n\n", f"{out!r}")
        out, err = run_well([*martlet, "req", "echo", "-H", "K:v", "back", *at])
        expect(out == "back\n\n\n" and "K: v\n" in err and "NATS-Reply-Counter: 0\n" in err,
               f"{out!r} {err!r}")
        out, _ = run_well([*martlet, "req", "echo", "--raw", "--translate", "tr a-z A-Z", "up",
                           *at])
        expect(out == "UP\n\n\n", f"{out!r}")


def standard_input(martlet, server, backend):
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    with Running([*martlet, "sub", "in", "--raw", "-i", "--count", "3", *at]) as sub:
        sub.wait_for("Subscribing")
        _, err = run_well([*martlet, "pub", "in", "--force-stdin", "--send-on", "newline", *at],
                          "one\ntwo\n")
        expect(plain(err) == 'TIME Reading payload from STDIN\nTIME Published 3 bytes to "in"\n'
               'TIME Published 3 bytes to "in"\n', f"{err!r}")
        run_well([*martlet, "pub", "in", "--force-stdin", *at], "a\nb\n")
        code, out, _ = sub.end()
    expect(code == 0 and out == "one\ntwo\na\nb\n", f"exit {code}: {out!r}")


def ways_to_show(martlet, server, backend):
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    with tempfile.TemporaryDirectory() as folder:
        subs = [Running([*martlet, "sub", "w.>", "--count", "1", *flags, *at])
                for flags in (["--headers-only"], ["--subjects-only"], ["-t"], ["-d"],
                              ["-I", "w.no", "--raw", "-i"], ["--dump", "-", "-i"],
                              ["--dump", folder + "/d", "-i"])]
        for sub in subs:
            sub.wait_for("Subscribing")
        run_well([*martlet, "pub", "w.no", "x", *at])
        run_well([*martlet, "pub", "w.yes", "y", *at])
        outs = [sub.end()[1] for sub in subs]
        with open(folder + "/d/1.json", encoding="utf-8") as file:
            saved = json.load(file)
    expect(outs[0] == '[#1] Received on "w.no"\n' == outs[1], f"{outs[:2]}")
    expect(re.match(r"\[#1\] @ [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{6} Received", outs[2]),
           outs[2])
    expect(re.match(r"\[#1\] @ [\d.]+(µs|ms|s) Received", outs[3]), outs[3])
    expect(outs[4] == "y\n", outs[4])
    expect(outs[5].endswith("\0") and json.loads(outs[5][:-1]) == saved, outs[5])
    expect(saved == {"Subject": "w.no", "Reply": "", "Header": None, "Data": "eA==", "Sub": None},
           saved)


def round_trips(martlet, server, backend):
    out, _ = run_well([*martlet, "rtt", "3", "-s", f"127.0.0.1:{server.port}",
                       *backend_flags(backend)])
    url = f"nats://127.0.0.1:{server.port}"
    expect(re.fullmatch(rf"{url}:\n\n   {url}: [\d.]+(µs|ms)\n\n", out), f"{out!r}")
    out, _ = run_well([*martlet, "rtt", "-j", "-s", url, *backend_flags(backend)])
    expect(json.loads(out)[0]["results"][0]["rtt"] > 0, out)


def ends_by_wait_and_signal(martlet, server, backend):
    at = ["-s", f"127.0.0.1:{server.port}", *backend_flags(backend)]
    out, err = run_well([*martlet, "sub", "quiet", "--wait", "200ms", *at])
    expect((out, plain(err)) == ("", "TIME Subscribing on quiet \n"), f"{out!r} {err!r}")
    for words, wanted in ((["sub", "x"], 130), (["reply", "x"], 1),
                          (["pub", "x", "y", "--count", "2", "--sleep", "1m"], 1)):
        with Running([*martlet, *words, *at]) as verb:
            if words[0] == "pub":
                time.sleep(0.3)
            else:
                verb.wait_for("Subscribing|Listening")
                time.sleep(0.1)
            verb.process.send_signal(signal.SIGINT)
            code, _, err = verb.end(3)
        expect(code == wanted, f"{words}: exit {code}, {err!r}")


def comes_back(martlet, args, backend):
    """A subscriber outlives its server."""
    with harness.Server(args.server) as first:
        port = first.port
        at = ["-s", f"127.0.0.1:{port}", *backend_flags(backend)]
        sub = Running([*martlet, "sub", "back", "--count", "1", *at])
        reply = Running([*martlet, "reply", "ask", "here", *at])
        sub.wait_for("Subscribing")
        reply.wait_for("Listening")
    with sub, reply:
        sub.wait_for(">>> Disconnected due to: .*, will attempt reconnect\n")
        with harness.Server(args.server, port=port):
            sub.wait_for(rf">>> Reconnected to nats://127.0.0.1:{port}\n")
            reply.wait_for(">>> Reconnected")
            time.sleep(0.1)  # the subscription follows the line
            run_well([*martlet, "pub", "back", "again", *at])
            code, out, _ = sub.end()
            expect(code == 0 and out == '[#1] Received on "back"\nagain\n\n\n', f"{out!r}")
            out, _ = run_well([*martlet, "req", "ask", "", "--raw", *at])
            expect(out == "here\n\n\n", f"{out!r}")


def mistakes(martlet, server):
    at = ["-s", f"127.0.0.1:{server.port}"]
    for words, wanted in (
            (["pub"], "subject is required; see martlet --help"),
            (["pub", "a", "b", "c", *at], "The following argument was not expected: c"),
            (["pub", "a b", "c", *at], 'invalid subject "a b"'),
            (["pub", "a", "b", "-H", "x", *at], 'invalid header "x"'),
            (["pub", "a", "b", "--jetstream"], "--jetstream needs JetStream"),
            (["sub", "a", "--stream", "S"], "--stream needs JetStream"),
            (["sub", *at], "no subject given"),
            (["sub", "a", "-s", "127.0.0.1:1"], "connect to 127.0.0.1:1: connection refused"),
            (["sub", "a", "-s", "http://x"], 'the scheme "http" is not supported'),
            (["pub", "a", "b", "--timeout", "soon"], 'invalid duration "soon"'),
            (["pub", "a", "b", "--creds", "/no/such/file", *at], "open /no/such/file: no such file"),
            (["nonsense"], "a verb is missing or unknown")):
        code, out, err = run([*martlet, *words])
        expect(code == 1 and out == "" and err.startswith("martlet: error: ") and wanted in err,
               f"{words}: exit {code}, {out!r} {err!r}")
        expect(err.count("\n") == 1, f"{words}: more than a line: {err!r}")


def odd_bodies(martlet, server):
    """What a parser of command lines might take for something else."""
    at = ["-s", f"127.0.0.1:{server.port}"]
    bodies = ["[1,2]", '{"a":[1]}', "pub", "a,b", "%s", "-", "x=y", "'"]
    with Running([*martlet, "sub", "odd", "--raw", "-i", "--count", str(len(bodies)), *at]) as sub:
        sub.wait_for("Subscribing")
        for body in bodies:
            run_well([*martlet, "pub", "odd", body, *at])
        code, out, _ = sub.end()
    expect(code == 0 and out.splitlines() == bodies, f"exit {code}: {out!r}")


def version_and_help(martlet):
    out, _ = run_well([*martlet, "--version"])
    expect(re.fullmatch(r"martlet \d+\.\d+\.\d+\n", out), f"{out!r}")
    for verb in ("pub", "sub", "req", "reply", "rtt"):
        out, _ = run_well([*martlet, verb, "--help"])
        expect(f"  martlet {verb} " in out, f"{verb} has no example")


# --------------------------------------------------------------------------- with the nats command

def same_as_nats(args, server, subscriber, publisher):
    """What `pub` and `sub` print, whoever plays which part."""
    at = ["-s", f"127.0.0.1:{server.port}"]
    with Running([*subscriber, "sub", "a.*", "--count", "3", *at]) as sub:
        sub.wait_for("Subscribing")
        time.sleep(0.2)  # nats says so before
        said = [run_well([*publisher, "pub", *words, *at])[1] for words in
                (["a.b", "hello", "-H", "K:v"], ["a.c", "", "--reply", "r"],
                 ["a.{{Count}}", "{{ .Count }}-{{Random 3 3}}-end", "--count", "1"])]
        code, out, err = sub.end()
    out = re.sub(r"-\w{3}-", "-RND-", out)
    expect(code == 0, f"exit {code}")
    return plain("".join(said)), plain(err), out


def same_requests_as_nats(args, server, responder, requester):
    at = ["-s", f"127.0.0.1:{server.port}"]
    with Running([*responder, "reply", "svc.*", "got {{Request}} {{Count}}", "--count", "2",
                  "-H", "Reply:yes", *at]) as reply:
        reply.wait_for("Listening")
        time.sleep(0.2)
        first = run_well([*requester, "req", "svc.a", "one", "-H", "K:v", *at])
        second = run_well([*requester, "req", "svc.b", "two", "--raw", *at])
        code, out, err = reply.end()
    none = run_well([*requester, "req", "nobody", "x", *at])
    return [(texts[0], plain(texts[1])) for texts in (first, second, none)], code, out, plain(err)


def compare_roles(case, args, server):
    tools = {"martlet": args.martlet, "nats": args.nats}
    seen = {(one, two): case(args, server, tools[one], tools[two])
            for one in tools for two in tools}
    reference = seen["nats", "nats"]
    for roles, result in seen.items():
        expect(result == reference, f"{roles}: {result!r} is not {reference!r}")


# --------------------------------------------------------------------------- let in by nats-server

def certificate(folder):
    """Paths of a self-made certificate for 127.0.0.1 and its key."""
    if not shutil.which("openssl"):
        raise harness.Skip("no openssl command")
    cert, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                    "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


def reference(args, config):
    if not args.nats_server:
        raise harness.Skip("no nats-server on PATH")
    return harness.Server(args.nats_server, ["-c", harness.write_config(config)])


def talks(martlet, flags, port, host="127.0.0.1", scheme="nats"):
    """Publishes to itself under the given flags."""
    at = [*flags] if "-s" in flags else ["-s", f"{scheme}://{host}:{port}", *flags]
    with Running([*martlet, "reply", "svc", "ok", *at]) as reply:
        reply.wait_for("Listening")
        out, _ = run_well([*martlet, "req", "svc", "", "--raw", *at])
    expect(out == "ok\n\n\n", f"{out!r}")


def refused(martlet, flags, port, wanted):
    code, _, err = run([*martlet, "pub", "a", "b", "-s", f"127.0.0.1:{port}", *flags])
    expect(code == 1 and wanted in err, f"{flags}: exit {code}, {err!r}")


def passwords(args, backend):
    io = backend_flags(backend)
    with reference(args, 'authorization { user: "u", password: "p@ss" }\n') as server:
        talks(args.martlet, ["--user", "u", "--password", "p@ss", *io], server.port)
        talks(args.martlet, ["-s", f"nats://u:p%40ss@127.0.0.1:{server.port}", *io], server.port)
        refused(args.martlet, ["--user", "u", "--password", "x", *io], server.port,
                "the server says: Authorization Violation")
        refused(args.martlet, io, server.port, "the server says: Authorization Violation")
    with reference(args, 'authorization { token: "tok" }\n') as server:
        talks(args.martlet, ["--user", "tok", *io], server.port)
        talks(args.martlet, ["--token", "tok", *io], server.port)
        talks(args.martlet, ["-s", f"tok@127.0.0.1:{server.port}", *io], server.port)


def nkeys(args, backend):
    io = backend_flags(backend)
    seed = harness.write_config(SEED + "\n")
    other = harness.write_config("-----BEGIN USER NKEY SEED-----\nSUBAD\n")
    with reference(args, f"authorization {{ users: [ {{ nkey: {PUBLIC_KEY} }} ] }}\n") as server:
        talks(args.martlet, ["--nkey", seed, *io], server.port)
        refused(args.martlet, io, server.port, "Authorization Violation")
        refused(args.martlet, ["--nkey", other, *io], server.port, "the seed is damaged")


def permissions(args, backend):
    config = ('authorization { users: [ { user: u, password: p, '
              'permissions: { publish: "ok", subscribe: "ok" } } ] }\n')
    flags = ["--user", "u", "--password", "p", *backend_flags(backend)]
    with reference(args, config) as server:
        run_well([*args.martlet, "pub", "ok", "x", "-s", f"127.0.0.1:{server.port}", *flags])
        refused(args.martlet, flags, server.port,
                'the server says: Permissions Violation for Publish to "a"')


def knows_tls_first(args):
    """handshake_first came with nats-server 2.10.4."""
    text = subprocess.run([*args.nats_server, "--version"], capture_output=True, text=True,
                          timeout=10).stdout
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", text)
    return bool(found) and tuple(map(int, found.groups())) >= (2, 10, 4)


def tls(args, backend):
    io = backend_flags(backend)
    with tempfile.TemporaryDirectory() as folder:
        cert, key = certificate(folder)
        files = f'cert_file: "{cert}", key_file: "{key}"'
        with reference(args, f"tls {{ {files} }}\n") as server:
            talks(args.martlet, ["--tlsca", cert, *io], server.port)
            talks(args.martlet, ["--tlsca", cert, *io], server.port, "localhost", "tls")
            refused(args.martlet, io, server.port, "TLS: the server's certificate is refused: self")
        with reference(args, f'tls {{ {files}, ca_file: "{cert}", verify: true }}\n') as server:
            talks(args.martlet, ["--tlsca", cert, "--tlscert", cert, "--tlskey", key, *io],
                  server.port)
            refused(args.martlet, ["--tlsca", cert, *io], server.port, "certificate")
        if knows_tls_first(args):
            with reference(args, f"tls {{ {files}, handshake_first: true }}\n") as server:
                talks(args.martlet, ["--tlsfirst", "--tlsca", cert, *io], server.port)
    with reference(args, "") as server:
        refused(args.martlet, ["--tlsfirst", *io], server.port,
                "TLS: the server does not answer in TLS")


def find_nats(martlet):
    """The nats command as a list of words; empty where there is none."""
    beside = os.path.join(os.path.dirname(os.path.abspath(martlet)), "interop", "cli", "nats")
    found = shutil.which("nats") or shutil.which(beside)
    return [found] if found else []


def main():
    def add(parser):
        parser.add_argument("--martlet", required=True, help="martlet command")
        parser.add_argument("--nats", help="nats command")
        parser.add_argument("--nats-server", default=shutil.which("nats-server"),
                            help="reference server")
    args = harness.arguments(__doc__.splitlines()[0], add)
    for name in ("martlet", "nats", "nats_server"):
        setattr(args, name, shlex.split(getattr(args, name) or ""))
    args.nats = args.nats or find_nats(args.martlet[0])
    tally = harness.Tally(args.only)
    with harness.Server(args.server) as server:
        for backend in BACKENDS:
            for case in (publish_and_subscribe, many_messages, request_and_reply, big_payload, replies_of_many,
                         commands_and_echo, standard_input, ways_to_show, round_trips,
                         ends_by_wait_and_signal):
                tally.run(f"{case.__name__.replace('_', ' ')}, {backend}", case, args.martlet,
                          server, backend)
            tally.run(f"comes back, {backend}", comes_back, args.martlet, args, backend)
        tally.run("mistakes", mistakes, args.martlet, server)
        tally.run("odd bodies", odd_bodies, args.martlet, server)
        tally.run("version and help", version_and_help, args.martlet)

        def with_nats(case):
            if not args.nats:
                raise harness.Skip("no nats command on PATH")
            compare_roles(case, args, server)
        tally.run("pub and sub as nats", with_nats, same_as_nats)
        tally.run("req and reply as nats", with_nats, same_requests_as_nats)
    for case in (passwords, nkeys, permissions, tls):
        for backend in BACKENDS:
            tally.run(f"{case.__name__} of nats-server, {backend}", case, args, backend)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
