"""Scenarios of the `nats` command line. See ../README.md for the protocol on stdout and stdin.

    python3 scenarios.py NATS URL

Written for both option sets of `nats bench`: `bench SUBJECT --pub 1` (0.0.x) and `bench pub SUBJECT` (0.2 and later).
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

NATS, URL = sys.argv[1:3]
WAIT = 15  # seconds for one run of the tool
REACH = 30  # and until it has subscribed, which after a restart waits for its own backoff
HOME = tempfile.mkdtemp(prefix="interop-cli-")
# The user's own contexts and variables must not lead the tool to another server.
ENV = {k: v for k, v in os.environ.items() if not k.startswith("NATS_")}
ENV |= {"HOME": HOME, "XDG_CONFIG_HOME": HOME, "NO_COLOR": "1"}


class Reason(Exception):
    """Why a scenario failed."""


def check(holds, reason):
    if not holds:
        raise Reason(reason)


class Tool:
    """One running `nats` and what it printed so far."""

    open = []

    def __init__(self, *argv):
        self.argv = argv
        self.out = ""
        self.process = subprocess.Popen(
            [NATS, "--server", URL, *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=ENV,
        )
        Tool.open.append(self)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.out += line

    def name(self):
        return "nats " + " ".join(self.argv)

    def await_output(self, pattern):
        end = time.monotonic() + WAIT
        while not re.search(pattern, self.out):
            alive = self.process.poll() is None and time.monotonic() < end
            check(alive, f"{self.name()}: no {pattern!r} in {self.out[-300:]!r}")
            time.sleep(0.005)
        return self

    def finish(self):
        """The output once the process ended by itself, with status 0."""
        try:
            status = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            raise Reason(f"{self.name()}: not done in {WAIT} s; printed {self.out[-300:]!r}") from None
        self.reader.join(WAIT)
        check(status == 0, f"{self.name()}: status {status}; printed {self.out[-300:]!r}")
        return self.out

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


def nats(*argv):
    return Tool(*argv).finish()


NOBODY = "No responders are available"


def ask(subject, body):
    """What a request prints that waits for an answer for a moment only."""
    for _ in range(20):  # connecting may not take longer either
        tool = Tool("req", subject, body, "--timeout=200ms")
        tool.process.wait(WAIT)
        tool.reader.join(WAIT)
        if "Sending request on" in tool.out:
            return tool.out
    raise Reason(f"{tool.name()} sends nothing; printed {tool.out[-300:]!r}")


def reach(subject, tool):
    """Returns once a probe reached the tool's subscription: exactly one `probe` is delivered."""
    end = time.monotonic() + REACH
    while NOBODY in ask(subject, "probe"):
        check(tool.process.poll() is None, f"{tool.name()} ended: {tool.out[-300:]!r}")
        check(time.monotonic() < end, f"{tool.name()}: no subscription; printed {tool.out[-300:]!r}")


def subscriber(pattern, subject, count):
    """A `nats sub` that ends after `count` messages, plus the probe that told it is there."""
    tool = Tool("sub", pattern, f"--count={count + 1}")  # 0.0.33 never ends with --raw
    reach(subject, tool)
    return tool


def raw_lines(out):
    return [line for line in out.splitlines() if line.startswith("m:")]


def sub_all():
    tool = subscriber(">", "cli.any.subject", 30)
    want = []
    for i in range(3):
        nats("pub", f"cli.all.{i}", f"m:{i}:{{{{Count}}}}", "--count=10")
        want += [f"m:{i}:{n}" for n in range(1, 11)]
    got = raw_lines(tool.finish())
    check(got == want, f"got {got}")


def pub_count():
    tool = subscriber("cli.*.many", "cli.to.many", 1000)
    nats("pub", "cli.other.few", "m:no")
    nats("pub", "cli.to.many", "m:{{Count}}", "--count=1000")
    got = raw_lines(tool.finish())
    check(got == [f"m:{i}" for i in range(1, 1001)], "messages lost, repeated or out of order")


def pub_headers():
    tool = Tool("sub", "cli.head", "--count=2")
    reach("cli.head", tool)
    nats("pub", "cli.head", "the body", "-H", "X-One:1", "-H", "X-Two:two words")
    lines = tool.finish().splitlines()
    for line in ("X-One: 1", "X-Two: two words", "the body"):
        check(lines.count(line) == 1, f"{line!r} is not once in {lines}")


def req_reply():
    tool = Tool("reply", "cli.answer", "answer {{Count}}")
    reach("cli.answer", tool)
    numbers = []
    for _ in range(3):
        found = re.findall(r"^answer (\d+)$", nats("req", "cli.answer", "question"), re.MULTILINE)
        check(len(found) == 1, f"{len(found)} answers")
        numbers.append(int(found[0]))
    check(numbers == [1, 2, 3], f"answers {numbers}, want 1 to 3 after the probe's 0")


def no_responders():
    begin = time.monotonic()
    check(NOBODY in ask("cli.nobody", "question"), "no word of missing responders")
    out = nats("req", "cli.nobody", "question", "--timeout=10s")
    check(NOBODY in out, f"printed {out!r}")
    check(time.monotonic() - begin < 5, "waited for the timeout")


def reply_echo():
    tool = Tool("reply", "cli.echo.>", "--echo")
    reach("cli.echo.x", tool)
    for word in ("one", "two", "with spaces"):
        lines = nats("req", "cli.echo.x", word, "-H", "Trace:abc").splitlines()
        check(lines.count(word) == 1, f"echo of {word!r}: {lines}")
        check(any(line.endswith("Trace: abc") for line in lines), f"header not echoed: {lines}")


def queue_group():
    tools = [Tool("sub", "cli.work", "--queue=q", "--raw") for _ in range(2)]
    end = time.monotonic() + REACH
    while not all("probe" in tool.out for tool in tools):
        check(time.monotonic() < end, "a member of the group received nothing")
        nats("pub", "cli.work", "probe")
    nats("pub", "cli.work", "m:{{Count}}", "--count=200")
    for _ in range(2):  # once to arrive, and once more to see that nothing follows
        until = time.monotonic() + WAIT
        while len(got := [line for tool in tools for line in raw_lines(tool.out)]) < 200:
            check(time.monotonic() < until, f"timeout with {len(got)} of 200")
            time.sleep(0.01)
        nats("rtt", "1")
    check(sorted(got) == sorted(f"m:{i}" for i in range(1, 201)), f"{len(got)} deliveries of 200 messages")
    check(all(raw_lines(tool.out) for tool in tools), "a member received nothing")


def bench():
    msgs = 20000
    subject = "cli.bench"
    options = ("--size=128", "--no-progress")
    if re.search(r"bench pub\s", nats("bench", "--help")):
        sub = Tool("bench", "sub", subject, f"--msgs={msgs + 1}", *options)
        reach(subject, sub)
        outs = [nats("bench", "pub", subject, f"--msgs={msgs}", *options), sub.finish()]
    else:
        out = nats("bench", subject, "--pub=1", "--sub=1", f"--msgs={msgs}", *options)
        outs = re.findall(r"^ *(?:Pub|Sub) stats: .*$", out, re.MULTILINE)
    check(len(outs) == 2, f"no publisher's and subscriber's rates in {outs}")
    for out in outs:
        rates = [int(r.replace(",", "")) for r in re.findall(r"([\d,]+) msgs/sec", out)]
        check(rates and min(rates) > 0, f"no rate in {out!r}")


def rtt():
    out = nats("rtt", "5")
    check(URL in out, f"printed {out!r}")
    found = [r["rtt"] for server in json.loads(nats("rtt", "5", "--json")) for r in server["results"]]
    check(len(found) == 1 and 0 < found[0] < 10**9, f"round trips in ns: {found}")


def reconnect():
    tool = subscriber("cli.again", "cli.again", 21)
    nats("pub", "cli.again", "m:{{Count}}", "--count=10")
    tool.await_output(r"m:10\n")
    print("RESTART", flush=True)
    line = sys.stdin.readline()
    check(line == "RESTARTED\n", f"driver said {line!r}")
    reach("cli.again", tool)
    nats("pub", "cli.again", "m:{{Count}}", "--count=10")
    got = raw_lines(tool.finish())
    check(got == [f"m:{i}" for i in range(1, 11)] * 2, f"got {got}")


def main():
    status = 0
    for scenario in (
        sub_all,
        pub_count,
        pub_headers,
        req_reply,
        no_responders,
        reply_echo,
        queue_group,
        bench,
        rtt,
        reconnect,
    ):
        try:
            scenario()
            print(f"ok {scenario.__name__}", flush=True)
        except Exception as error:  # any surprise is this scenario's failure, not the others'
            status = 1
            reason = str(error) if isinstance(error, Reason) else f"{type(error).__name__}: {error}"
            print(f"FAIL {scenario.__name__}: " + reason.replace("\n", " "), flush=True)
        finally:
            while Tool.open:
                Tool.open.pop().stop()
    shutil.rmtree(HOME, ignore_errors=True)
    return status


sys.exit(main())
