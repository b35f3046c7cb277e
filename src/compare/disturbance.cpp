#include "compare/disturbance.h"

#include <algorithm>

namespace martlet::compare {

double DisturbedAbove(unsigned cpus) {
  static constexpr double kShare = 0.04;
  static constexpr double kCoresMax = 0.5;
  return std::min(kShare * static_cast<double>(std::max(1U, cpus)), kCoresMax);
}

bool Disturbance::Repeat(size_t scenario, size_t server, int tries, double other_cores,
                         double least_cores) {
  const std::pair<size_t, size_t> key(scenario, server);
  const auto usual = usual_.find(key);
  const double floor = usual == usual_.end() ? 0.0 : usual->second;
  if (!Disturbed(other_cores)) patience_ = tries_max_;
  if (other_cores <= floor + above_cores_) return false;
  if (tries < patience_) return true;
  patience_ = std::max(1, patience_ / 2);
  usual_[key] = least_cores;
  return false;
}

}  // namespace martlet::compare
