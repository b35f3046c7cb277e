#include "load/run_state.h"

#include <algorithm>

namespace martlet::load {
namespace {

std::string HeaderBlock(uint32_t count) {
  if (count == 0) return {};
  std::string block = "NATS/1.0\r\n";
  for (uint32_t i = 0; i < count; ++i) {
    block += "Bench-Header-" + std::to_string(i) + ": value-" + std::to_string(i) + "\r\n";
  }
  return block + "\r\n";
}

}  // namespace

uint64_t PublisherState::Received() const {
  uint64_t least = UINT64_MAX;
  for (const auto& group : audience) {
    uint64_t sum = 0;
    for (const base::Counter* member : group) sum += member->Get();
    least = std::min(least, sum);
  }
  return least;
}

RunState::RunState(const Plan& run_plan, const client::Peer& subscribe_to,
                   const client::Peer& publish_to)
    : plan(run_plan),
      peer(subscribe_to),
      publish_peer(publish_to),
      streams(run_plan),
      contents(run_plan.seed, run_plan.size_bytes),
      zipf(MakeZipf(run_plan)),
      headers(HeaderBlock(run_plan.header_count)) {}

void RunState::Fail(absl::Status why) {
  const std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = std::move(why);
  failed.store(true, std::memory_order_release);
}

absl::Status RunState::failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace martlet::load
