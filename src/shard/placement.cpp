#include "shard/placement.h"

#include <limits>

namespace martlet::shard {

Placement::Placement(unsigned shards) : shards_(shards), loads_(std::make_unique<Load[]>(shards)) {}

unsigned Placement::Admit(int64_t connections_max, bool* over_limit) {
  const int64_t before = total_.fetch_add(1, std::memory_order_relaxed);
  *over_limit = before >= connections_max;

  // A shard at work all the time counts as if it had twice the mean and some more, so that a few
  // busy connections weigh as much as many idle ones.
  const int64_t busy_weight = before / shards_ + 16;
  unsigned best = 0;
  int64_t best_score = std::numeric_limits<int64_t>::max();
  for (unsigned shard = 0; shard < shards_; ++shard) {
    const int64_t score = loads_[shard].connections.load(std::memory_order_relaxed) * 1000 +
                          busy_weight * loads_[shard].busy_permille.load(std::memory_order_relaxed);
    if (score < best_score) {
      best_score = score;
      best = shard;
    }
  }
  loads_[best].connections.fetch_add(1, std::memory_order_relaxed);
  return best;
}

void Placement::Leave(unsigned shard) {
  loads_[shard].connections.fetch_sub(1, std::memory_order_relaxed);
  total_.fetch_sub(1, std::memory_order_relaxed);
}

void Placement::SetBusy(unsigned shard, uint32_t permille) {
  loads_[shard].busy_permille.store(permille, std::memory_order_relaxed);
}

bool Placement::MayReportAcceptError(uint64_t now_ms, uint64_t pause_ms) {
  uint64_t due = next_report_ms_.load(std::memory_order_relaxed);
  return now_ms >= due &&
         next_report_ms_.compare_exchange_strong(due, now_ms + pause_ms, std::memory_order_relaxed);
}

}  // namespace martlet::shard
