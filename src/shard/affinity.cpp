#include "shard/affinity.h"

#include <algorithm>
#include <utility>

namespace martlet::shard {

Affinity::Change Affinity::Judge(uint64_t now_ns, uint64_t waited_ns) {
  const uint64_t elapsed_ns = now_ns - std::exchange(begin_ns_, now_ns);
  const uint64_t waited = waited_ns - std::exchange(begin_waited_ns_, waited_ns);
  if (elapsed_ns == now_ns) return Change::kNone;  // the first call says where the totals begin
  if (!pinned_) {
    if (now_ns < back_ns_ || waited * 100 > elapsed_ns * kCalmPercent) return Change::kNone;
    pinned_ = true;
    pinned_since_ns_ = now_ns;
    return Change::kPin;
  }
  const bool crowded = waited * 100 >= elapsed_ns * kCrowdedPercent;
  crowded_windows_ = crowded ? crowded_windows_ + 1 : 0;
  return crowded_windows_ < kCrowdedWindows ? Change::kNone : LetGo(now_ns);
}

Affinity::Change Affinity::LetGo(uint64_t now_ns) {
  // Trouble that comes again soon lasts; else it begins anew.
  const bool again = pinned_since_ns_ != 0 && now_ns - pinned_since_ns_ < away_ns_;
  away_ns_ = again ? std::min(away_ns_ * 2, kAwayMaxNs) : kAwayMinNs;
  back_ns_ = now_ns + away_ns_;
  pinned_ = false;
  crowded_windows_ = 0;
  return Change::kLetGo;
}

}  // namespace martlet::shard
