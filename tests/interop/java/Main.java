// The eight scenarios of tests/interop with jnats. See ../README.md for the protocol on stdout and stdin.

import io.nats.client.Connection;
import io.nats.client.ConnectionListener;
import io.nats.client.Dispatcher;
import io.nats.client.ErrorListener;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.Subscription;
import io.nats.client.impl.Headers;
import io.nats.client.impl.NatsMessage;
import io.nats.client.support.Status;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import java.util.function.Predicate;

public final class Main {
  static final Duration WAIT = Duration.ofSeconds(10);
  static final String SPACE = "interop.java.";

  static String url;
  static boolean failed = false;
  static final List<Connection> open = new ArrayList<>();
  static final BufferedReader stdin = new BufferedReader(new InputStreamReader(System.in));

  interface Scenario {
    void run() throws Exception;
  }

  /** Ends the running scenario with a reason unless the condition holds. */
  static void check(boolean holds, String format, Object... args) {
    if (!holds) {
      throw new IllegalStateException(String.format(format, args));
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static byte[] bytes(int i) {
    return bytes(Integer.toString(i));
  }

  static String text(Message m) {
    return new String(m.getData(), StandardCharsets.UTF_8);
  }

  static Options.Builder options() {
    return new Options.Builder().server(url).errorListener(new ErrorListener() {});
  }

  static Connection connect(Options.Builder options) throws Exception {
    Connection nc = Nats.connect(options.build());
    open.add(nc);
    return nc;
  }

  static Connection connect() throws Exception {
    return connect(options());
  }

  /** Collects what one subscription received, in order. */
  static final class Inbox {
    private final List<Message> messages = new ArrayList<>();

    synchronized void add(Message m) {
      messages.add(m);
    }

    synchronized int size() {
      return messages.size();
    }

    synchronized List<Message> all() {
      return new ArrayList<>(messages);
    }

    List<String> texts() {
      List<String> out = new ArrayList<>();
      for (Message m : all()) {
        out.add(m.getSubject() + "=" + text(m));
      }
      return out;
    }

    /** Returns once `want` messages are here and a further round trip brought no more. */
    void settle(Connection nc, int want, String what) throws Exception {
      Main.settle(this::size, want, what);
      nc.flush(WAIT);
      Thread.sleep(20);
      check(size() == want, "%s: %d messages, want %d", what, size(), want);
    }
  }

  static void settle(IntSupplier count, int want, String what) throws Exception {
    long end = System.nanoTime() + WAIT.toNanos();
    while (count.getAsInt() < want) {
      check(System.nanoTime() < end, "%s: timeout with %d messages of %d", what, count.getAsInt(), want);
      Thread.sleep(1);
    }
  }

  static Inbox subscribe(Connection nc, String subject) {
    Inbox inbox = new Inbox();
    nc.createDispatcher(inbox::add).subscribe(subject);
    return inbox;
  }

  static Inbox subscribe(Connection nc, String subject, String queue) {
    Inbox inbox = new Inbox();
    nc.createDispatcher(inbox::add).subscribe(subject, queue);
    return inbox;
  }

  static Message ask(Connection nc, String subject, String question) throws Exception {
    return nc.request(subject, bytes(question)).get(WAIT.toMillis(), TimeUnit.MILLISECONDS);
  }

  static void expectNoResponders(Connection nc, String subject, String what) throws Exception {
    CompletableFuture<Message> future = nc.request(subject, bytes("x"));
    try {
      Message m = future.get(WAIT.toMillis(), TimeUnit.MILLISECONDS);
      check(false, "%s: a reply %s, want no responders", what, text(m));
    } catch (java.util.concurrent.CancellationException cancelled) {
      // jnats cancels the future of a request that nobody answers; `reportNoResponders` tells the status.
    }
    try {
      connectReporting().request(subject, bytes("x")).get(WAIT.toMillis(), TimeUnit.MILLISECONDS);
      check(false, "%s: a reply, want no responders", what);
    } catch (java.util.concurrent.ExecutionException e) {
      check(
          String.valueOf(e.getCause()).contains(Integer.toString(Status.NO_RESPONDERS_CODE)),
          "%s: %s, want status 503", what, e.getCause());
    }
  }

  static Connection connectReporting() throws Exception {
    return connect(options().reportNoResponders());
  }

  static void pubsubWildcards() throws Exception {
    String p = SPACE + "wild";
    Connection a = connect();
    Connection b = connect();
    Map<String, Predicate<String>> patterns = new LinkedHashMap<>();
    patterns.put(p + ".a.b", s -> s.equals(p + ".a.b"));
    patterns.put(p + ".*.b", s -> s.equals(p + ".a.b") || s.equals(p + ".x.b"));
    patterns.put(p + ".*.*", s -> s.split("\\.").length == 5);
    patterns.put(p + ".>", s -> !s.equals(p));
    patterns.put(p + ".*", s -> s.equals(p + ".a"));
    patterns.put(p + "x.>", s -> false);
    Map<String, Inbox> inboxes = new LinkedHashMap<>();
    Map<String, List<String>> want = new LinkedHashMap<>();
    for (String pattern : patterns.keySet()) {
      inboxes.put(pattern, subscribe(a, pattern));
      want.put(pattern, new ArrayList<>());
    }
    a.flush(WAIT);
    for (int i = 0; i < 100; i++) {
      for (String tail : new String[] {"", ".a", ".a.b", ".x.b", ".a.c", ".a.b.c"}) {
        String subject = p + tail;
        b.publish(subject, bytes(i));
        String text = subject + "=" + i;
        patterns.forEach((pattern, match) -> {
          if (match.test(subject)) {
            want.get(pattern).add(text);
          }
        });
      }
    }
    b.flush(WAIT);
    for (String pattern : patterns.keySet()) {
      inboxes.get(pattern).settle(a, want.get(pattern).size(), pattern);
      check(inboxes.get(pattern).texts().equals(want.get(pattern)), "%s: subjects, payloads or order differ", pattern);
    }

    Inbox raw = subscribe(a, SPACE + "raw");
    a.flush(WAIT);
    byte[] every = new byte[256];
    byte[] full = new byte[(int) b.getMaxPayload()];
    for (int i = 0; i < full.length; i++) {
      every[i % 256] = full[i] = (byte) i;
    }
    byte[][] payloads = {{}, bytes("\r\nPING\r\n"), every, full};
    for (byte[] payload : payloads) {
      b.publish(SPACE + "raw", payload);
    }
    b.flush(WAIT);
    raw.settle(a, payloads.length, "raw");
    for (int i = 0; i < payloads.length; i++) {
      check(Arrays.equals(payloads[i], raw.all().get(i).getData()), "payload %d changed on the way", i);
    }
  }

  static void requestReply() throws Exception {
    Connection a = connect();
    Connection b = connect();
    a.createDispatcher(m -> a.publish(m.getReplyTo(), bytes("re:" + text(m)))).subscribe(SPACE + "echo");
    Inbox silent = subscribe(a, SPACE + "silent");
    a.flush(WAIT);
    for (int i = 0; i < 100; i++) {
      String got = text(ask(b, SPACE + "echo", "one " + i));
      check(got.equals("re:one " + i), "asked one %d, got %s", i, got);
    }
    List<CompletableFuture<Message>> replies = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      replies.add(b.request(SPACE + "echo", bytes("many " + i)));
    }
    for (int i = 0; i < 100; i++) {
      String got = text(replies.get(i).get(WAIT.toMillis(), TimeUnit.MILLISECONDS));
      check(got.equals("re:many " + i), "asked many %d, got %s", i, got);
    }
    Connection reporting = connectReporting();
    try {
      reporting.request(SPACE + "silent", bytes("")).get(200, TimeUnit.MILLISECONDS);
      check(false, "a silent responder gave a reply");
    } catch (java.util.concurrent.TimeoutException expected) {
      silent.settle(a, 1, "silent");
    }
  }

  static void noResponders() throws Exception {
    Connection nc = connect();
    long begin = System.nanoTime();
    expectNoResponders(nc, SPACE + "nobody", "nobody there");
    long took = (System.nanoTime() - begin) / 1_000_000;
    check(took < 2000, "took %d ms", took);
    Dispatcher here = nc.createDispatcher(m -> nc.publish(m.getReplyTo(), bytes("here")));
    here.subscribe(SPACE + "nobody");
    String got = text(ask(nc, SPACE + "nobody", ""));
    check(got.equals("here"), "got %s", got);
    here.unsubscribe(SPACE + "nobody");
    nc.flush(WAIT);
    expectNoResponders(nc, SPACE + "nobody", "after unsubscribe");
  }

  static void queueGroup() throws Exception {
    final int total = 600;
    String subject = SPACE + "work";
    Connection pub = connect();
    Connection plainConn = connect();
    List<Connection> conns = new ArrayList<>();
    List<Inbox> members = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      conns.add(connect());
      members.add(subscribe(conns.get(i), subject, "workers"));
      conns.get(i).flush(WAIT);
    }
    Inbox other = subscribe(conns.get(0), subject, "other");
    conns.get(0).flush(WAIT);
    Inbox plain = subscribe(plainConn, subject);
    plainConn.flush(WAIT);
    for (int i = 0; i < total; i++) {
      pub.publish(subject, bytes(i));
    }
    pub.flush(WAIT);
    plain.settle(plainConn, total, "plain subscriber");
    other.settle(conns.get(0), total, "second group");
    settle(() -> members.stream().mapToInt(Inbox::size).sum(), total, "group");
    List<String> got = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      conns.get(i).flush(WAIT);
      check(members.get(i).size() > 0, "member %d received nothing", i);
      got.addAll(members.get(i).texts());
    }
    int distinct = new HashSet<>(got).size();
    check(got.size() == total && distinct == total,
        "%d deliveries of %d messages, want %d once each", got.size(), distinct, total);
  }

  static Map<String, List<String>> map(Headers headers) {
    Map<String, List<String>> out = new LinkedHashMap<>();
    if (headers != null) {
      headers.forEach(out::put);
    }
    return out;
  }

  static void headers() throws Exception {
    Connection a = connect();
    Connection b = connect();
    check(a.getServerInfo().isHeadersSupported(), "the server's INFO does not offer headers");
    Inbox inbox = subscribe(a, SPACE + "head");
    a.createDispatcher(m -> {
      Headers answer = new Headers().add("Answer-To", m.getHeaders().getFirst("Question"));
      a.publish(m.getReplyTo(), answer, m.getData());
    }).subscribe(SPACE + "headecho");
    a.flush(WAIT);
    Headers sent = new Headers()
        .add("X-One", "1")
        .add("X-Many", "a", "b")
        .add("lower-case", "keeps: case, and spaces");
    Headers bare = new Headers().add("Only", "header");
    b.publish(SPACE + "head", sent, bytes("body"));
    b.publish(SPACE + "head", bare, bytes(""));
    b.publish(SPACE + "head", bytes("no header"));
    b.flush(WAIT);
    inbox.settle(a, 3, "headers");
    Headers[] wantHeaders = {sent, bare, null};
    String[] wantBody = {"body", "", "no header"};
    for (int i = 0; i < 3; i++) {
      Message m = inbox.all().get(i);
      check(map(m.getHeaders()).equals(map(wantHeaders[i])), "headers %s, want %s",
          map(m.getHeaders()), map(wantHeaders[i]));
      check(text(m).equals(wantBody[i]), "payload %s, want %s", text(m), wantBody[i]);
    }
    Message question = NatsMessage.builder()
        .subject(SPACE + "headecho").headers(new Headers().add("Question", "why")).data("payload").build();
    Message m = b.request(question).get(WAIT.toMillis(), TimeUnit.MILLISECONDS);
    check("why".equals(m.getHeaders().getFirst("Answer-To")), "reply headers %s", map(m.getHeaders()));
    check(text(m).equals("payload"), "reply %s", text(m));
  }

  static void drain() throws Exception {
    // Everything published before the drain is handled, nothing after it arrives.
    final int own = 500;
    Connection pub = connect();
    Inbox watch = subscribe(pub, SPACE + "drained");
    pub.flush(WAIT);
    Connection nc = connect();
    Inbox slow = new Inbox();
    nc.createDispatcher(m -> {
      TimeUnit.MICROSECONDS.sleep(100);
      slow.add(m);
    }).subscribe(SPACE + "drain");
    for (int i = 0; i < own; i++) {
      nc.publish(SPACE + "drain", bytes(i));
      nc.publish(SPACE + "drained", bytes(i));
    }
    check(nc.drain(WAIT).get(WAIT.toMillis(), TimeUnit.MILLISECONDS), "the connection's drain timed out");
    check(nc.getStatus() == Connection.Status.CLOSED, "after the drain the connection is %s", nc.getStatus());
    check(slow.size() == own, "%d messages handled before close, want %d", slow.size(), own);
    watch.settle(pub, own, "published before the drain");
    expectNoResponders(pub, SPACE + "drain", "drained subscription");

    // A queue member that drains under load loses nothing and repeats nothing.
    final int total = 3000;
    Connection stay = connect();
    Connection leave = connect();
    Inbox inbox = new Inbox();
    stay.createDispatcher(inbox::add).subscribe(SPACE + "shift", "q");
    Dispatcher leaving = leave.createDispatcher(inbox::add);
    leaving.subscribe(SPACE + "shift", "q");
    stay.flush(WAIT);
    leave.flush(WAIT);
    CompletableFuture<Boolean> drained = null;
    for (int i = 0; i < total; i++) {
      pub.publish(SPACE + "shift", bytes(i));
      if (i == total / 2) {
        pub.flush(WAIT);
        drained = leaving.drain(WAIT);
      }
    }
    pub.flush(WAIT);
    check(drained.get(WAIT.toMillis(), TimeUnit.MILLISECONDS), "the member's drain timed out");
    settle(() -> new HashSet<>(inbox.texts()).size(), total, "queue member draining under load");
    check(inbox.size() == total, "%d deliveries of %d messages", inbox.size(), total);
  }

  static void flush() throws Exception {
    final int total = 2000;
    Connection a = connect();
    Connection b = connect();
    Subscription own = a.subscribe(SPACE + "flush");
    Inbox other = subscribe(b, SPACE + "flush");
    b.flush(WAIT);
    for (int i = 0; i < total; i++) {
      a.publish(SPACE + "flush", bytes(i));
    }
    a.flush(WAIT);
    // The PONG comes behind everything the server had for this connection.
    long pending = own.getPendingMessageCount();
    check(pending == total, "%d own messages ahead of the PONG, want %d", pending, total);
    other.settle(b, total, "other connection");
    for (int i = 0; i < total; i++) {
      check(text(other.all().get(i)).equals(Integer.toString(i)), "message %d differs", i);
      if (i > 0 && i % 100 == 0) {
        check(text(own.nextMessage(WAIT)).equals(Integer.toString(i / 100 - 1)), "own message differs");
      }
    }
    Duration rtt = a.RTT();
    check(!rtt.isNegative() && rtt.compareTo(WAIT) < 0, "RTT %s", rtt);
  }

  static void reconnect() throws Exception {
    CountDownLatch back = new CountDownLatch(1);
    ConnectionListener listener = (c, event) -> {
      // After RECONNECTED a flush may still come ahead of the subscriptions.
      if (event == ConnectionListener.Events.RESUBSCRIBED) {
        back.countDown();
      }
    };
    Connection nc = connect(options()
        .maxReconnects(-1)
        .reconnectWait(Duration.ofMillis(50))
        .reconnectJitter(Duration.ofMillis(10)) // with zero, jnats 2.25.3 never tries again
        .connectionListener(listener));
    Inbox plain = subscribe(nc, SPACE + "again.*");
    Inbox queue = subscribe(nc, SPACE + "again.*", "q");
    nc.createDispatcher(m -> nc.publish(m.getReplyTo(), m.getData())).subscribe(SPACE + "againecho");
    Inbox gone = new Inbox();
    Dispatcher unsubscribed = nc.createDispatcher(gone::add);
    unsubscribed.subscribe(SPACE + "again.*");
    unsubscribed.unsubscribe(SPACE + "again.*");
    nc.publish(SPACE + "again.x", bytes("before"));
    plain.settle(nc, 1, "before the restart");

    System.out.println("RESTART");
    String line = stdin.readLine();
    check("RESTARTED".equals(line), "driver said %s", line);
    check(back.await(WAIT.toMillis(), TimeUnit.MILLISECONDS), "no reconnect");
    nc.flush(WAIT);
    Connection fresh = connect();
    for (int i = 0; i < 50; i++) {
      nc.publish(SPACE + "again.own", bytes(i));
      fresh.publish(SPACE + "again.fresh", bytes(i));
    }
    fresh.flush(WAIT);
    plain.settle(nc, 101, "subscription after the restart");
    queue.settle(nc, 101, "queue subscription after the restart");
    String got = text(ask(fresh, SPACE + "againecho", "ping"));
    check(got.equals("ping"), "got %s", got);
    check(gone.size() == 0, "messages on a subscription that ended before the restart");
  }

  static void run(String name, Scenario scenario) throws Exception {
    try {
      scenario.run();
      System.out.println("ok " + name);
    } catch (Exception e) {
      failed = true;
      String reason = e instanceof IllegalStateException ? e.getMessage() : e.toString();
      System.out.println("FAIL " + name + ": " + String.valueOf(reason).replace('\n', ' '));
    }
    for (Connection nc : open) {
      nc.close();
    }
    open.clear();
  }

  public static void main(String[] args) throws Exception {
    url = args[0];
    run("pubsub_wildcards", Main::pubsubWildcards);
    run("request_reply", Main::requestReply);
    run("no_responders", Main::noResponders);
    run("queue_group", Main::queueGroup);
    run("headers", Main::headers);
    run("drain", Main::drain);
    run("flush", Main::flush);
    run("reconnect", Main::reconnect);
    System.exit(failed ? 1 : 0);
  }
}
