//! The eight scenarios of tests/interop with async-nats. See ../README.md for the protocol on stdout and stdin.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, Event, HeaderMap, Message, RequestErrorKind, Subscriber};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::{sleep, timeout};

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const WAIT: Duration = Duration::from_secs(10);
const SPACE: &str = "interop.rust.";

/// Ends the running scenario with a reason unless the condition holds.
macro_rules! check {
    ($holds:expr, $($reason:tt)+) => {
        if !$holds {
            return Err(format!($($reason)+).into());
        }
    };
}

fn url() -> String {
    std::env::args().nth(1).expect("usage: interop URL")
}

fn name(tail: &str) -> String {
    format!("{SPACE}{tail}")
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(&message.payload).into_owned()
}

fn number(i: usize) -> Bytes {
    i.to_string().into()
}

async fn connect() -> Result<Client, async_nats::ConnectError> {
    async_nats::connect(url()).await
}

/// Returns once the server handled everything this connection sent before: async-nats' flush ends with the
/// write and does not wait for a PONG, so a message travels to the server and back.
async fn round_trip(nc: &Client) -> Outcome {
    let inbox = nc.new_inbox();
    let mut sub = nc.subscribe(inbox.clone()).await?;
    nc.publish(inbox, "".into()).await?;
    timeout(WAIT, sub.next())
        .await?
        .ok_or("closed during a round trip")?;
    sub.unsubscribe().await?;
    Ok(())
}

/// Collects what one subscription received, in order.
#[derive(Clone)]
struct Inbox {
    nc: Client,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Inbox {
    fn new(nc: &Client, mut sub: Subscriber) -> Inbox {
        let inbox = Inbox {
            nc: nc.clone(),
            messages: Arc::default(),
        };
        let messages = inbox.messages.clone();
        tokio::spawn(async move {
            while let Some(message) = sub.next().await {
                messages.lock().unwrap().push(message);
            }
        });
        inbox
    }

    fn len(&self) -> usize {
        self.messages.lock().unwrap().len()
    }

    fn all(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }

    fn texts(&self) -> Vec<String> {
        self.all()
            .iter()
            .map(|m| format!("{}={}", m.subject, text(m)))
            .collect()
    }

    /// Returns once `want` messages are here and a further round trip brought no more.
    async fn settle(&self, want: usize, what: &str) -> Outcome {
        settle(|| self.len(), want, what).await?;
        round_trip(&self.nc).await?;
        sleep(Duration::from_millis(20)).await;
        check!(self.len() == want, "{what}: {} messages, want {want}", self.len());
        Ok(())
    }
}

async fn settle(count: impl Fn() -> usize, want: usize, what: &str) -> Outcome {
    let begin = Instant::now();
    while count() < want {
        check!(
            begin.elapsed() < WAIT,
            "{what}: timeout with {} messages of {want}",
            count()
        );
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

async fn subscribe(nc: &Client, subject: &str) -> Result<Inbox, async_nats::SubscribeError> {
    Ok(Inbox::new(nc, nc.subscribe(subject.to_string()).await?))
}

async fn queue_subscribe(
    nc: &Client,
    subject: &str,
    queue: &str,
) -> Result<Inbox, async_nats::SubscribeError> {
    Ok(Inbox::new(
        nc,
        nc.queue_subscribe(subject.to_string(), queue.to_string()).await?,
    ))
}

/// Answers every request on a subject with `prefix` and the request's payload and headers.
async fn responder(nc: &Client, subject: &str, prefix: &'static str) -> Outcome {
    let mut sub = nc.subscribe(subject.to_string()).await?;
    let nc = nc.clone();
    tokio::spawn(async move {
        while let Some(m) = sub.next().await {
            let payload = Bytes::from([prefix.as_bytes(), &m.payload].concat());
            let reply = m.reply.expect("a request has a reply subject");
            let sent = match m.headers {
                Some(headers) => nc.publish_with_headers(reply, headers, payload).await,
                None => nc.publish(reply, payload).await,
            };
            sent.expect("publish a reply");
        }
    });
    Ok(())
}

async fn expect_no_responders(nc: &Client, subject: &str, what: &str) -> Outcome {
    match timeout(WAIT, nc.request(subject.to_string(), "x".into())).await? {
        Ok(m) => check!(false, "{what}: a reply {:?}, want no responders", text(&m)),
        Err(e) => check!(
            e.kind() == RequestErrorKind::NoResponders,
            "{what}: {e}, want no responders"
        ),
    }
    Ok(())
}

async fn pubsub_wildcards() -> Outcome {
    let p = name("wild");
    let subjects = ["", ".a", ".a.b", ".x.b", ".a.c", ".a.b.c"];
    let patterns: [(&str, &[usize]); 6] = [
        (".a.b", &[2]),
        (".*.b", &[2, 3]),
        (".*.*", &[2, 3, 4]),
        (".>", &[1, 2, 3, 4, 5]),
        (".*", &[1]),
        ("x.>", &[]),
    ];
    let (a, b) = (connect().await?, connect().await?);
    let mut inboxes = Vec::new();
    for (pattern, _) in patterns {
        inboxes.push(subscribe(&a, &format!("{p}{pattern}")).await?);
    }
    round_trip(&a).await?;
    let mut want: Vec<Vec<String>> = vec![Vec::new(); patterns.len()];
    for i in 0..100 {
        for (s, tail) in subjects.iter().enumerate() {
            b.publish(format!("{p}{tail}"), number(i)).await?;
            for (list, (_, matches)) in want.iter_mut().zip(patterns) {
                if matches.contains(&s) {
                    list.push(format!("{p}{tail}={i}"));
                }
            }
        }
    }
    for ((inbox, list), (pattern, _)) in inboxes.iter().zip(&want).zip(patterns) {
        inbox.settle(list.len(), pattern).await?;
        check!(
            inbox.texts() == *list,
            "{pattern}: subjects, payloads or order differ"
        );
    }

    let raw = subscribe(&a, &name("raw")).await?;
    round_trip(&a).await?;
    let every: Vec<u8> = (0..=255).collect();
    let full = every.repeat(b.max_payload() / 256);
    let payloads = [Vec::new(), b"\r\nPING\r\n".to_vec(), every, full];
    for payload in &payloads {
        b.publish(name("raw"), payload.clone().into()).await?;
    }
    raw.settle(payloads.len(), "raw").await?;
    for (i, m) in raw.all().iter().enumerate() {
        check!(m.payload == payloads[i], "payload {i} changed on the way");
    }
    Ok(())
}

async fn request_reply() -> Outcome {
    let (a, b) = (connect().await?, connect().await?);
    responder(&a, &name("echo"), "re:").await?;
    let silent = subscribe(&a, &name("silent")).await?;
    round_trip(&a).await?;
    let ask = |question: String| {
        let b = b.clone();
        async move {
            let m = timeout(WAIT, b.request(name("echo"), question.clone().into())).await??;
            check!(
                text(&m) == format!("re:{question}"),
                "asked {question:?}, got {:?}",
                text(&m)
            );
            Outcome::Ok(())
        }
    };
    for i in 0..100 {
        ask(format!("one {i}")).await?;
    }
    for outcome in join_all((0..100).map(|i| ask(format!("many {i}")))).await {
        outcome?;
    }
    let brief = async_nats::Request::new().timeout(Some(Duration::from_millis(200)));
    match b.send_request(name("silent"), brief).await {
        Ok(_) => check!(false, "a silent responder gave a reply"),
        Err(e) => check!(
            e.kind() == RequestErrorKind::TimedOut,
            "a silent responder gave {e}, want a timeout"
        ),
    }
    silent.settle(1, "silent").await
}

async fn no_responders() -> Outcome {
    let nc = connect().await?;
    let begin = Instant::now();
    expect_no_responders(&nc, &name("nobody"), "nobody there").await?;
    check!(
        begin.elapsed() < Duration::from_secs(2),
        "took {:?}",
        begin.elapsed()
    );
    let mut sub = nc.subscribe(name("nobody")).await?;
    let asker = nc.clone();
    let question = tokio::spawn(async move { asker.request(name("nobody"), "".into()).await });
    let m = timeout(WAIT, sub.next()).await?.ok_or("closed")?;
    nc.publish(m.reply.ok_or("no reply subject")?, "here".into())
        .await?;
    let m = timeout(WAIT, question).await???;
    check!(text(&m) == "here", "got {:?}", text(&m));
    sub.unsubscribe().await?;
    expect_no_responders(&nc, &name("nobody"), "after unsubscribe").await
}

async fn queue_group() -> Outcome {
    const TOTAL: usize = 600;
    let subject = name("work");
    let (publisher, plain_conn) = (connect().await?, connect().await?);
    let mut members = Vec::new();
    for _ in 0..3 {
        let nc = connect().await?;
        members.push(queue_subscribe(&nc, &subject, "workers").await?);
        round_trip(&nc).await?;
    }
    let other = queue_subscribe(&members[0].nc, &subject, "other").await?;
    round_trip(&other.nc).await?;
    let plain = subscribe(&plain_conn, &subject).await?;
    round_trip(&plain_conn).await?;
    for i in 0..TOTAL {
        publisher.publish(subject.clone(), number(i)).await?;
    }
    plain.settle(TOTAL, "plain subscriber").await?;
    other.settle(TOTAL, "second group").await?;
    settle(|| members.iter().map(Inbox::len).sum(), TOTAL, "group").await?;
    let mut seen = BTreeSet::new();
    for member in &members {
        round_trip(&member.nc).await?;
        check!(member.len() > 0, "a member received nothing");
        seen.extend(member.all().iter().map(text));
    }
    let deliveries: usize = members.iter().map(Inbox::len).sum();
    check!(
        deliveries == TOTAL && seen.len() == TOTAL,
        "{deliveries} deliveries of {} messages, want {TOTAL} once each",
        seen.len()
    );
    Ok(())
}

async fn headers() -> Outcome {
    let (a, b) = (connect().await?, connect().await?);
    check!(
        a.server_info().headers,
        "the server's INFO does not offer headers"
    );
    let inbox = subscribe(&a, &name("head")).await?;
    responder(&a, &name("headecho"), "").await?;
    round_trip(&a).await?;
    let mut sent = HeaderMap::new();
    sent.insert("X-One", "1");
    sent.append("X-Many", "a");
    sent.append("X-Many", "b");
    sent.insert("lower-case", "keeps: case, and spaces");
    sent.insert("X-Unicode", "žluťoučký");
    let mut bare = HeaderMap::new();
    bare.insert("Only", "header");
    b.publish_with_headers(name("head"), sent.clone(), "body".into())
        .await?;
    b.publish_with_headers(name("head"), bare.clone(), "".into())
        .await?;
    b.publish(name("head"), "no header".into()).await?;
    inbox.settle(3, "headers").await?;
    let want = [
        (Some(sent.clone()), "body"),
        (Some(bare), ""),
        (None, "no header"),
    ];
    for (m, (headers, payload)) in inbox.all().iter().zip(want) {
        check!(m.headers == headers, "headers {:?}, want {headers:?}", m.headers);
        check!(text(m) == payload, "payload {:?}, want {payload:?}", text(m));
    }
    let m = timeout(
        WAIT,
        b.request_with_headers(name("headecho"), sent.clone(), "payload".into()),
    )
    .await??;
    check!(m.headers == Some(sent), "reply headers {:?}", m.headers);
    check!(text(&m) == "payload", "reply {:?}", text(&m));
    Ok(())
}

async fn drain() -> Outcome {
    // What arrived before the drain is handled and what was published leaves; then the connection is closed.
    const OWN: usize = 500;
    let publisher = connect().await?;
    let watch = subscribe(&publisher, &name("drained")).await?;
    round_trip(&publisher).await?;
    let (closed_tx, mut closed) = tokio::sync::mpsc::channel(8);
    let nc = ConnectOptions::new()
        .event_callback(move |event| {
            let closed = closed_tx.clone();
            async move {
                if event == Event::Closed {
                    closed.send(()).await.ok();
                }
            }
        })
        .connect(url())
        .await?;
    let mut sub = nc.subscribe(name("drain")).await?;
    for i in 0..OWN {
        nc.publish(name("drain"), number(i)).await?;
        nc.publish(name("drained"), number(i)).await?;
    }
    // async-nats ends a drain at its next wake-up rather than at the PONG, so the messages come first.
    round_trip(&nc).await?;
    nc.drain().await?;
    let mut handled = 0;
    while timeout(WAIT, sub.next()).await?.is_some() {
        handled += 1;
    }
    check!(handled == OWN, "{handled} messages handled, want {OWN}");
    timeout(WAIT, closed.recv()).await?;
    watch.settle(OWN, "published before the drain").await?;
    expect_no_responders(&publisher, &name("drain"), "drained subscription").await?;

    // A queue member leaves by drain: nothing is lost, nothing is repeated.
    const TOTAL: usize = 2000;
    let (stay_conn, leave_conn) = (connect().await?, connect().await?);
    let stay = queue_subscribe(&stay_conn, &name("shift"), "q").await?;
    let mut leaving = leave_conn.queue_subscribe(name("shift"), "q".into()).await?;
    round_trip(&stay_conn).await?;
    round_trip(&leave_conn).await?;
    let left = Arc::new(AtomicUsize::new(0));
    let (drain_tx, drain_rx) = tokio::sync::oneshot::channel::<()>();
    let counter = left.clone();
    let leaver = tokio::spawn(async move {
        let mut drain_rx = drain_rx;
        let mut seen = Vec::new();
        loop {
            tokio::select! {
                _ = &mut drain_rx => break,
                m = leaving.next() => { seen.push(text(&m.expect("open"))); counter.fetch_add(1, Ordering::SeqCst); }
            }
        }
        leaving.drain().await.expect("drain");
        while let Some(m) = leaving.next().await {
            seen.push(text(&m));
        }
        seen
    });
    for i in 0..TOTAL / 2 {
        publisher.publish(name("shift"), number(i)).await?;
    }
    settle(
        || left.load(Ordering::SeqCst) + stay.len(),
        TOTAL / 2,
        "before the drain",
    )
    .await?;
    let before = stay.len();
    drain_tx.send(()).map_err(|_| "the leaving member ended early")?;
    let mut seen = timeout(WAIT, leaver).await??;
    round_trip(&leave_conn).await?;
    check!(!seen.is_empty() && before > 0, "one member had all the messages");
    for i in TOTAL / 2..TOTAL {
        publisher.publish(name("shift"), number(i)).await?;
    }
    stay.settle(TOTAL - seen.len(), "the member that stays").await?;
    seen.extend(stay.all().iter().map(text));
    check!(
        seen.iter().collect::<BTreeSet<_>>().len() == TOTAL,
        "messages repeated or lost around the drain"
    );
    Ok(())
}

async fn flush() -> Outcome {
    const TOTAL: usize = 2000;
    let (a, b) = (connect().await?, connect().await?);
    let own = subscribe(&a, &name("flush")).await?;
    let other = subscribe(&b, &name("flush")).await?;
    round_trip(&b).await?;
    for i in 0..TOTAL {
        a.publish(name("flush"), number(i)).await?;
    }
    timeout(WAIT, a.flush()).await??;
    own.settle(TOTAL, "own connection").await?;
    other.settle(TOTAL, "other connection").await?;
    let want: Vec<String> = (0..TOTAL).map(|i| format!("{}={i}", name("flush"))).collect();
    check!(
        own.texts() == want && other.texts() == want,
        "payloads or order differ"
    );
    Ok(())
}

async fn reconnect() -> Outcome {
    let connects = Arc::new(AtomicUsize::new(0));
    let counter = connects.clone();
    let nc = ConnectOptions::new()
        .max_reconnects(None)
        .reconnect_delay_callback(|_| Duration::from_millis(50))
        .event_callback(move |event| {
            let counter = counter.clone();
            async move {
                if event == Event::Connected {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
        .connect(url())
        .await?;
    let plain = subscribe(&nc, &name("again.*")).await?;
    let queue = queue_subscribe(&nc, &name("again.*"), "q").await?;
    responder(&nc, &name("againecho"), "").await?;
    nc.publish(name("again.x"), "before".into()).await?;
    plain.settle(1, "before the restart").await?;
    settle(|| connects.load(Ordering::SeqCst), 1, "first connect").await?;

    println!("RESTART");
    let mut line = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
    check!(line == "RESTARTED\n", "driver said {line:?}");
    settle(|| connects.load(Ordering::SeqCst), 2, "reconnect").await?;
    round_trip(&nc).await?;
    let fresh = connect().await?;
    for i in 0..50 {
        nc.publish(name("again.own"), number(i)).await?;
        fresh.publish(name("again.fresh"), number(i)).await?;
    }
    plain.settle(101, "subscription after the restart").await?;
    queue.settle(101, "queue subscription after the restart").await?;
    let m = timeout(WAIT, fresh.request(name("againecho"), "ping".into())).await??;
    check!(text(&m) == "ping", "got {:?}", text(&m));
    Ok(())
}

async fn run(scenario: &str, outcome: impl Future<Output = Outcome>) -> bool {
    match outcome.await {
        Ok(()) => println!("ok {scenario}"),
        Err(reason) => {
            println!("FAIL {scenario}: {}", reason.to_string().replace('\n', " "));
            return false;
        }
    }
    true
}

#[tokio::main]
async fn main() {
    let mut passed = true;
    passed &= run("pubsub_wildcards", pubsub_wildcards()).await;
    passed &= run("request_reply", request_reply()).await;
    passed &= run("no_responders", no_responders()).await;
    passed &= run("queue_group", queue_group()).await;
    passed &= run("headers", headers()).await;
    passed &= run("drain", drain()).await;
    passed &= run("flush", flush()).await;
    passed &= run("reconnect", reconnect()).await;
    std::process::exit(if passed { 0 } else { 1 });
}
