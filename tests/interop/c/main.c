// The eight scenarios of tests/interop with nats.c. See ../README.md for what it prints and reads.

#include <nats/nats.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kWaitMs = 10000, kConnectionsMax = 16, kInboxesMax = 64 };

#define SPACE "interop.c."

static const char *url;
static char reason[512];
static natsConnection *connections[kConnectionsMax];
static int connection_count;

// Each scenario returns true, or false with the reason in `reason`.
static bool Fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  return false;
}

#define CHECK(holds, ...)                   \
  do {                                      \
    if (!(holds)) return Fail(__VA_ARGS__); \
  } while (0)

#define OK(call)                                                                       \
  do {                                                                                 \
    natsStatus status_ = (call);                                                       \
    if (status_ != NATS_OK) return Fail("%s: %s", #call, natsStatus_GetText(status_)); \
  } while (0)

#define DO(call)               \
  do {                         \
    if (!(call)) return false; \
  } while (0)

// --- what a subscription received, in order ------------------------------------------------------

typedef struct {
  natsMsg **messages;
  int count;
  int capacity;
  int delay_ms;
} Inbox;

static pthread_mutex_t inbox_lock = PTHREAD_MUTEX_INITIALIZER;
static Inbox inboxes[kInboxesMax];
static int inbox_count;

static void OnMessage(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure) {
  (void)nc, (void)sub;
  Inbox *inbox = closure;
  if (inbox->delay_ms > 0) nats_Sleep(inbox->delay_ms);
  pthread_mutex_lock(&inbox_lock);
  if (inbox->count == inbox->capacity) {
    inbox->capacity = inbox->capacity ? inbox->capacity * 2 : 64;
    inbox->messages = realloc(inbox->messages, sizeof(natsMsg *) * (size_t)inbox->capacity);
    if (!inbox->messages) abort();
  }
  inbox->messages[inbox->count++] = msg;
  pthread_mutex_unlock(&inbox_lock);
}

static Inbox *NewInbox(void) {
  if (inbox_count == kInboxesMax) abort();
  Inbox *inbox = &inboxes[inbox_count++];
  memset(inbox, 0, sizeof *inbox);
  return inbox;
}

static int Count(Inbox *inbox) {
  pthread_mutex_lock(&inbox_lock);
  int count = inbox->count;
  pthread_mutex_unlock(&inbox_lock);
  return count;
}

static bool Await(Inbox **list, int length, int want, const char *what) {
  int64_t end = nats_Now() + kWaitMs;
  for (;;) {
    int sum = 0;
    for (int i = 0; i < length; i++) sum += Count(list[i]);
    if (sum >= want) return true;
    CHECK(nats_Now() < end, "%s: timeout with %d messages of %d", what, sum, want);
    nats_Sleep(1);
  }
}

// Returns once `want` messages are here and a further round trip brought no more.
static bool Settle(natsConnection *nc, Inbox *inbox, int want, const char *what) {
  DO(Await(&inbox, 1, want, what));
  OK(natsConnection_FlushTimeout(nc, kWaitMs));
  nats_Sleep(20);
  CHECK(Count(inbox) == want, "%s: %d messages, want %d", what, Count(inbox), want);
  return true;
}

static bool IsText(natsMsg *msg, const char *text) {
  return natsMsg_GetDataLength(msg) == (int)strlen(text) &&
         memcmp(natsMsg_GetData(msg), text, strlen(text)) == 0;
}

static bool IsNumber(natsMsg *msg, int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  return IsText(msg, text);
}

// --- connections and responders ------------------------------------------------------------------

static bool Connect(natsConnection **nc, natsOptions *options) {
  natsOptions *own = NULL;
  if (!options) {
    OK(natsOptions_Create(&own));
    options = own;
  }
  OK(natsOptions_SetURL(options, url));
  natsStatus status = natsConnection_Connect(nc, options);
  natsOptions_Destroy(own);
  OK(status);
  if (connection_count == kConnectionsMax) abort();
  connections[connection_count++] = *nc;
  return true;
}

static natsStatus PublishNumber(natsConnection *nc, const char *subject, int number) {
  char text[16];
  snprintf(text, sizeof text, "%d", number);
  return natsConnection_PublishString(nc, subject, text);
}

// Answers with the prefix in `closure` and the request's payload, and with its header Question as
// Answer-To.
static void OnRequest(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure) {
  (void)sub;
  char text[128];
  int length = snprintf(text, sizeof text, "%s%.*s", (const char *)closure,
                        natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
  natsMsg *reply = NULL;
  const char *question = NULL;
  if (natsMsg_Create(&reply, natsMsg_GetReply(msg), NULL, text, length) != NATS_OK) abort();
  if (natsMsgHeader_Get(msg, "Question", &question) == NATS_OK) {
    natsMsgHeader_Set(reply, "Answer-To", question);
  }
  natsConnection_PublishMsg(nc, reply);
  natsMsg_Destroy(reply);
  natsMsg_Destroy(msg);
}

static bool Ask(natsConnection *nc, const char *subject, const char *question, const char *want) {
  natsMsg *reply = NULL;
  OK(natsConnection_RequestString(&reply, nc, subject, question, kWaitMs));
  bool same = IsText(reply, want);
  CHECK(same, "asked %s, got %.*s", question, natsMsg_GetDataLength(reply), natsMsg_GetData(reply));
  natsMsg_Destroy(reply);
  return true;
}

static bool ExpectNoResponders(natsConnection *nc, const char *subject, const char *what) {
  natsMsg *reply = NULL;
  natsStatus status = natsConnection_RequestString(&reply, nc, subject, "x", kWaitMs);
  natsMsg_Destroy(reply);
  CHECK(status == NATS_NO_RESPONDERS, "%s: %s, want no responders", what,
        natsStatus_GetText(status));
  return true;
}

// --- the scenarios -------------------------------------------------------------------------------

static bool PubsubWildcards(void) {
  static const char *subjects[] = {"wild",     "wild.a",   "wild.a.b",
                                   "wild.x.b", "wild.a.c", "wild.a.b.c"};
  static const struct {
    const char *pattern;
    int matches[6];  // by index into subjects
  } patterns[] = {
      {"wild.a.b", {0, 0, 1, 0, 0, 0}}, {"wild.*.b", {0, 0, 1, 1, 0, 0}},
      {"wild.*.*", {0, 0, 1, 1, 1, 0}}, {"wild.>", {0, 1, 1, 1, 1, 1}},
      {"wild.*", {0, 1, 0, 0, 0, 0}},   {"wildx.>", {0, 0, 0, 0, 0, 0}},
  };
  enum { kPatterns = sizeof patterns / sizeof *patterns, kRounds = 100 };
  natsConnection *a, *b;
  natsSubscription *sub;
  Inbox *got[kPatterns];
  DO(Connect(&a, NULL));
  DO(Connect(&b, NULL));
  char subject[64];
  for (int p = 0; p < kPatterns; p++) {
    got[p] = NewInbox();
    snprintf(subject, sizeof subject, SPACE "%s", patterns[p].pattern);
    OK(natsConnection_Subscribe(&sub, a, subject, OnMessage, got[p]));
  }
  OK(natsConnection_FlushTimeout(a, kWaitMs));
  for (int i = 0; i < kRounds; i++) {
    for (int s = 0; s < 6; s++) {
      snprintf(subject, sizeof subject, SPACE "%s", subjects[s]);
      OK(PublishNumber(b, subject, i));
    }
  }
  OK(natsConnection_FlushTimeout(b, kWaitMs));
  for (int p = 0; p < kPatterns; p++) {
    int want = 0;
    for (int s = 0; s < 6; s++) want += kRounds * patterns[p].matches[s];
    DO(Settle(a, got[p], want, patterns[p].pattern));
    int next = 0;
    for (int i = 0; i < kRounds; i++) {
      for (int s = 0; s < 6; s++) {
        if (!patterns[p].matches[s]) continue;
        natsMsg *msg = got[p]->messages[next++];
        snprintf(subject, sizeof subject, SPACE "%s", subjects[s]);
        CHECK(strcmp(natsMsg_GetSubject(msg), subject) == 0 && IsNumber(msg, i),
              "%s: subjects, payloads or order differ", patterns[p].pattern);
      }
    }
  }

  Inbox *raw = NewInbox();
  OK(natsConnection_Subscribe(&sub, a, SPACE "raw", OnMessage, raw));
  OK(natsConnection_FlushTimeout(a, kWaitMs));
  int full = (int)natsConnection_GetMaxPayload(b);
  char *bytes = malloc((size_t)full);
  if (!bytes) abort();
  for (int i = 0; i < full; i++) bytes[i] = (char)i;
  const char *crlf = "\r\nPING\r\n";
  const struct {
    const char *data;
    int length;
  } payloads[] = {{"", 0}, {crlf, (int)strlen(crlf)}, {bytes, 256}, {bytes, full}};
  for (int i = 0; i < 4; i++) {
    OK(natsConnection_Publish(b, SPACE "raw", payloads[i].data, payloads[i].length));
  }
  OK(natsConnection_FlushTimeout(b, kWaitMs));
  DO(Settle(a, raw, 4, "raw"));
  for (int i = 0; i < 4; i++) {
    natsMsg *msg = raw->messages[i];
    CHECK(natsMsg_GetDataLength(msg) == payloads[i].length &&
              memcmp(natsMsg_GetData(msg), payloads[i].data, (size_t)payloads[i].length) == 0,
          "payload %d changed on the way", i);
  }
  free(bytes);
  return true;
}

typedef struct {
  natsConnection *nc;
  int number;
  bool passed;
} Asker;

static bool AskMany(Asker *asker) {
  char question[32], want[48];
  for (int i = 0; i < 10; i++) {
    snprintf(question, sizeof question, "many %d", asker->number * 10 + i);
    snprintf(want, sizeof want, "re:%s", question);
    DO(Ask(asker->nc, SPACE "echo", question, want));
  }
  return true;
}

static void *RunAsker(void *closure) {
  Asker *asker = closure;
  asker->passed = AskMany(asker);
  return NULL;
}

static bool RequestReply(void) {
  natsConnection *a, *b;
  natsSubscription *sub;
  DO(Connect(&a, NULL));
  DO(Connect(&b, NULL));
  Inbox *silent = NewInbox();
  OK(natsConnection_Subscribe(&sub, a, SPACE "echo", OnRequest, "re:"));
  OK(natsConnection_Subscribe(&sub, a, SPACE "silent", OnMessage, silent));
  OK(natsConnection_FlushTimeout(a, kWaitMs));
  char question[32], want[48];
  for (int i = 0; i < 100; i++) {
    snprintf(question, sizeof question, "one %d", i);
    snprintf(want, sizeof want, "re:%s", question);
    DO(Ask(b, SPACE "echo", question, want));
  }
  pthread_t threads[10];
  Asker askers[10];
  for (int i = 0; i < 10; i++) {
    askers[i] = (Asker){b, i, false};
    if (pthread_create(&threads[i], NULL, RunAsker, &askers[i]) != 0) abort();
  }
  bool passed = true;
  for (int i = 0; i < 10; i++) {
    pthread_join(threads[i], NULL);
    passed = passed && askers[i].passed;
  }
  DO(passed);
  natsMsg *reply = NULL;
  natsStatus status = natsConnection_RequestString(&reply, b, SPACE "silent", "", 200);
  natsMsg_Destroy(reply);
  CHECK(status == NATS_TIMEOUT, "a silent responder gave %s, want a timeout",
        natsStatus_GetText(status));
  return Settle(a, silent, 1, "silent");
}

static bool NoResponders(void) {
  natsConnection *nc;
  natsSubscription *sub;
  DO(Connect(&nc, NULL));
  int64_t begin = nats_Now();
  DO(ExpectNoResponders(nc, SPACE "nobody", "nobody there"));
  CHECK(nats_Now() - begin < 2000, "took %d ms", (int)(nats_Now() - begin));
  OK(natsConnection_Subscribe(&sub, nc, SPACE "nobody", OnRequest, "here"));
  DO(Ask(nc, SPACE "nobody", "", "here"));
  OK(natsSubscription_Unsubscribe(sub));
  return ExpectNoResponders(nc, SPACE "nobody", "after unsubscribe");
}

// Checks that the inboxes together hold each number below `total` once.
static bool EachOnce(Inbox **list, int length, int total) {
  char *seen = calloc((size_t)total, 1);
  if (!seen) abort();
  int deliveries = 0, distinct = 0;
  for (int i = 0; i < length; i++) {
    for (int m = 0; m < Count(list[i]); m++) {
      natsMsg *msg = list[i]->messages[m];
      char text[16];
      snprintf(text, sizeof text, "%.*s", natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
      int number = atoi(text);
      deliveries++;
      if (number >= 0 && number < total && !seen[number]) seen[number] = 1, distinct++;
    }
  }
  free(seen);
  CHECK(deliveries == total && distinct == total, "%d deliveries of %d messages, want %d once each",
        deliveries, distinct, total);
  return true;
}

static bool QueueGroup(void) {
  enum { kTotal = 600 };
  const char *subject = SPACE "work";
  natsConnection *pub, *plain_nc, *nc[3];
  natsSubscription *sub;
  Inbox *members[3], *other = NewInbox(), *plain = NewInbox();
  DO(Connect(&pub, NULL));
  DO(Connect(&plain_nc, NULL));
  for (int i = 0; i < 3; i++) {
    DO(Connect(&nc[i], NULL));
    members[i] = NewInbox();
    OK(natsConnection_QueueSubscribe(&sub, nc[i], subject, "workers", OnMessage, members[i]));
    OK(natsConnection_FlushTimeout(nc[i], kWaitMs));
  }
  OK(natsConnection_QueueSubscribe(&sub, nc[0], subject, "other", OnMessage, other));
  OK(natsConnection_FlushTimeout(nc[0], kWaitMs));
  OK(natsConnection_Subscribe(&sub, plain_nc, subject, OnMessage, plain));
  OK(natsConnection_FlushTimeout(plain_nc, kWaitMs));
  for (int i = 0; i < kTotal; i++) OK(PublishNumber(pub, subject, i));
  OK(natsConnection_FlushTimeout(pub, kWaitMs));
  DO(Settle(plain_nc, plain, kTotal, "plain subscriber"));
  DO(Settle(nc[0], other, kTotal, "second group"));
  DO(EachOnce(&other, 1, kTotal));
  DO(Await(members, 3, kTotal, "group"));
  for (int i = 0; i < 3; i++) {
    OK(natsConnection_FlushTimeout(nc[i], kWaitMs));
    CHECK(Count(members[i]) > 0, "member %d received nothing", i);
  }
  nats_Sleep(20);
  return EachOnce(members, 3, kTotal);
}

static bool HeaderIs(natsMsg *msg, const char *key, const char *first, const char *second) {
  const char **values = NULL;
  int count = 0;
  OK(natsMsgHeader_Values(msg, key, &values, &count));
  bool same = count == (second ? 2 : 1) && strcmp(values[0], first) == 0 &&
              (!second || strcmp(values[1], second) == 0);
  free((void *)values);
  CHECK(same, "header %s differs", key);
  return true;
}

static bool Headers(void) {
  natsConnection *a, *b;
  natsSubscription *sub;
  DO(Connect(&a, NULL));
  DO(Connect(&b, NULL));
  OK(natsConnection_HasHeaderSupport(a));
  Inbox *inbox = NewInbox();
  OK(natsConnection_Subscribe(&sub, a, SPACE "head", OnMessage, inbox));
  OK(natsConnection_Subscribe(&sub, a, SPACE "headecho", OnRequest, ""));
  OK(natsConnection_FlushTimeout(a, kWaitMs));

  natsMsg *msg;
  OK(natsMsg_Create(&msg, SPACE "head", NULL, "body", 4));
  OK(natsMsgHeader_Set(msg, "X-One", "1"));
  OK(natsMsgHeader_Add(msg, "X-Many", "a"));
  OK(natsMsgHeader_Add(msg, "X-Many", "b"));
  OK(natsMsgHeader_Set(msg, "lower-case", "keeps: case, and spaces"));
  OK(natsMsgHeader_Set(msg, "X-Unicode", "žluťoučký"));
  OK(natsConnection_PublishMsg(b, msg));
  natsMsg_Destroy(msg);
  OK(natsMsg_Create(&msg, SPACE "head", NULL, "", 0));
  OK(natsMsgHeader_Set(msg, "Only", "header"));
  OK(natsConnection_PublishMsg(b, msg));
  natsMsg_Destroy(msg);
  OK(natsConnection_PublishString(b, SPACE "head", "no header"));
  OK(natsConnection_FlushTimeout(b, kWaitMs));
  DO(Settle(a, inbox, 3, "headers"));

  const char **keys = NULL;
  int key_count = 0;
  OK(natsMsgHeader_Keys(inbox->messages[0], &keys, &key_count));
  free((void *)keys);
  CHECK(key_count == 4, "%d header keys, want 4", key_count);
  DO(HeaderIs(inbox->messages[0], "X-One", "1", NULL));
  DO(HeaderIs(inbox->messages[0], "X-Many", "a", "b"));
  DO(HeaderIs(inbox->messages[0], "lower-case", "keeps: case, and spaces", NULL));
  DO(HeaderIs(inbox->messages[0], "X-Unicode", "žluťoučký", NULL));
  CHECK(IsText(inbox->messages[0], "body"), "payload behind headers differs");
  DO(HeaderIs(inbox->messages[1], "Only", "header", NULL));
  CHECK(IsText(inbox->messages[1], ""), "empty payload behind a header differs");
  CHECK(natsMsgHeader_Keys(inbox->messages[2], &keys, &key_count) == NATS_NOT_FOUND,
        "a plain message has headers");
  CHECK(IsText(inbox->messages[2], "no header"), "plain payload differs");

  natsMsg *reply = NULL;
  OK(natsMsg_Create(&msg, SPACE "headecho", NULL, "payload", 7));
  OK(natsMsgHeader_Set(msg, "Question", "why"));
  OK(natsConnection_RequestMsg(&reply, b, msg, kWaitMs));
  DO(HeaderIs(reply, "Answer-To", "why", NULL));
  CHECK(IsText(reply, "payload"), "reply payload differs");
  natsMsg_Destroy(reply);
  natsMsg_Destroy(msg);
  return true;
}

static void OnEvent(natsConnection *nc, void *closure) {
  (void)nc;
  pthread_mutex_lock(&inbox_lock);
  ++*(int *)closure;
  pthread_mutex_unlock(&inbox_lock);
}

static bool AwaitEvent(const int *count, const char *what) {
  int64_t end = nats_Now() + kWaitMs;
  for (;;) {
    pthread_mutex_lock(&inbox_lock);
    int now = *count;
    pthread_mutex_unlock(&inbox_lock);
    if (now > 0) return true;
    CHECK(nats_Now() < end, "no %s within %d ms", what, kWaitMs);
    nats_Sleep(1);
  }
}

static bool Drain(void) {
  // Everything published before the drain is handled, nothing after it arrives.
  enum { kOwn = 500, kTotal = 3000 };
  static int closed;
  natsConnection *pub, *nc;
  natsSubscription *sub;
  natsOptions *options;
  Inbox *watch = NewInbox(), *slow = NewInbox();
  DO(Connect(&pub, NULL));
  OK(natsConnection_Subscribe(&sub, pub, SPACE "drained", OnMessage, watch));
  OK(natsConnection_FlushTimeout(pub, kWaitMs));
  OK(natsOptions_Create(&options));
  OK(natsOptions_SetClosedCB(options, OnEvent, &closed));
  DO(Connect(&nc, options));
  natsOptions_Destroy(options);
  slow->delay_ms = 1;
  OK(natsConnection_Subscribe(&sub, nc, SPACE "drain", OnMessage, slow));
  for (int i = 0; i < kOwn; i++) {
    OK(PublishNumber(nc, SPACE "drain", i));
    OK(PublishNumber(nc, SPACE "drained", i));
  }
  OK(natsConnection_DrainTimeout(nc, kWaitMs));
  DO(AwaitEvent(&closed, "close after the drain"));
  CHECK(Count(slow) == kOwn, "%d messages handled before close, want %d", Count(slow), kOwn);
  DO(Settle(pub, watch, kOwn, "published before the drain"));
  DO(ExpectNoResponders(pub, SPACE "drain", "drained subscription"));

  // A queue member that drains under load loses nothing and repeats nothing.
  natsConnection *stay, *leave;
  natsSubscription *leaving;
  Inbox *members[] = {NewInbox(), NewInbox()};
  DO(Connect(&stay, NULL));
  DO(Connect(&leave, NULL));
  OK(natsConnection_QueueSubscribe(&sub, stay, SPACE "shift", "q", OnMessage, members[0]));
  OK(natsConnection_QueueSubscribe(&leaving, leave, SPACE "shift", "q", OnMessage, members[1]));
  OK(natsConnection_FlushTimeout(stay, kWaitMs));
  OK(natsConnection_FlushTimeout(leave, kWaitMs));
  for (int i = 0; i < kTotal; i++) {
    OK(PublishNumber(pub, SPACE "shift", i));
    if (i == kTotal / 2) {
      OK(natsConnection_FlushTimeout(pub, kWaitMs));
      OK(natsSubscription_DrainTimeout(leaving, kWaitMs));
    }
  }
  OK(natsConnection_FlushTimeout(pub, kWaitMs));
  OK(natsSubscription_WaitForDrainCompletion(leaving, kWaitMs));
  DO(Await(members, 2, kTotal, "queue member draining under load"));
  OK(natsConnection_FlushTimeout(stay, kWaitMs));
  nats_Sleep(20);
  return EachOnce(members, 2, kTotal);
}

static bool Flush(void) {
  enum { kTotal = 2000 };
  natsConnection *a, *b;
  natsSubscription *own, *sub;
  Inbox *other = NewInbox();
  DO(Connect(&a, NULL));
  DO(Connect(&b, NULL));
  OK(natsConnection_SubscribeSync(&own, a, SPACE "flush"));
  OK(natsConnection_Subscribe(&sub, b, SPACE "flush", OnMessage, other));
  OK(natsConnection_FlushTimeout(b, kWaitMs));
  for (int i = 0; i < kTotal; i++) OK(PublishNumber(a, SPACE "flush", i));
  OK(natsConnection_FlushTimeout(a, kWaitMs));
  // The PONG comes behind everything the server had for this connection.
  int pending = 0;
  OK(natsSubscription_GetPending(own, &pending, NULL));
  CHECK(pending == kTotal, "%d own messages ahead of the PONG, want %d", pending, kTotal);
  DO(Settle(b, other, kTotal, "other connection"));
  for (int i = 0; i < kTotal; i++) {
    natsMsg *msg = NULL;
    OK(natsSubscription_NextMsg(&msg, own, kWaitMs));
    CHECK(IsNumber(msg, i) && IsNumber(other->messages[i], i), "message %d differs", i);
    natsMsg_Destroy(msg);
  }
  int64_t rtt_ns = -1;
  OK(natsConnection_GetRTT(a, &rtt_ns));
  CHECK(rtt_ns >= 0, "negative RTT");
  natsSubscription_Destroy(own);
  return true;
}

static bool Reconnect(void) {
  static int reconnected;
  natsConnection *nc, *fresh;
  natsSubscription *sub;
  natsOptions *options;
  Inbox *plain = NewInbox(), *queue = NewInbox(), *gone = NewInbox();
  OK(natsOptions_Create(&options));
  OK(natsOptions_SetMaxReconnect(options, -1));
  OK(natsOptions_SetReconnectWait(options, 50));
  OK(natsOptions_SetReconnectJitter(options, 0, 0));
  OK(natsOptions_SetReconnectedCB(options, OnEvent, &reconnected));
  DO(Connect(&nc, options));
  natsOptions_Destroy(options);
  OK(natsConnection_Subscribe(&sub, nc, SPACE "again.*", OnMessage, plain));
  OK(natsConnection_QueueSubscribe(&sub, nc, SPACE "again.*", "q", OnMessage, queue));
  OK(natsConnection_Subscribe(&sub, nc, SPACE "againecho", OnRequest, ""));
  OK(natsConnection_Subscribe(&sub, nc, SPACE "again.*", OnMessage, gone));
  OK(natsSubscription_Unsubscribe(sub));
  OK(natsConnection_PublishString(nc, SPACE "again.x", "before"));
  DO(Settle(nc, plain, 1, "before the restart"));

  puts("RESTART");
  fflush(stdout);
  char line[32] = "";
  CHECK(fgets(line, sizeof line, stdin) && strcmp(line, "RESTARTED\n") == 0, "driver said %s",
        line);
  DO(AwaitEvent(&reconnected, "reconnect"));
  OK(natsConnection_FlushTimeout(nc, kWaitMs));
  DO(Connect(&fresh, NULL));
  for (int i = 0; i < 50; i++) {
    OK(PublishNumber(nc, SPACE "again.own", i));
    OK(PublishNumber(fresh, SPACE "again.fresh", i));
  }
  OK(natsConnection_FlushTimeout(fresh, kWaitMs));
  DO(Settle(nc, plain, 101, "subscription after the restart"));
  DO(Settle(nc, queue, 101, "queue subscription after the restart"));
  DO(Ask(fresh, SPACE "againecho", "ping", "ping"));
  CHECK(Count(gone) == 0, "messages on a subscription that ended before the restart");
  return true;
}

static bool Run(const char *name, bool (*scenario)(void)) {
  bool passed = scenario();
  if (passed) {
    printf("ok %s\n", name);
  } else {
    printf("FAIL %s: %s\n", name, reason);
  }
  fflush(stdout);
  while (connection_count > 0) natsConnection_Destroy(connections[--connection_count]);
  return passed;
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  url = argv[1];
  bool passed = true;
  passed &= Run("pubsub_wildcards", PubsubWildcards);
  passed &= Run("request_reply", RequestReply);
  passed &= Run("no_responders", NoResponders);
  passed &= Run("queue_group", QueueGroup);
  passed &= Run("headers", Headers);
  passed &= Run("drain", Drain);
  passed &= Run("flush", Flush);
  passed &= Run("reconnect", Reconnect);
  return passed ? 0 : 1;
}
