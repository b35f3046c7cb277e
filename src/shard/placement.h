// Which shard a new connection goes to.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace martlet::shard {

/// Shared tally of what each shard carries, for the choice of the least loaded one.
///
/// Who writes: Admit, by the shard that accepts; Leave and SetBusy, by the shard itself.
/// Who reads:  Admit. All relaxed: a choice made on a slightly old tally is still a good one.
class Placement {
 public:
  explicit Placement(unsigned shards);

  /// Counts a connection in; `*over_limit` says whether it is one too many. Returns its shard.
  unsigned Admit(int64_t connections_max, bool* over_limit);
  void Leave(unsigned shard);

  /// The share of time that the shard was at work lately, in permille.
  void SetBusy(unsigned shard, uint32_t permille);

  /// All shards run out of descriptors together; one of them says so, once in `pause_ms`.
  bool MayReportAcceptError(uint64_t now_ms, uint64_t pause_ms);

  int64_t connections() const { return total_.load(std::memory_order_relaxed); }
  int64_t connections(unsigned shard) const {
    return loads_[shard].connections.load(std::memory_order_relaxed);
  }
  uint64_t NextClientId() { return next_client_id_.fetch_add(1, std::memory_order_relaxed); }

 private:
  // The reference's own internal connections take the numbers before.
  static constexpr uint64_t kFirstClientId = 5;

  struct alignas(64) Load {
    std::atomic<int64_t> connections{0};
    std::atomic<uint32_t> busy_permille{0};
  };
  const unsigned shards_;
  std::unique_ptr<Load[]> loads_;
  alignas(64) std::atomic<int64_t> total_{0};
  std::atomic<uint64_t> next_client_id_{kFirstClientId};
  std::atomic<uint64_t> next_report_ms_{0};
};

}  // namespace martlet::shard
