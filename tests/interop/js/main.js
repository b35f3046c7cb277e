// The eight scenarios of tests/interop with nats.js. See ../README.md for the protocol on stdout and stdin.

import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { connect as dial, errors, headers as newHeaders } from "@nats-io/transport-node";

const WAIT = 10_000;
const SPACE = "interop.js.";
const URL = process.argv[2];
const stdin = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

function check(holds, reason) {
  if (!holds) throw new Error(reason);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function within(promise, what) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: timeout`)), WAIT);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

const flushed = (nc) => within(nc.flush(), "flush");

async function settle(count, want, what) {
  const end = Date.now() + WAIT;
  while (count() < want) {
    check(Date.now() < end, `${what}: timeout with ${count()} messages of ${want}`);
    await sleep(1);
  }
}

// Collects what one subscription received, in order.
class Inbox {
  constructor(nc, subject, options = {}) {
    this.nc = nc;
    this.msgs = [];
    const callback = (err, msg) => {
      if (!err) this.msgs.push(msg);
    };
    this.sub = nc.subscribe(subject, { ...options, callback });
  }

  texts() {
    return this.msgs.map((m) => `${m.subject}=${m.string()}`);
  }

  // Returns once `want` messages are here and a further round trip brought no more.
  async settle(want, what) {
    await settle(() => this.msgs.length, want, what);
    await flushed(this.nc);
    await sleep(20);
    check(this.msgs.length === want, `${what}: ${this.msgs.length} messages, want ${want}`);
  }
}

const noResponder = (e) => e instanceof errors.NoRespondersError || e.cause instanceof errors.NoRespondersError;

async function expectNoResponders(nc, subject, what) {
  const outcome = await nc.request(subject, "x", { timeout: WAIT }).then((m) => m.string(), (e) => e);
  check(outcome instanceof Error && noResponder(outcome), `${what}: got ${outcome}, want no responders`);
}

async function pubsub_wildcards(connect) {
  const p = SPACE + "wild";
  const [a, b] = [await connect(), await connect()];
  const patterns = {
    [`${p}.a.b`]: (s) => s === `${p}.a.b`,
    [`${p}.*.b`]: (s) => s === `${p}.a.b` || s === `${p}.x.b`,
    [`${p}.*.*`]: (s) => s.split(".").length === 5,
    [`${p}.>`]: (s) => s !== p,
    [`${p}.*`]: (s) => s === `${p}.a`,
    [`${p}x.>`]: () => false,
  };
  const inboxes = {};
  const want = {};
  for (const pattern of Object.keys(patterns)) {
    inboxes[pattern] = new Inbox(a, pattern);
    want[pattern] = [];
  }
  await flushed(a);
  for (let i = 0; i < 100; i++) {
    for (const s of [p, `${p}.a`, `${p}.a.b`, `${p}.x.b`, `${p}.a.c`, `${p}.a.b.c`]) {
      b.publish(s, String(i));
      for (const [pattern, match] of Object.entries(patterns)) {
        if (match(s)) want[pattern].push(`${s}=${i}`);
      }
    }
  }
  await flushed(b);
  for (const [pattern, inbox] of Object.entries(inboxes)) {
    await inbox.settle(want[pattern].length, pattern);
    check(isDeepStrictEqual(inbox.texts(), want[pattern]), `${pattern}: subjects, payloads or order differ`);
  }

  const raw = new Inbox(a, SPACE + "raw");
  await flushed(a);
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const full = Buffer.alloc(b.info.max_payload, every);
  const payloads = [Buffer.alloc(0), Buffer.from("\r\nPING\r\n"), every, full];
  for (const payload of payloads) b.publish(SPACE + "raw", payload);
  await flushed(b);
  await raw.settle(payloads.length, "raw");
  raw.msgs.forEach((m, i) => check(payloads[i].equals(m.data), `payload ${i} changed on the way`));
}

async function request_reply(connect) {
  const [a, b] = [await connect(), await connect()];
  a.subscribe(SPACE + "echo", { callback: (_, m) => m.respond(`re:${m.string()}`) });
  const silent = new Inbox(a, SPACE + "silent");
  await flushed(a);
  const ask = async (text) => {
    const m = await b.request(SPACE + "echo", text, { timeout: WAIT });
    check(m.string() === `re:${text}`, `asked ${text}, got ${m.string()}`);
  };
  for (let i = 0; i < 100; i++) await ask(`one ${i}`);
  await Promise.all(Array.from({ length: 100 }, (_, i) => ask(`many ${i}`)));
  const outcome = await b.request(SPACE + "silent", "", { timeout: 200 }).then(() => "a reply", (e) => e);
  check(outcome instanceof errors.TimeoutError, `a silent responder gave ${outcome}, want a timeout`);
  await silent.settle(1, "silent");
}

async function no_responders(connect) {
  const nc = await connect();
  const begin = Date.now();
  await expectNoResponders(nc, SPACE + "nobody", "nobody there");
  check(Date.now() - begin < 2000, `took ${Date.now() - begin} ms`);
  const sub = nc.subscribe(SPACE + "nobody", { callback: (_, m) => m.respond("here") });
  const m = await nc.request(SPACE + "nobody", "", { timeout: WAIT });
  check(m.string() === "here", `got ${m.string()}`);
  sub.unsubscribe();
  await expectNoResponders(nc, SPACE + "nobody", "after unsubscribe");
}

async function queue_group(connect) {
  const total = 600;
  const subject = SPACE + "work";
  const [pub, plainConn] = [await connect(), await connect()];
  const members = [];
  for (let i = 0; i < 3; i++) {
    members.push(new Inbox(await connect(), subject, { queue: "workers" }));
    await flushed(members[i].nc);
  }
  const other = new Inbox(members[0].nc, subject, { queue: "other" });
  await flushed(other.nc);
  const plain = new Inbox(plainConn, subject);
  await flushed(plainConn);
  for (let i = 0; i < total; i++) pub.publish(subject, String(i));
  await flushed(pub);
  await plain.settle(total, "plain subscriber");
  await other.settle(total, "second group");
  await settle(() => members.reduce((sum, m) => sum + m.msgs.length, 0), total, "group");
  for (const member of members) {
    await flushed(member.nc);
    check(member.msgs.length > 0, "a member received nothing");
  }
  const got = members.flatMap((member) => member.msgs.map((m) => m.string()));
  check(
    got.length === total && new Set(got).size === total,
    `${got.length} deliveries of ${new Set(got).size} messages, want ${total} once each`,
  );
}

async function headers(connect) {
  const [a, b] = [await connect(), await connect()];
  check(a.info.headers === true, "the server's INFO does not offer headers");
  const inbox = new Inbox(a, SPACE + "head");
  a.subscribe(SPACE + "headecho", {
    callback: (_, m) => {
      const h = newHeaders();
      h.set("Answer-To", m.headers.get("Question"));
      m.respond(m.data, { headers: h });
    },
  });
  await flushed(a);
  const sent = newHeaders();
  sent.set("X-One", "1");
  sent.append("X-Many", "a");
  sent.append("X-Many", "b");
  sent.set("lower-case", "keeps: case, and spaces");
  sent.set("X-Unicode", "žluťoučký");
  const bare = newHeaders();
  bare.set("Only", "header");
  b.publish(SPACE + "head", "body", { headers: sent });
  b.publish(SPACE + "head", "", { headers: bare });
  b.publish(SPACE + "head", "no header");
  await flushed(b);
  await inbox.settle(3, "headers");
  const record = (h) => (h ? h.toRecord() : undefined);
  const got = inbox.msgs.map((m) => [record(m.headers), m.string()]);
  const want = [
    [sent.toRecord(), "body"],
    [bare.toRecord(), ""],
    [undefined, "no header"],
  ];
  check(isDeepStrictEqual(got, want), `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  const question = newHeaders();
  question.set("Question", "why");
  const m = await b.request(SPACE + "headecho", "payload", { headers: question, timeout: WAIT });
  check(m.headers?.get("Answer-To") === "why" && m.string() === "payload", `reply ${m.headers} ${m.string()}`);
}

async function drain(connect) {
  // Everything published before the drain is handled, nothing after it arrives.
  const own = 500;
  const pub = await connect();
  const watch = new Inbox(pub, SPACE + "drained");
  await flushed(pub);
  const nc = await connect();
  let handled = 0;
  const slow = nc.subscribe(SPACE + "drain");
  const loop = (async () => {
    for await (const _ of slow) {
      if (handled % 50 === 0) await sleep(1);
      handled++;
    }
  })();
  for (let i = 0; i < own; i++) {
    nc.publish(SPACE + "drain", String(i));
    nc.publish(SPACE + "drained", String(i));
  }
  await within(nc.drain(), "drain");
  await within(loop, "handlers");
  check(nc.isClosed(), "the connection did not close after the drain");
  check(handled === own, `${handled} messages handled, want ${own}`);
  await watch.settle(own, "published before the drain");
  await expectNoResponders(pub, SPACE + "drain", "drained subscription");

  // A queue member that drains under load loses nothing and repeats nothing.
  const total = 3000;
  const stay = new Inbox(await connect(), SPACE + "shift", { queue: "q" });
  const leave = new Inbox(await connect(), SPACE + "shift", { queue: "q" });
  await flushed(stay.nc);
  await flushed(leave.nc);
  let drained;
  for (let i = 0; i < total; i++) {
    pub.publish(SPACE + "shift", String(i));
    if (i === total / 2) {
      await flushed(pub);
      drained = leave.sub.drain();
    }
    if (i % 100 === 0) await sleep(0);
  }
  await flushed(pub);
  await within(drained, "subscription drain");
  const texts = () => [...stay.texts(), ...leave.texts()];
  await settle(() => new Set(texts()).size, total, "queue member draining under load");
  check(texts().length === total, `${texts().length} deliveries of ${total} messages`);
}

async function flush(connect) {
  const total = 2000;
  const [a, b] = [await connect(), await connect()];
  const own = new Inbox(a, SPACE + "flush");
  const other = new Inbox(b, SPACE + "flush");
  await flushed(b);
  for (let i = 0; i < total; i++) a.publish(SPACE + "flush", String(i));
  await flushed(a);
  // The PONG comes behind everything the server had for this connection.
  check(own.msgs.length === total, `${own.msgs.length} own messages ahead of the PONG, want ${total}`);
  await other.settle(total, "other connection");
  const want = Array.from({ length: total }, (_, i) => `${SPACE}flush=${i}`);
  check(isDeepStrictEqual(other.texts(), want), "payloads or order differ");
  const rtt = await within(a.rtt(), "rtt");
  check(rtt >= 0, `RTT ${rtt}`);
}

async function reconnect(connect) {
  const nc = await connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 0 });
  const back = (async () => {
    for await (const s of nc.status()) {
      if (s.type === "reconnect") return;
    }
    throw new Error("closed instead of reconnected");
  })();
  back.catch(() => {});
  const plain = new Inbox(nc, SPACE + "again.*");
  const queue = new Inbox(nc, SPACE + "again.*", { queue: "q" });
  nc.subscribe(SPACE + "againecho", { callback: (_, m) => m.respond(m.data) });
  const gone = new Inbox(nc, SPACE + "again.*");
  gone.sub.unsubscribe();
  nc.publish(SPACE + "again.x", "before");
  await plain.settle(1, "before the restart");

  console.log("RESTART");
  const { value: line } = await stdin.next();
  check(line === "RESTARTED", `driver said ${line}`);
  await within(back, "reconnect");
  await flushed(nc);
  const fresh = await connect();
  for (let i = 0; i < 50; i++) {
    nc.publish(SPACE + "again.own", String(i));
    fresh.publish(SPACE + "again.fresh", String(i));
  }
  await flushed(fresh);
  await plain.settle(101, "subscription after the restart");
  await queue.settle(101, "queue subscription after the restart");
  const m = await fresh.request(SPACE + "againecho", "ping", { timeout: WAIT });
  check(m.string() === "ping", `got ${m.string()}`);
  check(gone.msgs.length === 0, "messages on a subscription that ended before the restart");
}

let status = 0;
for (const scenario of [
  pubsub_wildcards,
  request_reply,
  no_responders,
  queue_group,
  headers,
  drain,
  flush,
  reconnect,
]) {
  const open = [];
  const connect = async (options) => {
    const nc = await dial({ servers: URL, ...options });
    open.push(nc);
    return nc;
  };
  try {
    await scenario(connect);
    console.log(`ok ${scenario.name}`);
  } catch (e) {
    status = 1;
    console.log(`FAIL ${scenario.name}: ${String(e).replaceAll("\n", " ")}`);
  }
  for (const nc of open) await nc.close();
}
process.exit(status);
