"""The eight scenarios of tests/interop with nats.py. See ../README.md for the protocol on stdout and stdin."""

import asyncio
import sys
import time

import nats
from nats.errors import NoRespondersError, TimeoutError as NatsTimeout

WAIT = 10
SPACE = "interop.python."
URL = sys.argv[1]


class Reason(Exception):
    """Why a scenario failed."""


def check(holds, reason):
    if not holds:
        raise Reason(reason)


async def round_trip(nc):
    """Returns once the server handled everything sent before.

    Twice, because nats.py writes flush's PING ahead of commands that still wait in its buffer.
    """
    await nc.flush(WAIT)
    await nc.flush(WAIT)


class Inbox:
    """Collects what one subscription received, in order."""

    def __init__(self):
        self.msgs = []

    async def add(self, msg):
        self.msgs.append(msg)

    def texts(self):
        return [(m.subject, m.data.decode()) for m in self.msgs]

    async def settle(self, nc, want, what):
        """Returns once `want` messages are here and a further round trip brought no more."""
        await settle(lambda: len(self.msgs), want, what)
        await round_trip(nc)
        await asyncio.sleep(0.02)
        check(len(self.msgs) == want, f"{what}: {len(self.msgs)} messages, want {want}")


async def settle(count, want, what):
    end = time.monotonic() + WAIT
    while count() < want:
        check(time.monotonic() < end, f"{what}: timeout with {count()} messages of {want}")
        await asyncio.sleep(0.001)


async def subscribe(nc, subject, queue=""):
    inbox = Inbox()
    await nc.subscribe(subject, queue=queue, cb=inbox.add)
    return inbox


async def expect_no_responders(nc, subject, what):
    try:
        await nc.request(subject, b"x", timeout=WAIT)
    except NoRespondersError:
        return
    raise Reason(f"{what}: a reply, want no responders")


class Connections:
    """Connections that close with the scenario."""

    def __init__(self):
        self.open = []

    async def __call__(self, **options):
        nc = await nats.connect(URL, **options)
        self.open.append(nc)
        return nc

    async def close(self):
        for nc in self.open:
            if not nc.is_closed:
                await nc.close()


async def pubsub_wildcards(connect):
    p = SPACE + "wild"
    a, b = await connect(), await connect()
    patterns = {
        p + ".a.b": lambda s: s == p + ".a.b",
        p + ".*.b": lambda s: s in (p + ".a.b", p + ".x.b"),
        p + ".*.*": lambda s: s.count(".") == 4,
        p + ".>": lambda s: s != p,
        p + ".*": lambda s: s == p + ".a",
        p + "x.>": lambda s: False,
    }
    inboxes = {pattern: await subscribe(a, pattern) for pattern in patterns}
    await round_trip(a)
    want = {pattern: [] for pattern in patterns}
    for i in range(100):
        for s in (p, p + ".a", p + ".a.b", p + ".x.b", p + ".a.c", p + ".a.b.c"):
            await b.publish(s, str(i).encode())
            for pattern, match in patterns.items():
                if match(s):
                    want[pattern].append((s, str(i)))
    await round_trip(b)
    for pattern, inbox in inboxes.items():
        await inbox.settle(a, len(want[pattern]), pattern)
        check(inbox.texts() == want[pattern], f"{pattern}: subjects, payloads or order differ")

    raw = await subscribe(a, SPACE + "raw")
    await round_trip(a)
    every = bytes(range(256))
    payloads = [b"", b"\r\nPING\r\n", every, every * (b.max_payload // 256)]
    for payload in payloads:
        await b.publish(SPACE + "raw", payload)
    await round_trip(b)
    await raw.settle(a, len(payloads), "raw")
    for i, msg in enumerate(raw.msgs):
        check(msg.data == payloads[i], f"payload {i} changed on the way")


async def request_reply(connect):
    a, b = await connect(), await connect()

    async def respond(msg):
        await msg.respond(b"re:" + msg.data)

    await a.subscribe(SPACE + "echo", cb=respond)
    silent = await subscribe(a, SPACE + "silent")
    await round_trip(a)

    async def ask(text):
        reply = await b.request(SPACE + "echo", text, timeout=WAIT)
        check(reply.data == b"re:" + text, f"asked {text}, got {reply.data}")

    for i in range(100):
        await ask(f"one {i}".encode())
    await asyncio.gather(*(ask(f"many {i}".encode()) for i in range(100)))
    try:
        await b.request(SPACE + "silent", b"", timeout=0.2)
        raise Reason("a silent responder gave a reply")
    except NoRespondersError:
        raise Reason("a silent responder gave no responders, want a timeout") from None
    except NatsTimeout:
        pass
    await silent.settle(a, 1, "silent")


async def no_responders(connect):
    nc = await connect()
    begin = time.monotonic()
    await expect_no_responders(nc, SPACE + "nobody", "nobody there")
    check(time.monotonic() - begin < 2, f"took {time.monotonic() - begin:.1f} s")

    async def respond(msg):
        await msg.respond(b"here")

    sub = await nc.subscribe(SPACE + "nobody", cb=respond)
    reply = await nc.request(SPACE + "nobody", b"", timeout=WAIT)
    check(reply.data == b"here", f"got {reply.data}")
    await sub.unsubscribe()
    await expect_no_responders(nc, SPACE + "nobody", "after unsubscribe")


async def queue_group(connect):
    total = 600
    subject = SPACE + "work"
    pub, plain_conn = await connect(), await connect()
    conns = [await connect() for _ in range(3)]
    members = []
    for nc in conns:
        members.append(await subscribe(nc, subject, queue="workers"))
        await round_trip(nc)
    other = await subscribe(conns[0], subject, queue="other")
    await round_trip(conns[0])
    plain = await subscribe(plain_conn, subject)
    await round_trip(plain_conn)
    for i in range(total):
        await pub.publish(subject, str(i).encode())
    await round_trip(pub)
    await plain.settle(plain_conn, total, "plain subscriber")
    await other.settle(conns[0], total, "second group")
    await settle(lambda: sum(len(m.msgs) for m in members), total, "group")
    for nc, member in zip(conns, members):
        await round_trip(nc)
        check(member.msgs, "a member received nothing")
    got = sorted(int(m.data) for member in members for m in member.msgs)
    check(got == list(range(total)), f"{len(got)} deliveries, want each of {total} messages once")


async def headers(connect):
    a, b = await connect(), await connect()
    inbox = await subscribe(a, SPACE + "head")

    async def respond(msg):
        await a.publish(msg.reply, msg.data, headers={"Answer-To": msg.headers["Question"]})

    await a.subscribe(SPACE + "headecho", cb=respond)
    await round_trip(a)
    sent = {"X-One": "1", "lower-case": "keeps: case, and spaces", "X-Unicode": "žluťoučký"}
    await b.publish(SPACE + "head", b"body", headers=sent)
    await b.publish(SPACE + "head", b"", headers={"Only": "header"})
    await b.publish(SPACE + "head", b"no header")
    await round_trip(b)
    await inbox.settle(a, 3, "headers")
    got = [(m.headers or None, m.data) for m in inbox.msgs]
    want = [(sent, b"body"), ({"Only": "header"}, b""), (None, b"no header")]
    check(got == want, f"got {got}, want {want}")
    reply = await b.request(SPACE + "headecho", b"payload", timeout=WAIT, headers={"Question": "why"})
    check(reply.headers == {"Answer-To": "why"}, f"reply headers {reply.headers}")
    check(reply.data == b"payload", f"reply {reply.data}")


async def drain(connect):
    # Everything published before the drain is handled, nothing after it arrives.
    own = 500
    pub = await connect()
    watch = await subscribe(pub, SPACE + "drained")
    await round_trip(pub)
    closed = asyncio.Event()

    async def on_closed():
        closed.set()

    nc = await connect(closed_cb=on_closed)
    inbox = Inbox()

    async def slowly(msg):
        await asyncio.sleep(0.0001)
        await inbox.add(msg)

    await nc.subscribe(SPACE + "drain", cb=slowly)
    for i in range(own):
        await nc.publish(SPACE + "drain", str(i).encode())
        await nc.publish(SPACE + "drained", str(i).encode())
    await nc.drain()
    await asyncio.wait_for(closed.wait(), WAIT)
    check(len(inbox.msgs) == own, f"{len(inbox.msgs)} messages handled before close, want {own}")
    await watch.settle(pub, own, "published before the drain")
    await expect_no_responders(pub, SPACE + "drain", "drained subscription")

    # A queue member that drains under load loses nothing and repeats nothing.
    total = 3000
    stay, leave = await connect(), await connect()
    inbox = Inbox()
    await stay.subscribe(SPACE + "shift", queue="q", cb=inbox.add)
    leaving = await leave.subscribe(SPACE + "shift", queue="q", cb=inbox.add)
    await round_trip(stay)
    await round_trip(leave)
    drained = None
    for i in range(total):
        await pub.publish(SPACE + "shift", str(i).encode())
        if i == total // 2:
            await round_trip(pub)
            drained = asyncio.ensure_future(leaving.drain())
            await asyncio.sleep(0)
    await round_trip(pub)
    await asyncio.wait_for(drained, WAIT)
    await settle(lambda: len({m.data for m in inbox.msgs}), total, "queue member draining under load")
    check(len(inbox.msgs) == total, f"{len(inbox.msgs)} deliveries of {total} messages")


async def flush(connect):
    total = 2000
    a, b = await connect(), await connect()
    own = await a.subscribe(SPACE + "flush")
    other = await subscribe(b, SPACE + "flush")
    await round_trip(b)
    for i in range(total):
        await a.publish(SPACE + "flush", str(i).encode())
    await round_trip(a)
    # The PONG comes behind everything the server had for this connection.
    check(own.pending_msgs == total, f"{own.pending_msgs} own messages ahead of the PONG, want {total}")
    await other.settle(b, total, "other connection")
    check([int(m.data) for m in other.msgs] == list(range(total)), "payloads or order differ")


async def reconnect(connect):
    back = asyncio.Event()

    async def on_reconnected():
        back.set()

    async def ignore(error):
        pass

    nc = await connect(
        max_reconnect_attempts=-1, reconnect_time_wait=0.05, reconnected_cb=on_reconnected, error_cb=ignore
    )
    plain = await subscribe(nc, SPACE + "again.*")
    queue = await subscribe(nc, SPACE + "again.*", queue="q")

    async def respond(msg):
        await msg.respond(msg.data)

    await nc.subscribe(SPACE + "againecho", cb=respond)
    gone = Inbox()
    unsubscribed = await nc.subscribe(SPACE + "again.*", cb=gone.add)
    await unsubscribed.unsubscribe()
    await nc.publish(SPACE + "again.x", b"before")
    await plain.settle(nc, 1, "before the restart")

    print("RESTART", flush=True)
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    check(line == "RESTARTED\n", f"driver said {line!r}")
    await asyncio.wait_for(back.wait(), WAIT)
    await round_trip(nc)
    fresh = await connect()
    for i in range(50):
        await nc.publish(SPACE + "again.own", str(i).encode())
        await fresh.publish(SPACE + "again.fresh", str(i).encode())
    await round_trip(fresh)
    await plain.settle(nc, 101, "subscription after the restart")
    await queue.settle(nc, 101, "queue subscription after the restart")
    reply = await fresh.request(SPACE + "againecho", b"ping", timeout=WAIT)
    check(reply.data == b"ping", f"got {reply.data}")
    check(not gone.msgs, "messages on a subscription that ended before the restart")


async def run(scenario):
    connect = Connections()
    try:
        await scenario(connect)
        print(f"ok {scenario.__name__}", flush=True)
        return True
    except Exception as error:  # any surprise is this scenario's failure, not the others'
        reason = f"{type(error).__name__}: {error}".replace("\n", " ")
        print(f"FAIL {scenario.__name__}: {reason}", flush=True)
        return False
    finally:
        await connect.close()


async def main():
    passed = True
    for scenario in (
        pubsub_wildcards,
        request_reply,
        no_responders,
        queue_group,
        headers,
        drain,
        flush,
        reconnect,
    ):
        passed &= await run(scenario)
    return 0 if passed else 1


sys.exit(asyncio.run(main()))
