"""A client of a cluster whose servers come and go, with nats.py. See ../README.md for what it prints."""

import asyncio
import datetime
import json
import sys
import time

import nats


def say(*words):
    print(*words, flush=True)


async def line(loop):
    await loop.run_in_executor(None, sys.stdin.readline)


async def quiet(_error):
    """Without a handler nats.py prints a stack for each lost connection."""


async def dial(urls, **options):
    return await nats.connect(
        urls.split(","), max_reconnect_attempts=-1, error_cb=quiet, **options
    )


def address(nc):
    return nc.connected_url.netloc


async def tell_servers(nc):
    """Prints which servers the client knows, whenever that has changed."""
    before = None
    while True:
        now = [url.geturl() for url in nc.servers]
        if now != before:
            say("urls", *now)
            before = now
        await asyncio.sleep(0.05)


async def follow(urls, subject):
    """Prints each message of a subject and each change of the connection."""
    nc = None

    async def reconnected():
        say("connected", address(nc))

    async def disconnected():
        say("disconnected")

    async def message(msg):
        say("msg", msg.subject, msg.data.decode())

    nc = await dial(urls, reconnected_cb=reconnected, disconnected_cb=disconnected)
    say("connected", address(nc))
    await nc.subscribe(subject, cb=message)
    await nc.flush()
    await nc.flush()  # the first one's PING goes out ahead of what waits in the buffer
    telling = asyncio.ensure_future(tell_servers(nc))
    say("ready")
    await line(asyncio.get_running_loop())
    telling.cancel()


class Stream:
    """What came of a row of numbers: each once, and no long silence."""

    def __init__(self):
        self.sent = 0
        self.times = {}
        self.refused = set()
        self.last = None
        self.gap, self.gap_end = 0.0, None

    def next(self):
        self.sent += 1
        return self.sent

    def came(self, number):
        self.times[number] = self.times.get(number, 0) + 1
        now = time.monotonic()
        if self.last and now - self.last > self.gap:
            self.gap, self.gap_end = now - self.last, datetime.datetime.now(datetime.timezone.utc)
        self.last = now

    def report(self):
        times = [self.times.get(number, 0) for number in range(1, self.sent + 1)]
        return {
            "sent": self.sent,
            "came": len(self.times),
            "twice": sum(count - 1 for count in times if count > 1),
            "missing": [
                number for number, count in enumerate(times, 1)
                if count == 0 and number not in self.refused
            ],
            "refused": len(self.refused),
            "gap_ms": round(self.gap * 1000),
            "gap_end": self.gap_end and self.gap_end.strftime("%H:%M:%S.%f")[:-3],
        }


async def load(urls, name, subject, rate):
    """Publishes to itself, asks, and answers whoever asks, until stdin says so."""
    messages, requests = Stream(), Stream()
    handled = {}

    async def received(msg):
        messages.came(int(msg.data))

    async def asked(msg):
        who, number = msg.data.decode().split()
        handled.setdefault(who, []).append(int(number))
        await msg.respond(b"")

    async def answered(msg):
        number = int(msg.subject.rsplit(".", 1)[1])
        if msg.headers and msg.headers.get("Status") == "503":
            requests.refused.add(number)
        else:
            requests.came(number)

    receiver = await dial(urls)
    responders = [await dial(urls), await dial(urls)]
    requester, publisher = await dial(urls), await dial(urls)
    inbox = requester.new_inbox()
    await receiver.subscribe(f"{subject}.data.{name}", cb=received)
    for responder in responders:
        await responder.subscribe(f"{subject}.ask", queue="responders", cb=asked)
    await requester.subscribe(f"{inbox}.*", cb=answered)
    for nc in (receiver, requester, *responders):
        await nc.flush()
        await nc.flush()
    say("ready")

    loop = asyncio.get_running_loop()
    await line(loop)
    stopped = asyncio.ensure_future(line(loop))
    due = loop.time()
    while not stopped.done():
        await publisher.publish(f"{subject}.data.{name}", str(messages.next()).encode())
        number = requests.next()
        await requester.publish(f"{subject}.ask", f"{name} {number}".encode(), f"{inbox}.{number}")
        due = max(due + 1 / rate, loop.time() - 0.1)
        await asyncio.sleep(max(0, due - loop.time()))
    await asyncio.sleep(2)  # what is on its way may arrive
    say("report", json.dumps({
        "messages": messages.report(), "requests": requests.report(), "handled": handled,
    }))


def main():
    mode, *rest = sys.argv[1:]
    if mode == "follow" and len(rest) == 2:
        asyncio.run(follow(*rest))
    elif mode == "load" and len(rest) == 4:
        asyncio.run(load(*rest[:3], int(rest[3])))
    else:
        sys.exit("usage: roam.py follow URLS SUBJECT | roam.py load URLS NAME SUBJECT RATE")


main()
