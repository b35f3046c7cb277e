// Which runs were disturbed by other load, and which of them are worth another try. Pure.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

namespace martlet::compare {

/// CPU time of others, in cores (CPU seconds a second), above which a run counts as disturbed on a
/// machine with `cpus` CPUs: 4 % of each, 8 % of a core on a machine with two; half a core on large
/// ones, where one busy process must still be seen.
///
/// An idle system uses 1 to 3 % of a core for itself. The other bound is what a verdict could be
/// led to: 8 % of the server's core taken away changes a figure by about as much, which is what
/// five rounds with the usual spread tell apart.
double DisturbedAbove(unsigned cpus);

/// Decides about repeating a run that was just made.
///
/// Others may be busy all the time, or the system may count work of the run as theirs. Trying
/// again does not help then. So when all tries of a run were disturbed, the least of them is
/// remembered, and later runs of that scenario and server are repeated only when they saw more
/// than the threshold above it. They still count as disturbed.
///
/// On a machine that is busy altogether each run that ran out of tries halves what the next ones
/// get, whichever they are, down to one; a quiet run restores it.
class Disturbance {
 public:
  Disturbance(double above_cores, int tries_max)
      : above_cores_(above_cores), tries_max_(tries_max), patience_(tries_max) {}

  bool Disturbed(double other_cores) const { return other_cores > above_cores_; }

  /// Whether to run again after `tries` tries of which the last saw `other_cores` and the quietest
  /// `least_cores`.
  bool Repeat(size_t scenario, size_t server, int tries, double other_cores, double least_cores);

 private:
  double above_cores_;
  int tries_max_;
  int patience_;                                       // tries for a run at present
  std::map<std::pair<size_t, size_t>, double> usual_;  // cores of others that are always there
};

}  // namespace martlet::compare
