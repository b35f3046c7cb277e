#include "load/requester.h"

#include <charconv>
#include <cstring>

#include "base/clock.h"
#include "base/random.h"
#include "load/contents.h"

namespace martlet::load {
namespace {

constexpr size_t kNumberBytesMax = 20;
constexpr size_t kRequestsDueMax = 512;

std::string InboxOf(const Plan& plan, uint32_t index) {
  base::Random random(plan.seed ^ 0x1b0c5);
  return "_INBOX." + std::to_string(random.Below(UINT32_MAX)) + "-" + std::to_string(index) + ".";
}

}  // namespace

Requester::Requester(WorkerContext& context, uint32_t index)
    : Role(context, context.run.publish_peer),
      index_(index),
      state_(*context.run.publishers[index]),
      ledger_("requester " + std::to_string(index), index, 1, context.faults),
      arrivals_(plan(), index),
      inbox_(InboxOf(plan(), index)),
      before_("PUB " + plan().subject + " " + inbox_),
      after_(" " + std::to_string(plan().size_bytes) + "\r\n"),
      next_due_(arrivals_.Next()),
      left_(ShareOf(plan(), index)) {
  state_.sequences.resize(1);
}

void Requester::Prepare() { connection_.Subscribe(inbox_ + "*", {}, 1); }

/// The payload says when the request was due (begun, in a closed loop), so its answer does, too.
void Requester::Ask(uint64_t due, uint64_t now) {
  const RunState& run = context_.run;
  const uint64_t number = state_.sequences[0]++;
  client::OutBuffer& out = connection_.out();
  char* at = out.Reserve(before_.size() + kNumberBytesMax + after_.size() + plan().size_bytes +
                         Contents::kSlackBytes + 2);
  at = Copy(at, before_);
  at = std::to_chars(at, at + kNumberBytesMax, number).ptr;
  at = Copy(at, after_);
  at = run.contents.Write({index_, number, static_cast<int64_t>(due - run.times.start)}, at);
  out.Commit(Copy(at, "\r\n"));
  connection_.Written();
  state_.sent_times.Set(number, now - run.times.start);
  state_.sent.Add();
  if (left_ != UINT64_MAX) --left_;
}

int64_t Requester::Produce(uint64_t now) {
  if (state_.finished.load(std::memory_order_relaxed)) return kWhenSomethingHappens;
  const RunTimes& times = context_.run.times;
  if (now < times.start) return static_cast<int64_t>(times.start - now);
  if (left_ == 0 || (plan().rate == 0 && now >= times.end)) return Finish();
  return plan().rate > 0 ? ProduceDue(now) : ProduceClosed(now);
}

int64_t Requester::Finish() {
  if (connection_.unsent_bytes() == 0) state_.finished.store(true, std::memory_order_release);
  return kWhenSomethingHappens;
}

int64_t Requester::ProduceDue(uint64_t now) {
  const RunTimes& times = context_.run.times;
  for (size_t count = 0; left_ > 0 && count < kRequestsDueMax; ++count) {
    const uint64_t due = times.start + static_cast<uint64_t>(next_due_);
    if (due >= times.end) {
      left_ = 0;
      return Finish();
    }
    if (due > now) return static_cast<int64_t>(due - now);
    Ask(due, now);
    context_.recorder.RecordDelay(due, now);
    next_due_ = arrivals_.Next();
  }
  return 0;
}

int64_t Requester::ProduceClosed(uint64_t now) {
  const auto depth = static_cast<uint64_t>(plan().depth);
  while (left_ > 0 && state_.sent.Get() - replies_.Get() < depth) Ask(now, now);
  return kWhenSomethingHappens;
}

void Requester::OnInput(client::Connection& connection) {
  const RunState& run = context_.run;
  const uint64_t now = base::MonotonicNanoseconds();
  proto::Message message;
  while (connection.Next(message)) {
    Head head;
    if (!message.headers.empty()) {
      return context_.run.Fail(absl::UnavailableError("no responders for the requests"));
    }
    if (!run.contents.Read(message.payload, head) || head.stream != index_) {
      context_.faults.AddCorrupted("requester " + std::to_string(index_),
                                   "an answer that is not its request");
      continue;
    }
    if (!ledger_.Take(head)) continue;
    replies_.Add();
    last_ns_ = now;
    const uint64_t start = run.times.start;
    const uint64_t offset = plan().rate > 0 ? state_.sent_times.Get(head.sequence) : 0;
    context_.recorder.Record(start + static_cast<uint64_t>(head.intended_ns),
                             offset != 0 ? start + offset : 0, now);
  }
}

void Responder::Prepare() { connection_.Subscribe(plan().subject, "responders", 1); }

void Responder::OnInput(client::Connection& connection) {
  proto::Message message;
  while (connection.Next(message)) connection.Publish(message.reply, {}, {}, message.payload);
}

}  // namespace martlet::load
