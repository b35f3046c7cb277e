#include "load.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <sys/epoll.h>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "link.h"
#include "load/contents.h"
#include "load/ledger.h"
#include "load/sampler.h"
#include "measure/process.h"

namespace martlet::peers {
namespace {

using load::Contents;
using load::Head;

constexpr size_t kBatchBytes = size_t{64} << 10;
constexpr uint64_t kWindowBytes = uint64_t{4} << 20;
constexpr uint64_t kFrameBytes = 32;  // about what stands around a payload
constexpr uint64_t kDueBatch = 512;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kGreetNs = 20 * kSecondNs;
constexpr uint64_t kLostAfterNs = kSecondNs / 2;  // nothing moves
constexpr uint64_t kDrainNs = 2 * kSecondNs;      // nothing moves at the end

/// One connection and its part; publisher or subscriber, told apart by `topic`.
struct Client {
  Link link;
  uint64_t answers = 0;  // counted
  bool writable_wanted = false;
};

struct Publisher : Client {
  uint32_t index = 0;
  Wire::Frame frame;
  uint64_t sent = 0;
  uint64_t arrived = 0;    // as last seen: confirmed, or with its slowest subscriber
  uint64_t forgiven = 0;   // of `sent`: what has not arrived of these is lost
  uint64_t confirmed = 0;  // with no subscribers
  std::deque<std::pair<uint64_t, uint64_t>> marks;  // answer that confirms → messages
};

struct Subscriber : Client {
  Subscriber(uint32_t number, uint32_t first_publisher, uint32_t count, load::FaultBook& faults)
      : first(first_publisher),
        next(count),
        ledger("subscriber " + std::to_string(number), first, count, faults) {}

  Wire::Frame frame;
  uint32_t first;              // publisher that it hears
  std::vector<uint64_t> next;  // sequence, by publisher from `first` on
  load::OrderedLedger ledger;
};

/// One run; Run() calls the steps in their order.
class Run {
 public:
  Run(const Wire& wire, uint16_t port, int pid, const Scenario& scenario, const Timing& timing,
      uint64_t seed)
      : wire_(wire),
        port_(port),
        pid_(pid),
        scenario_(scenario),
        timing_(timing),
        contents_(seed, scenario.size_bytes),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const auto audience = static_cast<uint64_t>(std::max(scenario.subscribers, 1));
    const uint64_t bytes = kBatchBytes + kWindowBytes / (scenario.pairs ? 1 : audience);
    const uint64_t each = scenario.size_bytes + kFrameBytes;
    window_ = std::max<uint64_t>(bytes / each / static_cast<uint64_t>(scenario.publishers), 2);
  }

  absl::StatusOr<Measured> Go();

 private:
  /// Readings at one instant.
  struct Reading {
    uint64_t ns = 0;
    uint64_t messages = 0;
    double server_seconds = 0;
    double own_seconds = 0;
    double machine_seconds = 0;
    uint64_t resident_bytes = 0;
  };

  std::string TopicOf(int publisher) const {
    return scenario_.pairs ? "bench." + std::to_string(publisher) : "bench";
  }
  absl::Status Greet(Client& client, size_t number, const std::string& topic, bool subscribes);
  absl::Status ConnectAll();
  absl::Status Turn(int timeout_ms);
  absl::Status Input(size_t index);
  size_t Take(Subscriber& subscriber, std::string_view in);
  size_t TakeAnswer(Client& client, std::string_view in);
  void TakePayload(Subscriber& subscriber, std::string_view payload);
  void Confirm(Publisher& publisher);
  absl::Status Produce(uint64_t now);
  void Append(Publisher& publisher, int64_t due);
  void AppendFast(Publisher& publisher);
  void AppendDue(Publisher& publisher, uint64_t now);
  uint64_t Arrived(const Publisher& publisher) const;
  uint64_t Messages() const { return scenario_.subscribers > 0 ? delivered_ : confirmed_; }
  bool AllArrived() const;
  absl::Status Flush(Client& client, size_t index);
  Reading Read() const;
  Measured Collect(const Reading& first, const Reading& last);

  const Wire& wire_;
  const uint16_t port_;
  const int pid_;
  const Scenario& scenario_;
  const Timing timing_;
  const Contents contents_;
  base::UniqueFd epoll_;
  uint64_t window_ = 0;  // messages of each publisher on the way

  std::vector<std::unique_ptr<Subscriber>> subscribers_;  // numbers from 0 in epoll
  std::vector<std::unique_ptr<Publisher>> publishers_;    // numbers behind them
  std::string scratch_;
  absl::Status failure_;
  bool producing_ = false;
  bool idle_ = false;  // no publisher could write in the last Produce()
  uint64_t start_ns_ = 0;
  uint64_t begin_ns_ = 0;
  uint64_t end_ns_ = 0;

  load::FaultBook faults_;
  measure::Histogram latency_;
  uint64_t delivered_ = 0;  // new messages, all subscribers
  uint64_t confirmed_ = 0;  // all publishers
};

absl::StatusOr<Measured> Run::Go() {
  if (absl::Status status = ConnectAll(); !status.ok()) return status;
  start_ns_ = base::MonotonicNanoseconds() + kSecondNs / 50;
  begin_ns_ = start_ns_ + static_cast<uint64_t>(timing_.warmup.count());
  end_ns_ = begin_ns_ + static_cast<uint64_t>(timing_.duration.count());
  producing_ = true;
  Reading first;
  Reading last;
  uint64_t moved = 0;
  uint64_t moved_ns = start_ns_;
  while (true) {
    const uint64_t now = base::MonotonicNanoseconds();
    if (first.ns == 0 && now >= begin_ns_) first = Read();
    if (producing_ && now >= end_ns_) {
      last = Read();
      producing_ = false;
    }
    if (Messages() != moved) moved_ns = now;
    moved = Messages();
    if (!producing_ && (AllArrived() || now > moved_ns + kDrainNs)) break;
    if (producing_ && scenario_.rate == 0 && now > moved_ns + kLostAfterNs) {
      for (auto& publisher : publishers_) publisher->forgiven = publisher->sent;
      moved_ns = now;
    }
    idle_ = true;
    if (producing_ && now >= start_ns_) {
      if (absl::Status status = Produce(now); !status.ok()) return status;
    }
    const bool spin = producing_ && (scenario_.rate > 0 || !idle_);
    if (absl::Status status = Turn(spin ? 0 : 1); !status.ok()) return status;
  }
  return Collect(first, last);
}

// Connecting.

absl::Status Run::Greet(Client& client, size_t number, const std::string& topic, bool subscribes) {
  absl::Status status = client.link.Connect(port_);
  if (!status.ok()) return status;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = number;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.link.fd(), &event) != 0) {
    return absl::UnavailableError("epoll_ctl");
  }
  client.link.out().Append(wire_.Greeting(number, subscribes ? topic : ""));
  status = Flush(client, number);
  const uint64_t deadline = base::MonotonicNanoseconds() + kGreetNs;
  while (status.ok() && client.answers < wire_.greeting_answers(subscribes)) {
    if (base::MonotonicNanoseconds() > deadline) {
      return absl::DeadlineExceededError("the broker does not answer the greeting");
    }
    status = Turn(10);
  }
  client.answers = 0;
  return status;
}

absl::Status Run::ConnectAll() {
  for (int i = 0; i < scenario_.subscribers; ++i) {
    const auto number = static_cast<uint32_t>(i);
    const auto count = static_cast<uint32_t>(scenario_.publishers);
    Subscriber& subscriber = *subscribers_.emplace_back(std::make_unique<Subscriber>(
        number, scenario_.pairs ? number : 0, scenario_.pairs ? 1 : count, faults_));
    subscriber.frame = wire_.Delivered(TopicOf(i), scenario_.size_bytes);
    absl::Status status = Greet(subscriber, subscribers_.size() - 1, TopicOf(i), true);
    if (!status.ok()) return status;
  }
  for (int i = 0; i < scenario_.publishers; ++i) {
    Publisher& publisher = *publishers_.emplace_back(std::make_unique<Publisher>());
    publisher.index = static_cast<uint32_t>(i);
    publisher.frame = wire_.Published(TopicOf(i), scenario_.size_bytes);
    const size_t number = subscribers_.size() + publishers_.size() - 1;
    absl::Status status = Greet(publisher, number, TopicOf(i), false);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// Reading.

absl::Status Run::Turn(int timeout_ms) {
  epoll_event events[256];
  const int count = ::epoll_wait(epoll_.get(), events, 256, timeout_ms);
  for (int i = 0; i < count; ++i) {
    const size_t index = events[i].data.u64;
    absl::Status status;
    if ((events[i].events & EPOLLOUT) != 0) {
      Client& client = index < subscribers_.size()
                           ? static_cast<Client&>(*subscribers_[index])
                           : static_cast<Client&>(*publishers_[index - subscribers_.size()]);
      status = Flush(client, index);
    }
    if (status.ok()) status = Input(index);
    if (status.ok()) status = failure_;
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status Run::Input(size_t index) {
  if (index < subscribers_.size()) {
    Subscriber& subscriber = *subscribers_[index];
    const auto take = [&](std::string_view in) { return Take(subscriber, in); };
    const auto read = subscriber.link.Read(scratch_, take);
    return read.ok() ? Flush(subscriber, index) : read.status();
  }
  Publisher& publisher = *publishers_[index - subscribers_.size()];
  const auto take = [&](std::string_view in) {
    size_t used = 0;
    while (used < in.size()) {
      const size_t answer = TakeAnswer(publisher, in.substr(used));
      if (answer == 0) break;
      used += answer;
    }
    return used;
  };
  const auto read = publisher.link.Read(scratch_, take);
  if (scenario_.subscribers == 0) Confirm(publisher);
  return read.ok() ? Flush(publisher, index) : read.status();
}

size_t Run::Take(Subscriber& subscriber, std::string_view in) {
  const std::string_view before = subscriber.frame.before;
  const std::string_view after = subscriber.frame.after;
  const size_t total = before.size() + scenario_.size_bytes + after.size();
  size_t used = 0;
  while (used < in.size()) {
    const std::string_view rest = in.substr(used);
    if (rest.starts_with(before.substr(0, rest.size()))) [[likely]] {
      if (rest.size() < total) return used;
      if (rest.substr(total - after.size(), after.size()) != after) {
        failure_ = absl::DataLossError("a message does not end where it should");
        return used;
      }
      TakePayload(subscriber, rest.substr(before.size(), scenario_.size_bytes));
      used += total;
      continue;
    }
    const size_t answer = TakeAnswer(subscriber, rest);
    if (answer == 0) return used;
    used += answer;
  }
  return used;
}

/// Returns its bytes; 0: it is not complete, or wrong.
size_t Run::TakeAnswer(Client& client, std::string_view in) {
  const Wire::Answer answer = wire_.ReadAnswer(in);
  if (!answer.error.empty()) {
    failure_ = absl::DataLossError(answer.error);
    return 0;
  }
  if (answer.counts) ++client.answers;
  if (!answer.reply.empty()) client.link.out().Append(answer.reply);
  return answer.bytes;
}

void Run::TakePayload(Subscriber& subscriber, std::string_view payload) {
  Head head;
  const auto count = static_cast<uint32_t>(subscriber.next.size());
  if (!contents_.Read(payload, head) || head.stream - subscriber.first >= count) {
    return faults_.AddCorrupted(subscriber.ledger.who(), "a payload that was not sent");
  }
  if (!subscriber.ledger.Take(head)) return;
  uint64_t& next = subscriber.next[head.stream - subscriber.first];
  next = std::max(next, head.sequence + 1);
  ++delivered_;
  if (scenario_.rate == 0) return;
  const uint64_t due = start_ns_ + static_cast<uint64_t>(head.intended_ns);
  if (due < begin_ns_ || due >= end_ns_) return;
  latency_.Record(static_cast<int64_t>(base::MonotonicNanoseconds() - due));
}

void Run::Confirm(Publisher& publisher) {
  const uint64_t before = publisher.confirmed;
  if (wire_.Mark().empty()) publisher.confirmed = publisher.answers;
  while (!publisher.marks.empty() && publisher.marks.front().first <= publisher.answers) {
    publisher.confirmed = publisher.marks.front().second;
    publisher.marks.pop_front();
  }
  confirmed_ += publisher.confirmed - before;
}

// Writing.

absl::Status Run::Produce(uint64_t now) {
  for (size_t i = 0; i < publishers_.size(); ++i) {
    Publisher& publisher = *publishers_[i];
    if (publisher.link.unsent_bytes() >= kBatchBytes) continue;
    const uint64_t before = publisher.sent;
    scenario_.rate > 0 ? AppendDue(publisher, now) : AppendFast(publisher);
    if (publisher.sent == before) continue;
    idle_ = false;
    if (scenario_.subscribers == 0 && !wire_.Mark().empty()) {
      publisher.link.out().Append(wire_.Mark());
      const uint64_t last =
          publisher.marks.empty() ? publisher.answers : publisher.marks.back().first;
      publisher.marks.emplace_back(last + 1, publisher.sent);
    }
    if (absl::Status s = Flush(publisher, subscribers_.size() + i); !s.ok()) return s;
  }
  return absl::OkStatus();
}

void Run::Append(Publisher& publisher, int64_t due) {
  const Wire::Frame& frame = publisher.frame;
  client::OutBuffer& out = publisher.link.out();
  char* at = out.Reserve(frame.before.size() + scenario_.size_bytes + Contents::kSlackBytes +
                         frame.after.size());
  at += frame.before.copy(at, frame.before.size());
  at = contents_.Write({publisher.index, publisher.sent, due}, at);
  at += frame.after.copy(at, frame.after.size());
  out.Commit(at);
  ++publisher.sent;
}

void Run::AppendFast(Publisher& publisher) {
  if (publisher.sent - publisher.arrived >= window_ / 2) {
    publisher.arrived = std::max(Arrived(publisher), publisher.forgiven);
  }
  const uint64_t away = publisher.sent - publisher.arrived;
  const uint64_t room = away >= window_ ? 0 : window_ - away;
  const uint64_t batch = std::max<uint64_t>(kBatchBytes / (scenario_.size_bytes + kFrameBytes), 1);
  for (uint64_t i = std::min(room, batch); i > 0; --i) Append(publisher, 0);
}

/// Rates are for one publisher only.
void Run::AppendDue(Publisher& publisher, uint64_t now) {
  for (uint64_t i = 0; i < kDueBatch; ++i) {
    const auto due =
        static_cast<uint64_t>(static_cast<double>(publisher.sent) * 1e9 / scenario_.rate);
    if (start_ns_ + due > now || start_ns_ + due >= end_ns_) return;
    Append(publisher, static_cast<int64_t>(due));
  }
}

uint64_t Run::Arrived(const Publisher& publisher) const {
  if (scenario_.subscribers == 0) return publisher.confirmed;
  if (scenario_.pairs) return subscribers_[publisher.index]->next[0];
  uint64_t least = UINT64_MAX;
  for (const auto& subscriber : subscribers_) {
    least = std::min(least, subscriber->next[publisher.index]);
  }
  return least;
}

bool Run::AllArrived() const {
  return std::all_of(publishers_.begin(), publishers_.end(),
                     [&](const auto& p) { return Arrived(*p) >= p->sent; });
}

absl::Status Run::Flush(Client& client, size_t index) {
  absl::Status status = client.link.Flush();
  const bool wanted = client.link.unsent_bytes() > 0;
  if (!status.ok() || wanted == client.writable_wanted) return status;
  client.writable_wanted = wanted;
  epoll_event event{};
  event.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u64 = index;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.link.fd(), &event);
  return status;
}

// Figures.

Run::Reading Run::Read() const {
  Reading reading;
  reading.ns = base::MonotonicNanoseconds();
  reading.messages = Messages();
  reading.own_seconds = load::OwnCpuSeconds();
  reading.machine_seconds = measure::MachineBusySeconds();
  if (const auto use = measure::ReadProcess(pid_)) {
    reading.server_seconds = use->cpu_seconds();
    reading.resident_bytes = use->resident_bytes;
  }
  return reading;
}

Measured Run::Collect(const Reading& first, const Reading& last) {
  Measured out;
  const double seconds = std::max(static_cast<double>(last.ns - first.ns) * 1e-9, 1e-9);
  const auto messages = static_cast<double>(last.messages - first.messages);
  const double server = last.server_seconds - first.server_seconds;
  const double own = last.own_seconds - first.own_seconds;
  out.per_second = messages / seconds;
  out.server_us_per_message = messages > 0 ? server * 1e6 / messages : 0;
  out.server_cores = server / seconds;
  out.client_cores = own / seconds;
  out.other_cores = (last.machine_seconds - first.machine_seconds - server - own) / seconds;
  out.resident_bytes = last.resident_bytes;
  out.latency = latency_;
  for (const auto& subscriber : subscribers_) {
    for (uint32_t i = 0; i < subscriber->next.size(); ++i) {
      const uint64_t sent = publishers_[subscriber->first + i]->sent;
      subscriber->ledger.Close(subscriber->first + i, sent);
      out.expected += sent;
    }
  }
  faults_.MergeInto(out.faults);
  return out;
}

}  // namespace

absl::StatusOr<Measured> RunLoad(const Wire& wire, uint16_t port, int pid, const Scenario& scenario,
                                 const Timing& timing, uint64_t seed) {
  return Run(wire, port, pid, scenario, timing, seed).Go();
}

}  // namespace martlet::peers
