#include "delivery_run.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <sys/epoll.h>

namespace delivery {
namespace {

using Clock = std::chrono::steady_clock;
using raw::Frame;
using raw::Verb;

constexpr size_t kBatchBytes = 128 << 10;
constexpr size_t kMaxPayload = 1 << 20;  // the server's default, headers included
constexpr std::string_view kHello =
    R"("verbose":false,"pedantic":false,"protocol":1,"name":"delivery-checker","lang":"c++",)"
    R"("version":"1","headers":)";

/// A source of repeatable randomness (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15ull;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t limit) { return Next() % limit; }

 private:
  uint64_t state_;
};

/// Bytes on their way to one subscriber connection or one queue group, for back-pressure.
struct Receiver {
  uint64_t published_bytes = 0;
  uint64_t received_bytes = 0;
  uint64_t outstanding() const {
    return published_bytes - std::min(received_bytes, published_bytes);
  }
};

struct Stream {
  uint32_t publisher;
  std::string subject;
  uint64_t messages;
  uint64_t published = 0;
  std::vector<uint32_t> receivers = {};  // may name one twice: two subscriptions, two copies
  std::vector<uint32_t> subscriptions = {};
  std::vector<uint32_t> groups = {};
};

struct Publisher {
  raw::Connection connection;
  std::vector<uint32_t> streams;
  std::vector<uint32_t> receivers;  // each once
  uint64_t published = 0;
  uint64_t messages = 0;  // over its streams
  std::unique_ptr<char[]> batch;
  size_t batch_bytes = 0;
  size_t batch_at = 0;
  bool blocked = false;    // waits for EPOLLOUT
  bool pong_owed = false;  // a PONG may not land inside a message that is half written
  bool ponged = false;
};

struct Subscription {
  std::string filter;
  std::string queue;
  uint32_t connection;
  uint32_t group;                   // an index, when `queue` is not empty
  std::vector<StreamTrack> tracks;  // plain: by stream
};

struct Group {
  std::string queue;
  std::string filter;
  std::vector<GroupTrack> tracks;  // by stream
};

struct Subscriber {
  raw::Connection connection;
  bool headers = true;
  std::vector<uint64_t> order;  // by publisher: the next publisher_seq that is not a step back
  bool ponged = false;
};

/// Walks greeting → subscribing → receiving → leaving, then again or through a new connection.
struct Churner {
  enum class State : uint8_t { kGreeting, kSubscribing, kReceiving, kLeaving };
  raw::Connection connection;
  std::string filter;
  std::string queue;
  uint32_t group = 0;
  State state = State::kGreeting;
  uint64_t sid = 0;
  uint64_t wanted = 0;              // messages of this epoch
  uint64_t auto_unsub = 0;          // the server ends the epoch after so many; 0: we do
  uint64_t received = 0;            // of this epoch
  uint64_t received_early = 0;      // of those, before the PONG
  Clock::time_point give_up;        // end the epoch even with fewer
  std::vector<uint64_t> published;  // by stream, when SUB was answered
  std::vector<StreamTrack> tracks;  // by stream
  std::vector<bool> begun;          // by stream
  std::vector<uint64_t> order;      // by publisher
};

class Run {
 public:
  Run(const Plan& plan, const RunOptions& options);
  Report Finish();

 private:
  enum class Phase : uint8_t { kPublish, kFlushPublishers, kFlushSubscribers, kSettle, kDone };

  void BuildStreams();
  void BuildNoise();
  bool ConnectAll();
  bool ConnectSubscriber(uint32_t index);
  bool CanPublishNow() const;
  void Loop();
  void Step(Clock::time_point now);
  void OnEvent(uint64_t id, uint32_t events);
  void Watch(raw::Connection& connection, uint64_t id);
  void Arm(raw::Connection& connection, uint64_t id, bool write);

  bool MayPublish(const Publisher& publisher) const;
  void PublishAll();
  void Fill(Publisher& publisher);
  size_t AppendMessage(char* at, Publisher& publisher, Stream& stream, uint32_t stream_index);
  size_t PayloadBytes(uint32_t stream, uint64_t seq) const;
  void Write(uint32_t index);

  bool OnPublisherFrame(Publisher& publisher, const Frame& frame);
  bool OnSubscriberFrame(uint32_t index, const Frame& frame);
  bool OnControl(raw::Connection& connection, const Frame& frame, const char* who, size_t index);
  const Stamp* CheckPayload(const Frame& frame, bool headers, Stamp& stamp);
  void TakePlain(Subscription& subscription, Subscriber& subscriber, const Stamp& stamp);
  void TakeMember(Group& group, std::vector<uint64_t>& order, const Stamp& stamp);
  void CheckOrder(std::vector<uint64_t>& order, const Stamp& stamp, std::string_view where);

  void StartChurner(uint32_t index);
  void Subscribe(Churner& churner);
  void Leave(Churner& churner);
  bool EndEpoch(uint32_t index);
  bool OnChurnerFrame(uint32_t index, const Frame& frame);
  void TakeChurned(Churner& churner, const Stamp& stamp);
  void TickChurners(Clock::time_point now);

  void CountLost();
  void Break(std::string why);

  RunOptions options_;
  const Plan& plan_;
  Report report_;
  Phase phase_ = Phase::kPublish;
  int epoll_ = -1;
  raw::Scratch scratch_;
  Random random_;
  std::vector<char> noise_;
  std::vector<Stream> streams_;
  std::vector<Subscription> subscriptions_;
  std::vector<Group> groups_;
  std::vector<Receiver> receivers_;  // subscribers first, then groups
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::unique_ptr<Churner>> churners_;
  uint64_t expected_ = 0;   // deliveries to everybody but the plain churners
  uint64_t delivered_ = 0;  // the same, so far
  uint64_t writes_ = 0;     // by publishers
  Clock::time_point started_;
  Clock::time_point settle_until_;
};

// An event's id is the side in the upper half and the index in the lower.
constexpr uint64_t kPublisherSide = 0;
constexpr uint64_t kSubscriberSide = 1ull << 32;
constexpr uint64_t kChurnerSide = 2ull << 32;

Run::Run(const Plan& plan, const RunOptions& options)
    : options_(options), plan_(plan), random_(options.seed) {
  BuildStreams();
  BuildNoise();
}

void Run::BuildStreams() {
  for (const auto& [publisher, subject, messages] : plan_.streams) {
    streams_.push_back({.publisher = publisher, .subject = subject, .messages = messages});
  }
  const auto group_of = [this](const std::string& queue, const std::string& filter) {
    const auto same = [&](const Group& group) { return group.queue == queue; };
    const auto found = std::find_if(groups_.begin(), groups_.end(), same);
    const auto index = static_cast<uint32_t>(found - groups_.begin());
    if (found == groups_.end()) {
      groups_.push_back({.queue = queue, .filter = filter, .tracks = {}});
      for (const Stream& stream : streams_) groups_.back().tracks.emplace_back(stream.messages);
    }
    return index;
  };
  for (const auto& [connection, filter, queue] : plan_.subscriptions) {
    const uint32_t group = queue.empty() ? 0 : group_of(queue, filter);
    subscriptions_.push_back({.filter = filter,
                              .queue = queue,
                              .connection = connection,
                              .group = group,
                              .tracks = std::vector<StreamTrack>(streams_.size())});
  }
  for (const auto& [filter, queue] : plan_.churners) {
    churners_.push_back(std::make_unique<Churner>());
    churners_.back()->filter = filter;
    churners_.back()->queue = queue;
    if (!queue.empty()) churners_.back()->group = group_of(queue, filter);
  }

  receivers_.resize(plan_.subscribers + groups_.size());
  for (uint32_t i = 0; i < plan_.publishers; ++i) {
    publishers_.push_back(std::make_unique<Publisher>());
  }
  for (uint32_t index = 0; index < streams_.size(); ++index) {
    Stream& stream = streams_[index];
    for (uint32_t i = 0; i < subscriptions_.size(); ++i) {
      if (!subscriptions_[i].queue.empty()) continue;
      if (!Matches(subscriptions_[i].filter, stream.subject)) continue;
      stream.subscriptions.push_back(i);
      stream.receivers.push_back(subscriptions_[i].connection);
    }
    for (uint32_t i = 0; i < groups_.size(); ++i) {
      if (!Matches(groups_[i].filter, stream.subject)) continue;
      stream.groups.push_back(i);
      stream.receivers.push_back(plan_.subscribers + i);
    }
    expected_ += stream.messages * stream.receivers.size();
    Publisher& publisher = *publishers_[stream.publisher];
    publisher.streams.push_back(index);
    publisher.messages += stream.messages;
    publisher.receivers.insert(publisher.receivers.end(), stream.receivers.begin(),
                               stream.receivers.end());
  }
  for (auto& publisher : publishers_) {
    std::sort(publisher->receivers.begin(), publisher->receivers.end());
    const auto end = std::unique(publisher->receivers.begin(), publisher->receivers.end());
    publisher->receivers.erase(end, publisher->receivers.end());
    publisher->batch =
        std::make_unique_for_overwrite<char[]>(kBatchBytes + plan_.payload_max + 1024);
  }
}

// Payload bytes are a window into this block; every byte value occurs, CR and LF among them.
void Run::BuildNoise() {
  Random noise(options_.seed ^ 0x6e6f697365);
  noise_.resize(plan_.payload_max + 8192);
  for (char& byte : noise_) byte = static_cast<char>(noise.Next());
}

void Run::Break(std::string why) {
  report_.Note(std::move(why));
  report_.broken = true;
  phase_ = Phase::kDone;
}

// ------------------------------------------------------------------------------- connecting

void Run::Watch(raw::Connection& connection, uint64_t id) {
  epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event);
}

void Run::Arm(raw::Connection& connection, uint64_t id, bool write) {
  epoll_event event{.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.u64 = id}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd(), &event);
}

bool Run::ConnectSubscriber(uint32_t index) {
  Subscriber& subscriber = *subscribers_[index];
  const std::string hello = std::string(kHello) + (subscriber.headers ? "true" : "false");
  raw::Connection& connection = subscriber.connection;
  if (!connection.Open(options_.server) || !connection.Handshake(hello, scratch_)) return false;
  std::string subscribe;
  for (size_t i = 0; i < subscriptions_.size(); ++i) {
    const Subscription& subscription = subscriptions_[i];
    if (subscription.connection != index) continue;
    subscribe += "SUB " + subscription.filter + " ";
    if (!subscription.queue.empty()) subscribe += subscription.queue + " ";
    subscribe += std::to_string(i + 1) + "\r\n";
  }
  return connection.Send(subscribe) && connection.RoundTrip(scratch_);
}

bool Run::ConnectAll() {
  for (uint32_t i = 0; i < plan_.subscribers; ++i) {
    subscribers_.push_back(std::make_unique<Subscriber>());
    subscribers_[i]->headers = !(plan_.odd_forms && i % 3 == 1);
    subscribers_[i]->order.resize(publishers_.size());
    if (!ConnectSubscriber(i)) {
      Break("subscriber " + std::to_string(i) + " cannot connect or subscribe: " + strerror(errno) +
            " " + subscribers_[i]->connection.error());
      return false;
    }
    Watch(subscribers_[i]->connection, kSubscriberSide | i);
  }
  for (uint32_t i = 0; i < publishers_.size(); ++i) {
    raw::Connection& connection = publishers_[i]->connection;
    const std::string hello = std::string(kHello) + "true";
    if (!connection.Open(options_.server) || !connection.Handshake(hello, scratch_)) {
      Break("publisher " + std::to_string(i) + " cannot connect: " + strerror(errno) + " " +
            connection.error());
      return false;
    }
    Watch(connection, kPublisherSide | i);
  }
  for (uint32_t i = 0; i < churners_.size(); ++i) StartChurner(i);
  return true;
}

// ------------------------------------------------------------------------------- publishing

// Most are small; one in 64 lies beside a power of two, where buffers end; a few are of full size.
size_t Run::PayloadBytes(uint32_t stream, uint64_t seq) const {
  const size_t low = plan_.payload_min;
  const size_t high = plan_.payload_max;
  if (low == high) return low;
  Random random(seq * 1000003 + stream + options_.seed);
  const uint64_t dice = random.Next();
  if (dice % 8192 == 0) return high;
  if (dice % 64 == 1) {
    const uint64_t edge = 1ull << (5 + (dice >> 8) % 16);
    return std::clamp<size_t>(edge + (dice >> 16) % 3 - 1, low, high);
  }
  const double uniform = static_cast<double>(random.Next() >> 11) / 9007199254740992.0;
  const double ratio = static_cast<double>(high) / static_cast<double>(low);
  const double bytes = static_cast<double>(low) * std::pow(ratio, std::pow(uniform, 12));
  return std::clamp(static_cast<size_t>(bytes), low, high);
}

char* Put(char* at, std::string_view text) {
  if (text.empty()) return at;  // its pointer may be null
  memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* PutNumber(char* at, uint64_t number) { return std::to_chars(at, at + 20, number).ptr; }

enum class Form : uint8_t { kPlain, kReply, kHeaders };

Form FormOf(bool odd_forms, uint64_t seq) {
  if (!odd_forms) return Form::kPlain;
  return seq % 8 == 5 ? Form::kReply : seq % 8 == 6 ? Form::kHeaders : Form::kPlain;
}

std::string_view ReplyOf(uint64_t seq, std::span<char, 64> space) {
  char* const end = PutNumber(Put(space.data(), "_INBOX.check."), seq);
  return {space.data(), static_cast<size_t>(end - space.data())};
}

std::string_view HeadersOf(uint64_t seq, std::span<char, 64> space) {
  char* const end = Put(PutNumber(Put(space.data(), "NATS/1.0\r\nSeq: "), seq), "\r\n\r\n");
  return {space.data(), static_cast<size_t>(end - space.data())};
}

/// Writes one PUB or HPUB at `at`; returns its payload's size.
size_t Run::AppendMessage(char* at, Publisher& publisher, Stream& stream, uint32_t stream_index) {
  char* const begin = at;
  const uint64_t seq = stream.published;
  size_t bytes = PayloadBytes(stream_index, seq);
  const Form form = FormOf(plan_.odd_forms, seq);
  char space[64];
  std::string_view headers;
  at = Put(at, form == Form::kHeaders ? "HPUB " : "PUB ");
  at = Put(at, stream.subject);
  *at++ = ' ';
  if (form == Form::kReply) {
    at = Put(at, ReplyOf(seq, space));
    *at++ = ' ';
  } else if (form == Form::kHeaders) {
    headers = HeadersOf(seq, space);
    bytes = std::min(bytes, kMaxPayload - headers.size());
    at = PutNumber(at, headers.size());
    *at++ = ' ';
  }
  at = PutNumber(at, headers.size() + bytes);
  at = Put(at, "\r\n");
  at = Put(at, headers);

  Stamp stamp{.publisher = stream.publisher,
              .stream = stream_index,
              .stream_seq = seq,
              .publisher_seq = publisher.published,
              .hash = 0};
  memcpy(at, &stamp, sizeof(stamp));
  const size_t noise_at = (seq * 1021 + uint64_t{stream_index} * 17) % 8192;
  memcpy(at + sizeof(stamp), noise_.data() + noise_at, bytes - sizeof(stamp));
  stamp.hash = HashPayload({at, bytes});
  memcpy(at + offsetof(Stamp, hash), &stamp.hash, sizeof(stamp.hash));
  at = Put(at + bytes, "\r\n");

  ++stream.published;
  ++publisher.published;
  publisher.batch_bytes += static_cast<size_t>(at - begin);
  return bytes;
}

bool Run::MayPublish(const Publisher& publisher) const {
  if (publisher.published == publisher.messages) return false;
  for (const uint32_t receiver : publisher.receivers) {
    if (receivers_[receiver].outstanding() > options_.window_bytes) return false;
  }
  return true;
}

void Run::Fill(Publisher& publisher) {
  publisher.batch_at = publisher.batch_bytes = 0;
  const size_t count = publisher.streams.size();
  while (publisher.batch_bytes < kBatchBytes && publisher.published < publisher.messages) {
    // Streams of one publisher take turns; they are equally long, give or take the remainder.
    uint32_t index = publisher.streams[publisher.published % count];
    for (size_t i = 0; streams_[index].published == streams_[index].messages; ++i) {
      index = publisher.streams[i];
    }
    Stream& stream = streams_[index];
    char* const at = publisher.batch.get() + publisher.batch_bytes;
    const size_t bytes = AppendMessage(at, publisher, stream, index);
    for (const uint32_t receiver : stream.receivers) receivers_[receiver].published_bytes += bytes;
  }
}

void Run::Write(uint32_t index) {
  Publisher& publisher = *publishers_[index];
  while (publisher.batch_at < publisher.batch_bytes) {
    const ssize_t sent = send(publisher.connection.fd(), publisher.batch.get() + publisher.batch_at,
                              publisher.batch_bytes - publisher.batch_at, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return Break("publisher " + std::to_string(index) + " cannot write: " + strerror(errno));
    }
    if (sent < 0) {
      if (!publisher.blocked) Arm(publisher.connection, kPublisherSide | index, true);
      publisher.blocked = true;
      return;
    }
    ++writes_;
    publisher.batch_at += static_cast<size_t>(sent);
  }
  if (publisher.blocked) Arm(publisher.connection, kPublisherSide | index, false);
  publisher.blocked = false;
  publisher.batch_at = publisher.batch_bytes = 0;
  if (publisher.pong_owed) publisher.connection.Send("PONG\r\n");
  publisher.pong_owed = false;
}

void Run::PublishAll() {
  bool finished = true;
  for (uint32_t i = 0; i < publishers_.size(); ++i) {
    Publisher& publisher = *publishers_[i];
    const bool idle = publisher.batch_bytes == 0 && !publisher.connection.blocked();
    if (idle && MayPublish(publisher)) {
      Fill(publisher);
      Write(i);
    }
    finished = finished && publisher.published == publisher.messages && publisher.batch_bytes == 0;
  }
  if (!finished || phase_ != Phase::kPublish) return;
  phase_ = Phase::kFlushPublishers;
  for (auto& publisher : publishers_) {
    if (!publisher->connection.Send("PING\r\n")) Break("a publisher cannot write");
  }
}

// ------------------------------------------------------------------------------- receiving

bool Run::OnControl(raw::Connection& connection, const Frame& frame, const char* who,
                    size_t index) {
  if (frame.verb == Verb::kPing) return connection.Send("PONG\r\n");
  if (frame.verb != Verb::kErr) return true;
  Break(std::string(who) + " " + std::to_string(index) + " was told " + std::string(frame.text));
  return false;
}

bool Run::OnPublisherFrame(Publisher& publisher, const Frame& frame) {
  if (frame.verb == Verb::kPing && publisher.batch_bytes != 0) {
    publisher.pong_owed = true;
    return true;
  }
  if (frame.verb == Verb::kPong) publisher.ponged = true;
  return OnControl(publisher.connection, frame, "a publisher", 0);
}

/// Nullptr if the payload is not one of ours, or not as it was sent.
const Stamp* Run::CheckPayload(const Frame& frame, bool headers, Stamp& stamp) {
  const std::string_view payload = frame.payload;
  const char* wrong = nullptr;
  if (payload.size() >= sizeof(Stamp)) memcpy(&stamp, payload.data(), sizeof(stamp));
  if (payload.size() < sizeof(Stamp)) {
    wrong = "too short";
  } else if (HashPayload(payload) != stamp.hash) {
    wrong = "bytes differ";
  } else if (stamp.stream >= streams_.size() ||
             stamp.stream_seq >= streams_[stamp.stream].published) {
    wrong = "never published";
  } else if (frame.subject != streams_[stamp.stream].subject) {
    wrong = "wrong subject";
  } else {
    char space[64];
    const Form form = FormOf(plan_.odd_forms, stamp.stream_seq);
    const bool with_headers = form == Form::kHeaders && headers;
    if (frame.reply != (form == Form::kReply ? ReplyOf(stamp.stream_seq, space) : "")) {
      wrong = "wrong reply";
    } else if (frame.headers != (with_headers ? HeadersOf(stamp.stream_seq, space) : "")) {
      wrong = "wrong headers";
    }
  }
  if (wrong == nullptr) return &stamp;
  ++report_.corrupted;
  report_.Note("corrupted: " + std::string(wrong) + ", sid " + std::to_string(frame.sid) +
               " subject " + std::string(frame.subject) + " publisher " +
               std::to_string(stamp.publisher) + " sequence " + std::to_string(stamp.stream_seq) +
               " size " + std::to_string(payload.size()));
  return nullptr;
}

std::string Where(const Stamp& stamp, std::string_view where) {
  return "publisher " + std::to_string(stamp.publisher) + " stream " +
         std::to_string(stamp.stream) + " sequence " + std::to_string(stamp.stream_seq) + " at " +
         std::string(where);
}

// One publisher connection to one subscriber connection is first in, first out. Equal is fine: two
// subscriptions of the connection that both match.
void Run::CheckOrder(std::vector<uint64_t>& order, const Stamp& stamp, std::string_view where) {
  uint64_t& last = order[stamp.publisher];
  if (stamp.publisher_seq < last) {
    ++report_.reordered;
    report_.Note("reordered: " + Where(stamp, where) + ", after publisher sequence " +
                 std::to_string(last));
    return;
  }
  last = stamp.publisher_seq;
}

void Run::TakePlain(Subscription& subscription, Subscriber& subscriber, const Stamp& stamp) {
  const Verdict verdict = subscription.tracks[stamp.stream].Take(stamp.stream_seq);
  if (verdict == Verdict::kDuplicate) {
    ++report_.duplicated;
    return report_.Note("duplicated: " + Where(stamp, subscription.filter));
  }
  ++delivered_;
  CheckOrder(subscriber.order, stamp, subscription.filter);
}

void Run::TakeMember(Group& group, std::vector<uint64_t>& order, const Stamp& stamp) {
  if (!group.tracks[stamp.stream].Take(stamp.stream_seq)) {
    ++report_.duplicated;
    return report_.Note("duplicated: " + Where(stamp, "group " + group.queue));
  }
  ++delivered_;
  CheckOrder(order, stamp, group.queue);
}

bool Run::OnSubscriberFrame(uint32_t index, const Frame& frame) {
  Subscriber& subscriber = *subscribers_[index];
  if (frame.verb == Verb::kPong) subscriber.ponged = true;
  if (frame.verb != Verb::kMsg && frame.verb != Verb::kHmsg) {
    return OnControl(subscriber.connection, frame, "subscriber", index);
  }
  Stamp stamp{};
  const bool known = frame.sid >= 1 && frame.sid <= subscriptions_.size() &&
                     subscriptions_[frame.sid - 1].connection == index;
  if (CheckPayload(frame, subscriber.headers, stamp) == nullptr) return true;
  if (!known || !Matches(subscriptions_[frame.sid - 1].filter, frame.subject)) {
    ++report_.stray;
    report_.Note("stray: " + Where(stamp, "sid " + std::to_string(frame.sid)));
    return true;
  }
  Subscription& subscription = subscriptions_[frame.sid - 1];
  if (subscriber.ponged) {
    ++report_.late;
    report_.Note("late: " + Where(stamp, subscription.filter));
  }
  receivers_[index].received_bytes += subscription.queue.empty() ? frame.payload.size() : 0;
  if (subscription.queue.empty()) {
    TakePlain(subscription, subscriber, stamp);
  } else {
    receivers_[plan_.subscribers + subscription.group].received_bytes += frame.payload.size();
    TakeMember(groups_[subscription.group], subscriber.order, stamp);
  }
  return true;
}

// ------------------------------------------------------------------------------- churning

void Run::StartChurner(uint32_t index) {
  Churner& churner = *churners_[index];
  if (!churner.connection.Open(options_.server)) {
    return Break("churner " + std::to_string(index) + " cannot connect: " + strerror(errno));
  }
  Watch(churner.connection, kChurnerSide | index);
  churner.state = Churner::State::kGreeting;
  churner.order.assign(publishers_.size(), 0);
  churner.connection.Send("CONNECT {" + std::string(kHello) + "true}\r\n");
  Subscribe(churner);
}

void Run::Subscribe(Churner& churner) {
  churner.state = Churner::State::kSubscribing;
  churner.received = 0;
  churner.wanted = 1 + random_.Below(2000);
  // A queue member must drain to its last message, so it always says itself when it leaves.
  const bool server_ends = churner.queue.empty() && random_.Below(3) == 0;
  churner.auto_unsub = server_ends ? churner.wanted : 0;
  churner.begun.assign(streams_.size(), false);
  churner.tracks.assign(streams_.size(), StreamTrack());
  const std::string sid = std::to_string(++churner.sid);
  std::string line = "SUB " + churner.filter + " ";
  if (!churner.queue.empty()) line += churner.queue + " ";
  line += sid + "\r\n";
  if (server_ends) line += "UNSUB " + sid + " " + std::to_string(churner.auto_unsub) + "\r\n";
  churner.connection.Send(line + "PING\r\n");
}

void Run::Leave(Churner& churner) {
  churner.state = Churner::State::kLeaving;
  churner.connection.Send("UNSUB " + std::to_string(churner.sid) + "\r\nPING\r\n");
}

// The PONG after UNSUB has arrived: nothing of this subscription may come any more. False if the
// connection was replaced.
bool Run::EndEpoch(uint32_t index) {
  Churner& churner = *churners_[index];
  ++report_.epochs;
  // Other threads may deliver more than the limit between SUB and UNSUB; then none may follow.
  const uint64_t limit = std::max(churner.auto_unsub, churner.received_early);
  if (churner.auto_unsub != 0 && churner.received > limit) {
    ++report_.stray;
    report_.Note("stray: " + std::to_string(churner.received) + " messages after UNSUB " +
                 std::to_string(churner.auto_unsub));
  }
  const uint64_t dice = random_.Below(5);
  if (dice >= 2) {
    Subscribe(churner);
    return true;
  }
  ++report_.reconnects;
  churner.connection.Close(dice == 0);
  StartChurner(index);
  return false;
}

void Run::TakeChurned(Churner& churner, const Stamp& stamp) {
  if (!churner.queue.empty()) {
    Group& group = groups_[churner.group];
    return TakeMember(group, churner.order, stamp);
  }
  StreamTrack& track = churner.tracks[stamp.stream];
  if (!churner.begun[stamp.stream]) {
    churner.begun[stamp.stream] = true;
    // What was published after the PONG for this SUB must be here from its first message on.
    const bool bounded = churner.state != Churner::State::kSubscribing;
    if (bounded && stamp.stream_seq > churner.published[stamp.stream]) {
      ++report_.lost;
      report_.Note("lost: before " + Where(stamp, "a new subscription"));
    }
    track.StartAt(stamp.stream_seq);
  }
  const Verdict verdict = track.Take(stamp.stream_seq);
  if (verdict == Verdict::kInOrder) return CheckOrder(churner.order, stamp, "a churner");
  const std::string where = Where(stamp, "a churner");
  if (verdict == Verdict::kGap) {
    ++report_.lost;
    report_.Note("lost: before " + where);
  } else if (verdict == Verdict::kLate) {
    ++report_.reordered;
    report_.Note("reordered: " + where);
  } else {
    ++report_.duplicated;
    report_.Note("duplicated: " + where);
  }
}

bool Run::OnChurnerFrame(uint32_t index, const Frame& frame) {
  Churner& churner = *churners_[index];
  if (frame.verb == Verb::kPong && churner.state == Churner::State::kSubscribing) {
    churner.state = Churner::State::kReceiving;
    churner.received_early = churner.received;
    churner.give_up = Clock::now() + std::chrono::milliseconds(random_.Below(40));
    churner.published.clear();
    for (const Stream& stream : streams_) churner.published.push_back(stream.published);
    return true;
  }
  if (frame.verb == Verb::kPong && churner.state == Churner::State::kLeaving) {
    return EndEpoch(index);
  }
  if (frame.verb != Verb::kMsg && frame.verb != Verb::kHmsg) {
    return OnControl(churner.connection, frame, "churner", index);
  }
  Stamp stamp{};
  if (CheckPayload(frame, true, stamp) == nullptr) return true;
  if (frame.sid != churner.sid || !Matches(churner.filter, frame.subject)) {
    ++report_.stray;
    report_.Note("stray: " + Where(stamp, "sid " + std::to_string(frame.sid) + " of a churner"));
    return true;
  }
  ++churner.received;
  if (!churner.queue.empty()) {
    receivers_[plan_.subscribers + churner.group].received_bytes += frame.payload.size();
  }
  TakeChurned(churner, stamp);
  return true;
}

void Run::TickChurners(Clock::time_point now) {
  for (uint32_t i = 0; i < churners_.size(); ++i) {
    Churner& churner = *churners_[i];
    if (churner.state != Churner::State::kReceiving) continue;
    if (churner.received < churner.wanted && now < churner.give_up) continue;
    // A plain one sometimes just hangs up with everything unread.
    if (churner.queue.empty() && random_.Below(8) == 0) {
      ++report_.reconnects;
      churner.connection.Close(random_.Below(2) == 0);
      StartChurner(i);
    } else {
      Leave(churner);
    }
  }
}

// ------------------------------------------------------------------------------- the loop

void Run::OnEvent(uint64_t id, uint32_t events) {
  const auto index = static_cast<uint32_t>(id);
  const uint64_t side = id & ~0xffffffffull;
  bool alive = true;
  const char* who = "publisher";
  if (side == kPublisherSide) {
    Publisher& publisher = *publishers_[index];
    if ((events & EPOLLOUT) != 0) Write(index);
    const auto on_frame = [&](const Frame& frame) { return OnPublisherFrame(publisher, frame); };
    if ((events & ~EPOLLOUT) != 0) alive = publisher.connection.Read(scratch_, 1, on_frame);
  } else if (side == kSubscriberSide) {
    who = "subscriber";
    const auto on_frame = [&](const Frame& frame) { return OnSubscriberFrame(index, frame); };
    alive = subscribers_[index]->connection.Read(scratch_, 4, on_frame);
  } else {
    who = "churner";
    const uint64_t reconnects = report_.reconnects;
    const auto on_frame = [&](const Frame& frame) { return OnChurnerFrame(index, frame); };
    alive = churners_[index]->connection.Read(scratch_, 4, on_frame) ||
            reconnects != report_.reconnects;
  }
  if (!alive && phase_ != Phase::kDone) {
    Break(std::string(who) + " " + std::to_string(index) + " was disconnected, or got bytes that " +
          "are no NATS frame");
  }
}

void Run::Step(Clock::time_point now) {
  if (phase_ == Phase::kPublish) PublishAll();
  if (phase_ == Phase::kFlushPublishers &&
      std::all_of(publishers_.begin(), publishers_.end(), [](auto& p) { return p->ponged; })) {
    phase_ = Phase::kFlushSubscribers;
    for (auto& subscriber : subscribers_) {
      subscriber->ponged = false;
      if (!subscriber->connection.Send("PING\r\n")) Break("a subscriber cannot write");
    }
  }
  if (phase_ == Phase::kFlushSubscribers &&
      std::all_of(subscribers_.begin(), subscribers_.end(), [](auto& s) { return s->ponged; })) {
    phase_ = Phase::kSettle;
    settle_until_ = now + std::chrono::seconds(1);
  }
  // What is missing now is late or lost; a churner's share of a group ends with its own PONG. Even
  // with everything here, listen a moment longer: a second copy may follow.
  if (phase_ == Phase::kSettle && delivered_ >= expected_) {
    settle_until_ = std::min(settle_until_, now + std::chrono::milliseconds(20));
  }
  if (phase_ == Phase::kSettle && now > settle_until_) phase_ = Phase::kDone;
}

bool Run::CanPublishNow() const {
  if (phase_ != Phase::kPublish) return false;
  return std::any_of(publishers_.begin(), publishers_.end(), [this](const auto& publisher) {
    return publisher->batch_bytes == 0 && MayPublish(*publisher);
  });
}

void Run::Loop() {
  epoll_event events[256];
  uint64_t last_progress = 0;
  Clock::time_point last_moved = Clock::now();
  while (phase_ != Phase::kDone) {
    const int count = epoll_wait(epoll_, events, 256, CanPublishNow() ? 0 : 5);
    for (int i = 0; i < count && phase_ != Phase::kDone; ++i) {
      OnEvent(events[i].data.u64, events[i].events);
    }
    const Clock::time_point now = Clock::now();
    if (!churners_.empty() && phase_ != Phase::kDone) TickChurners(now);
    Step(now);
    // Churners come and go even when nothing else moves, so they do not count as progress.
    const uint64_t progress = delivered_ + writes_ + static_cast<uint64_t>(phase_);
    if (progress != last_progress || phase_ == Phase::kSettle) {
      last_progress = progress;
      last_moved = now;
    } else if (raw::Seconds(last_moved, now) > options_.stall_seconds) {
      Break("stalled: nothing moved for " + std::to_string(options_.stall_seconds) + " s, " +
            std::to_string(expected_ - delivered_) + " deliveries open");
    }
  }
}

void Run::CountLost() {
  for (uint32_t index = 0; index < streams_.size(); ++index) {
    const Stream& stream = streams_[index];
    report_.published += stream.published;
    const auto note = [&](uint64_t missing, const std::string& where, const std::string& which) {
      report_.lost += missing;
      std::string text = "lost: publisher " + std::to_string(stream.publisher);
      text += " stream " + std::to_string(index);
      text += " sequence " + which;
      text += " at " + where;
      report_.Note(text);
    };
    for (const uint32_t i : stream.subscriptions) {
      const StreamTrack& track = subscriptions_[i].tracks[index];
      const uint64_t missing = track.missing() + stream.published - track.next();
      if (missing == 0) continue;
      note(missing, subscriptions_[i].filter + " sid " + std::to_string(i + 1),
           track.Describe(stream.published));
    }
    for (const uint32_t i : stream.groups) {
      const uint64_t missing = stream.published - groups_[i].tracks[index].count();
      if (missing == 0) continue;
      note(missing, "group " + groups_[i].queue,
           groups_[i].tracks[index].Describe(stream.published));
    }
  }
}

Report Run::Finish() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  started_ = Clock::now();
  if (ConnectAll()) {
    started_ = Clock::now();
    Loop();
  }
  report_.seconds = raw::Seconds(started_, Clock::now());
  report_.delivered = delivered_;
  CountLost();
  if (options_.late_ok) report_.late = 0;
  close(epoll_);
  return std::move(report_);
}

}  // namespace

Report Execute(const Plan& plan, const RunOptions& options) { return Run(plan, options).Finish(); }

}  // namespace delivery
