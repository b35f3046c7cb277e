// A client of a cluster whose servers come and go, with nats.c. See ../README.md for what it prints.

#include <nats/nats.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { kNumbersMax = 1 << 20, kNamesMax = 16, kServersMax = 16, kTextMax = 256 };

#define MUST(call)                                                       \
  do {                                                                   \
    natsStatus status_ = (call);                                         \
    if (status_ != NATS_OK) {                                            \
      printf("error %s: %s\n", #call, natsStatus_GetText(status_));      \
      exit(1);                                                           \
    }                                                                    \
  } while (0)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static double Now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// --- what came of a row of numbers: each once, and no long silence -------------------------------

typedef struct {
  int sent, came, refused;
  double last, gap;
  unsigned char times[kNumbersMax];
  bool was_refused[kNumbersMax];
} Stream;

static Stream messages, requests;

static void Came(Stream *stream, int number) {
  pthread_mutex_lock(&lock);
  const double now = Now();
  if (stream->last > 0 && now - stream->last > stream->gap) stream->gap = now - stream->last;
  stream->last = now;
  if (number > 0 && number < kNumbersMax && stream->times[number]++ == 0) stream->came++;
  pthread_mutex_unlock(&lock);
}

static void PrintStream(const char *name, const Stream *stream) {
  int twice = 0;
  for (int i = 1; i <= stream->sent; ++i) {
    if (stream->times[i] > 1) twice += stream->times[i] - 1;
  }
  printf("\"%s\": {\"sent\": %d, \"came\": %d, \"twice\": %d, \"refused\": %d, \"gap_ms\": %d, ", name,
         stream->sent, stream->came, twice, stream->refused, (int)(stream->gap * 1000));
  printf("\"missing\": [");
  const char *comma = "";
  for (int i = 1; i <= stream->sent; ++i) {
    if (stream->times[i] > 0 || stream->was_refused[i]) continue;
    printf("%s%d", comma, i);
    comma = ", ";
  }
  printf("]}, ");
}

// --- which requests of whom have been answered here ----------------------------------------------

typedef struct {
  char name[32];
  int count;
  int numbers[kNumbersMax];
} Asker;

static Asker *askers[kNamesMax];

static void Handled(const char *name, int number) {
  pthread_mutex_lock(&lock);
  for (int i = 0; i < kNamesMax; ++i) {
    if (askers[i] == NULL) {
      askers[i] = calloc(1, sizeof(Asker));
      snprintf(askers[i]->name, sizeof askers[i]->name, "%.31s", name);
    }
    if (strcmp(askers[i]->name, name) != 0) continue;
    if (askers[i]->count < kNumbersMax) askers[i]->numbers[askers[i]->count++] = number;
    break;
  }
  pthread_mutex_unlock(&lock);
}

static void PrintHandled(void) {
  printf("\"handled\": {");
  for (int i = 0; i < kNamesMax && askers[i] != NULL; ++i) {
    printf("%s\"%s\": [", i > 0 ? ", " : "", askers[i]->name);
    for (int k = 0; k < askers[i]->count; ++k) {
      printf("%s%d", k > 0 ? ", " : "", askers[i]->numbers[k]);
    }
    printf("]");
  }
  printf("}");
}

// --- the connections -----------------------------------------------------------------------------

static void Text(natsMsg *msg, char *text, size_t size) {
  snprintf(text, size, "%.*s", natsMsg_GetDataLength(msg), natsMsg_GetData(msg));
}

static void OnData(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure) {
  (void)nc, (void)sub, (void)closure;
  char text[kTextMax];
  Text(msg, text, sizeof text);
  Came(&messages, atoi(text));
  natsMsg_Destroy(msg);
}

static void OnAsked(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure) {
  (void)sub, (void)closure;
  char text[kTextMax];
  Text(msg, text, sizeof text);
  char *number = strchr(text, ' ');
  if (number != NULL) {
    *number++ = '\0';
    Handled(text, atoi(number));
    natsConnection_PublishString(nc, natsMsg_GetReply(msg), "");
  }
  natsMsg_Destroy(msg);
}

static void OnAnswer(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *closure) {
  (void)nc, (void)sub, (void)closure;
  const int number = atoi(strrchr(natsMsg_GetSubject(msg), '.') + 1);
  if (natsMsg_IsNoResponders(msg)) {
    pthread_mutex_lock(&lock);
    requests.refused++;
    if (number < kNumbersMax) requests.was_refused[number] = true;
    pthread_mutex_unlock(&lock);
  } else {
    Came(&requests, number);
  }
  natsMsg_Destroy(msg);
}

static natsConnection *Dial(char *urls) {
  char copy[4096];
  snprintf(copy, sizeof copy, "%s", urls);
  const char *servers[kServersMax];
  int count = 0;
  for (char *url = strtok(copy, ","); url != NULL && count < kServersMax; url = strtok(NULL, ",")) {
    servers[count++] = url;
  }
  natsOptions *options = NULL;
  natsConnection *nc = NULL;
  MUST(natsOptions_Create(&options));
  MUST(natsOptions_SetServers(options, servers, count));
  MUST(natsOptions_SetMaxReconnect(options, -1));
  MUST(natsConnection_Connect(&nc, options));
  natsOptions_Destroy(options);
  return nc;
}

static void *WaitForLine(void *stopped) {
  char line[16];
  if (fgets(line, sizeof line, stdin) == NULL) line[0] = '\0';
  pthread_mutex_lock(&lock);
  *(int *)stopped = 1;
  pthread_mutex_unlock(&lock);
  return NULL;
}

static int IsSet(const int *flag) {
  pthread_mutex_lock(&lock);
  const int value = *flag;
  pthread_mutex_unlock(&lock);
  return value;
}

// Publishes to itself, asks, and answers whoever asks, until stdin says so.
static void Load(char *urls, const char *name, const char *subject, int rate) {
  char data[kTextMax], ask[kTextMax], text[kTextMax], replies[kTextMax], reply[kTextMax + 16];
  snprintf(data, sizeof data, "%s.data.%s", subject, name);
  snprintf(ask, sizeof ask, "%s.ask", subject);
  natsSubscription *sub = NULL;
  natsInbox *inbox = NULL;
  natsConnection *receiver = Dial(urls), *requester = Dial(urls), *publisher = Dial(urls);
  MUST(natsConnection_Subscribe(&sub, receiver, data, OnData, NULL));
  MUST(natsConnection_Flush(receiver));
  for (int i = 0; i < 2; ++i) {
    natsConnection *responder = Dial(urls);
    MUST(natsConnection_QueueSubscribe(&sub, responder, ask, "responders", OnAsked, NULL));
    MUST(natsConnection_Flush(responder));
  }
  MUST(natsInbox_Create(&inbox));
  snprintf(replies, sizeof replies, "%s.*", inbox);
  MUST(natsConnection_Subscribe(&sub, requester, replies, OnAnswer, NULL));
  MUST(natsConnection_Flush(requester));
  puts("ready");
  fflush(stdout);

  int stopped = 0;
  WaitForLine(&stopped);
  stopped = 0;
  pthread_t waiter;
  pthread_create(&waiter, NULL, WaitForLine, &stopped);
  const double begin = Now();
  for (int number = 1; !IsSet(&stopped) && number < kNumbersMax; ++number) {
    pthread_mutex_lock(&lock);
    messages.sent = requests.sent = number;
    pthread_mutex_unlock(&lock);
    snprintf(text, sizeof text, "%d", number);
    natsConnection_PublishString(publisher, data, text);
    snprintf(text, sizeof text, "%s %d", name, number);
    snprintf(reply, sizeof reply, "%s.%d", inbox, number);
    natsConnection_PublishRequestString(requester, ask, reply, text);
    const double left = begin + (double)number / rate - Now();
    if (left > 0) nats_Sleep((int64_t)(left * 1000) + 1);
  }
  nats_Sleep(2000);  // what is on its way may arrive
  pthread_mutex_lock(&lock);
  printf("report {");
  PrintStream("messages", &messages);
  PrintStream("requests", &requests);
  PrintHandled();
  puts("}");
  fflush(stdout);
  exit(0);
}

int main(int argc, char **argv) {
  if (argc != 6 || strcmp(argv[1], "load") != 0) {
    fprintf(stderr, "usage: roam load URLS NAME SUBJECT RATE\n");
    return 2;
  }
  Load(argv[2], argv[3], argv[4], atoi(argv[5]));
  return 0;
}
