// What this kernel's io_uring can do, found out by asking it.
#pragma once

#include <string>

#include "io/uring_compat.h"

namespace martlet::io {

/// Upper bounds on what a ring may use; tests play an older kernel with them.
struct FeatureLimits {
  bool deferred_task_work = true;
  bool multishot_receive = true;
  bool ring_messages = true;
  bool receive_cap = true;
  bool min_wait = true;
};

/// The modes a ring runs in.
///
/// Version numbers lie (distributions port features back and forth), so modes that arrived
/// without an opcode of their own are dated by an opcode of the same release.
struct Features {
  bool deferred_task_work = false;  // completions are posted only when the owner enters
  bool task_work_flag = false;      // the ring says when an enter would bring completions
  bool registered_ring = false;     // the ring is entered by index, not by descriptor
  bool multishot_receive = false;
  bool ring_messages = false;
  bool skip_success = false;  // completions nobody waits for can be suppressed
  bool receive_cap = false;   // a multishot receive lets others go first after so many bytes
  bool min_wait = false;      // a wait can last a while on purpose, to gather completions

  /// For the line at start: `multishot receive, ring-message wake-ups, deferred task work`, and
  /// for each mode that is missing the kernel release that would bring it.
  std::string Describe() const;
};

/// Opens `ring` with the best set-up flags the kernel takes, and fills `features`. Returns 0 or
/// -errno; then nothing is open. -ENOTSUP: there is an io_uring, but older than we can use.
int OpenRing(unsigned submission_entries, unsigned completion_entries, const FeatureLimits& limits,
             io_uring* ring, Features* features);

}  // namespace martlet::io
