// Looking up names without holding anybody up.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "cluster/events.h"

namespace martlet::control {

/// Asks the system's resolver on a thread of its own, which there is from the first question on:
/// getaddrinfo(3) blocks for as long as the name servers please.
///
/// Who writes: the owner asks; the thread answers, and makes ready_fd() readable.
/// Bound:      as many questions as there are attempts to dial.
/// Lifetime:   the end waits for the look-up that is under way.
class Resolver {
 public:
  Resolver();
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  void Ask(const cluster::Resolve& question);
  /// Readable when there are answers.
  int ready_fd() const { return ready_.get(); }
  std::vector<cluster::Resolved> TakeAnswers();

 private:
  void Work();

  base::UniqueFd ready_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<cluster::Resolve> questions_;
  std::vector<cluster::Resolved> answers_;
  bool ends_ = false;
  std::thread thread_;
};

/// All addresses of a host, in the resolver's order; a numeric one is its own. Blocks. The error is
/// Go's: `lookup x: no such host`.
cluster::Resolved LookUp(const cluster::Resolve& question);

}  // namespace martlet::control
