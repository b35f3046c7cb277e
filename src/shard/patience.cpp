#include "shard/patience.h"

#include <algorithm>
#include <utility>

namespace martlet::shard {

bool Patience::Judge(const Totals& totals) {
  const Totals begin = std::exchange(begin_, totals);
  const Window window = {.elapsed_ns = totals.now_ns - begin.now_ns,
                         .cpu_ns = totals.cpu_ns - begin.cpu_ns,
                         .messages = totals.messages - begin.messages,
                         .switches = totals.involuntary_switches - begin.involuntary_switches};
  bool newly_shared = false;
  if (begin.now_ns == 0) {
    // The first call only says where the totals begin.
  } else if (phase_ != Phase::kResting && CallTruce(totals.now_ns, window)) {
    newly_shared = !std::exchange(told_, true);
  } else if (window.messages < kMessagesMin) {
    phase_ = Phase::kResting;
  } else if (phase_ == Phase::kResting) {
    JudgeRest(window);
  } else if (phase_ == Phase::kTrial) {
    JudgeTrial(window);
  } else {
    JudgeSpinning();
  }
  idle_moments_ = short_gaps_ = gaps_ns_ = 0;
  return newly_shared;
}

void Patience::JudgeRest(const Window& window) {
  rest_cost_ns_ = window.cpu_ns / window.messages;
  if (until_trial_ > 1) {
    --until_trial_;
  } else if (begin_.now_ns >= truce_ends_ns_ && gaps_ns_ <= idle_moments_ * kGapForTrialNs) {
    phase_ = Phase::kTrial;
  }
}

void Patience::JudgeTrial(const Window& window) {
  const uint64_t cost_ns = window.cpu_ns / window.messages;
  if (in_vain() || cost_ns * 100 > rest_cost_ns_ * kSlackPercent) {
    phase_ = Phase::kResting;
    until_trial_ = trial_pause_;
    trial_pause_ = std::min(trial_pause_ * 2, kTrialPauseMax);
    return;
  }
  phase_ = Phase::kSpinning;
  until_check_ = kSpinningWindowsMax;
  trial_pause_ = kTrialPauseMin;
}

void Patience::JudgeSpinning() {
  if (!in_vain() && --until_check_ > 0) return;
  phase_ = Phase::kResting;
  until_trial_ = 1;
}

bool Patience::CallTruce(uint64_t now_ns, const Window& window) {
  if (window.switches * 1'000'000'000 <= window.elapsed_ns * kSwitchesPerSecondMax) return false;
  // Trouble that comes soon after the last time lasts; else it begins anew.
  const bool again = now_ns - truce_ends_ns_ < truce_ns_;
  truce_ns_ = again ? std::min(truce_ns_ * 2, kTruceMaxNs) : kTruceMinNs;
  truce_ends_ns_ = now_ns + truce_ns_;
  phase_ = Phase::kResting;
  return true;
}

}  // namespace martlet::shard
