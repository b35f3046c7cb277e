#include "load/flood.h"

#include <algorithm>
#include <cstring>

namespace martlet::load {
namespace {

constexpr uint64_t kAwayBytesMax = uint64_t{4} << 20;
constexpr uint64_t kBatchMax = 16;  // at a turn: the measured messages want theirs, too

// Apart from every subject of the load, also where that subscribes to a wildcard.
std::string SubjectOf(const Plan& plan) { return plan.subject + "-flood"; }

}  // namespace

FloodSink::FloodSink(WorkerContext& context)
    : Role(context, context.run.peer),
      contents_(plan().seed + 1, plan().flood_bytes),
      ledger_("the flood's subscriber", 0, 1, context.faults) {}

void FloodSink::Prepare() { connection_.Subscribe(SubjectOf(plan()), {}, 1); }

void FloodSink::OnInput(client::Connection& connection) {
  proto::Message message;
  while (connection.Next(message)) {
    Head head;
    if (!contents_.Read(message.payload, head)) {
      context_.faults.AddCorrupted(ledger_.who(), "a payload that was not sent");
    } else if (ledger_.Take(head)) {
      context_.run.flood_received.Add();
    }
  }
}

Flooder::Flooder(WorkerContext& context, const FloodSink& sink)
    : Role(context, context.run.publish_peer),
      contents_(sink.contents()),
      before_("PUB " + SubjectOf(plan()) + " " + std::to_string(plan().flood_bytes) + "\r\n") {}

int64_t Flooder::Produce(uint64_t now) {
  RunState& run = context_.run;
  if (now < run.times.start || now >= run.times.end) return kWhenSomethingHappens;
  const uint64_t sent = run.flood_sent.Get();
  const double due = static_cast<double>(now - run.times.start) * 1e-9 * plan().flood_per_second;
  const double behind = due - static_cast<double>(sent);
  if (behind < 1) return static_cast<int64_t>((1 - behind) * 1e9 / plan().flood_per_second);
  // Received may be ahead: an audience of duplicates.
  const uint64_t away = sent - std::min(sent, run.flood_received.Get());
  const uint64_t window = std::max<uint64_t>(kAwayBytesMax / plan().flood_bytes, 1);
  if (away >= window) return kWhenSomethingHappens;
  const uint64_t count = std::min({static_cast<uint64_t>(behind), kBatchMax, window - away});
  client::OutBuffer& out = connection_.out();
  for (uint64_t i = 0; i < count; ++i) {
    char* at = out.Reserve(before_.size() + plan().flood_bytes + Contents::kSlackBytes + 2);
    std::memcpy(at, before_.data(), before_.size());
    at = contents_.Write({.stream = 0, .sequence = sent + i}, at + before_.size());
    *at++ = '\r';
    *at++ = '\n';
    out.Commit(at);
  }
  run.flood_sent.Add(count);
  connection_.Written();
  return 0;
}

}  // namespace martlet::load
