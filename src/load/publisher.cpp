#include "load/publisher.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/clock.h"
#include "load/contents.h"

namespace martlet::load {
namespace {

constexpr size_t kBatchBytes = size_t{64} << 10;
// Beyond it an open loop waits; its messages are late then, and counted so.
constexpr size_t kUnsentBytesMax = size_t{64} << 20;
constexpr size_t kDueBatch = 512;
constexpr int64_t kPollNs = 20'000;  // while others' threads make room

/// Messages on the way: enough to keep every part busy, too few to leave the caches.
uint64_t WindowOf(const Plan& plan) {
  const auto audience = static_cast<uint64_t>(std::max(plan.subscribers, 1));
  const bool shared = !plan.queue.empty() || plan.topology == Topology::kPairs;
  const uint64_t bytes = (64 << 10) + (4 << 20) / (shared ? 1 : audience);
  constexpr uint64_t kFrameBytes = 32;
  const auto publishers = static_cast<uint64_t>(plan.publishers);
  return std::max<uint64_t>(bytes / (plan.size_bytes + kFrameBytes) / publishers, 2);
}

}  // namespace

Publisher::Publisher(WorkerContext& context, uint32_t index)
    : Role(context, context.run.publish_peer),
      state_(*context.run.publishers[index]),
      first_stream_(context.run.streams.first_of(index)),
      arrivals_(plan(), index),
      picker_(plan(), index, context.run.zipf),
      next_due_(arrivals_.Next()),
      left_(ShareOf(plan(), index)),
      window_(WindowOf(plan())) {
  const RunState& run = context.run;
  state_.sequences.resize(run.streams.subjects());
  before_ = run.headers.empty() ? "PUB " : "HPUB ";
  after_ = " ";
  if (!run.headers.empty()) after_ += std::to_string(run.headers.size()) + " ";
  after_ += std::to_string(run.headers.size() + plan().size_bytes) + "\r\n" + run.headers;
  frame_bytes_max_ = before_.size() + run.streams.subject_bytes_max() + after_.size() +
                     plan().size_bytes + Contents::kSlackBytes + 2;
  if (run.streams.subjects() > 1) return;
  before_ += run.streams.SubjectOf(first_stream_) + after_;
  after_.clear();
}

void Publisher::Append(int64_t due) {
  const RunState& run = context_.run;
  const uint32_t subject = picker_.Next();
  const Head head = {first_stream_ + subject, state_.sequences[subject]++, due};
  client::OutBuffer& out = connection_.out();
  char* at = Copy(out.Reserve(frame_bytes_max_), before_);
  if (!after_.empty()) at = Copy(run.streams.WriteSubject(head.stream, at), after_);
  at = run.contents.Write(head, at);
  *at++ = '\r';
  *at++ = '\n';
  out.Commit(at);
}

int64_t Publisher::Produce(uint64_t now) {
  if (state_.finished.load(std::memory_order_relaxed)) return kWhenSomethingHappens;
  const RunTimes& times = context_.run.times;
  if (now < times.start) return static_cast<int64_t>(times.start - now);
  if (left_ == 0 || (plan().rate == 0 && now >= times.end)) return Finish();
  return plan().rate > 0 ? ProduceDue(now) : ProduceFast();
}

int64_t Publisher::Finish() {
  const bool confirmed = plan().scenario != Scenario::kPublish || marks_.empty();
  if (connection_.unsent_bytes() == 0 && confirmed) {
    state_.finished.store(true, std::memory_order_release);
  }
  return kWhenSomethingHappens;
}

int64_t Publisher::ProduceDue(uint64_t now) {
  const RunTimes& times = context_.run.times;
  size_t count = 0;
  for (; left_ > 0 && count < kDueBatch; ++count, --left_) {
    const uint64_t due = times.start + static_cast<uint64_t>(next_due_);
    if (due >= times.end) {
      left_ = 0;
      break;
    }
    if (due > now || connection_.unsent_bytes() > kUnsentBytesMax) break;
    Append(next_due_);
    context_.recorder.RecordDelay(due, now);
    state_.sent_times.Set(state_.sent.Get(), now - times.start);
    state_.sent.Add();
    next_due_ = arrivals_.Next();
  }
  if (count > 0) connection_.Written();
  if (left_ == 0) return Finish();
  const uint64_t due = times.start + static_cast<uint64_t>(next_due_);
  return due > now ? static_cast<int64_t>(due - now) : 0;
}

uint64_t Publisher::Room() {
  if (plan().scenario == Scenario::kBlast) return UINT64_MAX;
  const uint64_t sent = state_.sent.Get();
  if (sent - received_ >= window_ / 2) {
    received_ = plan().scenario == Scenario::kPublish ? state_.confirmed.Get() : state_.Received();
  }
  // Received may be ahead: an audience of duplicates.
  const uint64_t away = sent > received_ ? sent - received_ : 0;
  return away >= window_ ? 0 : window_ - away;
}

int64_t Publisher::ProduceFast() {
  if (connection_.out().size() >= kBatchBytes) return kWhenSomethingHappens;
  const uint64_t room = Room();
  if (room == 0) return plan().threads > 1 ? kPollNs : kWhenSomethingHappens;
  const uint64_t batch = std::max<uint64_t>(kBatchBytes / frame_bytes_max_, 1);
  const uint64_t count = std::min({room, batch, left_});
  for (uint64_t i = 0; i < count; ++i) Append(0);
  if (left_ != UINT64_MAX) left_ -= count;
  state_.sent.Add(count);
  if (plan().scenario == Scenario::kPublish) {
    marks_.push_back({.ping = connection_.Ping(), .sent = state_.sent.Get()});
  }
  connection_.Written();
  return 0;
}

void Publisher::OnPong(client::Connection&, uint64_t number) {
  prepared_ = true;
  while (!marks_.empty() && marks_.front().ping <= number) {
    state_.confirmed.Add(marks_.front().sent - state_.confirmed.Get());
    marks_.pop_front();
  }
}

}  // namespace martlet::load
