#include "load/subscriber.h"

#include <algorithm>

#include "base/clock.h"

namespace martlet::load {
namespace {

uint32_t FirstPublisher(const Plan& plan, uint32_t index) {
  return plan.topology == Topology::kPairs ? index % static_cast<uint32_t>(plan.publishers) : 0;
}

uint32_t PublisherCount(const Plan& plan) {
  return plan.topology == Topology::kPairs ? 1 : static_cast<uint32_t>(plan.publishers);
}

/// Which message it would be, if it were right.
std::string ClaimOf(const Head& head) {
  return "stream " + std::to_string(head.stream) + " message " + std::to_string(head.sequence);
}

std::string NameOf(uint32_t index) { return "subscriber " + std::to_string(index); }

}  // namespace

Subscriber::Subscriber(WorkerContext& context, uint32_t index, SharedLedger* group)
    : Role(context, context.run.peer),
      index_(index),
      first_publisher_(FirstPublisher(plan(), index)),
      publisher_count_(PublisherCount(plan())),
      ledger_(NameOf(index), context.run.streams.first_of(first_publisher_),
              publisher_count_ * context.run.streams.subjects(), context.faults),
      rising_(NameOf(index), context.run.streams.first_of(first_publisher_),
              publisher_count_ * context.run.streams.subjects(), context.faults),
      group_(group),
      received_(context.run.received[index]),
      timed_(plan().rate > 0) {}

void Subscriber::Prepare() {
  const auto filters = context_.run.streams.FiltersFor(first_publisher_);
  uint64_t sid = plan().distinct_sids ? uint64_t{index_} * filters.size() + 1 : 1;
  for (const std::string& filter : filters) connection_.Subscribe(filter, plan().queue, sid++);
}

void Subscriber::OnInput(client::Connection& connection) {
  const uint64_t before = delivered_;
  proto::Message message;
  while (connection.Next(message)) Take(message);
  if (delivered_ != before) last_ns_ = context_.runtime.now_ns();
}

void Subscriber::Take(const proto::Message& message) {
  const RunState& run = context_.run;
  Head head;
  if (!run.contents.Read(message.payload, head)) {
    return context_.faults.AddCorrupted(ledger_.who(),
                                        "a payload that was not sent: " + ClaimOf(head));
  }
  if (!run.contents.checked()) {
    ++delivered_;
    received_[0].Add();
    return;
  }
  if (message.headers != run.headers || !SubjectIs(message.subject, head.stream)) {
    return context_.faults.AddCorrupted(ledger_.who(), ClaimOf(head) + " on subject " +
                                                           std::string(message.subject) +
                                                           " or with headers that were not sent");
  }
  const bool is_new = group_ != nullptr ? group_->Take(head) : ledger_.Take(head);
  if (!is_new) return;
  if (group_ != nullptr) rising_.Take(head);
  ++delivered_;
  received_[run.streams.publisher_of(head.stream) - first_publisher_].Add();
  if (timed_) Time(head);
}

void Subscriber::Time(const Head& head) {
  const RunState& run = context_.run;
  const uint64_t start = run.times.start;
  uint64_t sent = 0;
  if (run.streams.subjects() == 1) {
    const uint64_t offset = run.publishers[head.stream]->sent_times.Get(head.sequence);
    if (offset != 0) sent = start + offset;
  }
  context_.recorder.Record(start + static_cast<uint64_t>(head.intended_ns), sent,
                           base::MonotonicNanoseconds());
}

bool Subscriber::SubjectIs(std::string_view subject, uint32_t stream) {
  const Streams& streams = context_.run.streams;
  if (stream >= streams.count()) return true;  // the ledger says what is wrong with it
  subject_.resize(streams.subject_bytes_max());
  const char* const end = streams.WriteSubject(stream, subject_.data());
  return subject == std::string_view(subject_.data(), static_cast<size_t>(end - subject_.data()));
}

void Subscriber::CloseLedger() {
  const RunState& run = context_.run;
  if (!run.contents.checked() || group_ != nullptr) return;
  for (uint32_t i = 0; i < publisher_count_; ++i) {
    const PublisherState& publisher = *run.publishers[first_publisher_ + i];
    uint32_t stream = run.streams.first_of(first_publisher_ + i);
    for (const uint64_t sent : publisher.sequences) ledger_.Close(stream++, sent);
  }
}

// Stuck.

void StuckSubscriber::Prepare() {
  uint64_t sid = 1;
  const auto publishers = plan().topology == Topology::kPairs ? plan().publishers : 1;
  for (uint32_t i = 0; i < static_cast<uint32_t>(publishers); ++i) {
    for (const std::string& filter : context_.run.streams.FiltersFor(i)) {
      connection_.Subscribe(filter, {}, sid++);
    }
  }
}

void StuckSubscriber::OnPong(client::Connection& connection, uint64_t) {
  prepared_ = true;
  connection.StopReading();
}

int64_t StuckSubscriber::Produce(uint64_t now) {
  const auto stuck_for = static_cast<uint64_t>(plan().stuck_for.count());
  if (stuck_for == 0 || now >= context_.run.times.end) return kWhenSomethingHappens;
  if (connection_.gone()) {
    connection_.Open();
  } else if (connection_.ready() && now >= connection_.opened_ns() + stuck_for) {
    connection_.Close();
  }
  return kWhenSomethingHappens;
}

// Churn.

int64_t Churner::Produce(uint64_t now) {
  const RunTimes& times = context_.run.times;
  if (now < times.start || now >= times.end) return kWhenSomethingHappens;
  constexpr uint64_t kBatch = 512;
  constexpr size_t kMarksMax = 8;
  const double due = static_cast<double>(now - times.start) * 1e-9 * plan().churn_per_second;
  const double behind = due - static_cast<double>(begun_);
  if (behind < 1) return static_cast<int64_t>((1 - behind) * 1e9 / plan().churn_per_second);
  if (marks_.size() >= kMarksMax) return kWhenSomethingHappens;
  const uint64_t count = std::min(static_cast<uint64_t>(behind), kBatch);
  std::string subject = "churn.";
  for (uint64_t i = 0; i < count; ++i, ++begun_) {
    subject.resize(6);
    subject += std::to_string(begun_);
    connection_.Subscribe(subject, {}, begun_ + 1);
    connection_.Unsubscribe(begun_ + 1);
  }
  marks_.push_back({.ping = connection_.Ping(), .pairs = begun_});
  return 0;
}

void Churner::OnPong(client::Connection&, uint64_t number) {
  prepared_ = true;
  while (!marks_.empty() && marks_.front().ping <= number) {
    pairs_.Add(marks_.front().pairs - pairs_.Get());
    marks_.pop_front();
  }
}

}  // namespace martlet::load
