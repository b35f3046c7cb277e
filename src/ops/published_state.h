// What a server shows of itself to whoever may look into its process.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>

#include <absl/status/statusor.h>

#include "base/unique_fd.h"

namespace martlet::ops {

/// Names and values in memory that is found under /proc/PID/fd: no port, no file that could be
/// left behind, and the kernel lets only the same user and root look.
///
/// Thread: any one at a time. Readers may see a half of two states, and then read again.
class PublishedState {
 public:
  using Values = std::map<std::string, std::string, std::less<>>;

  PublishedState();
  /// Replaces all of it.
  void Publish(const Values& values) const;

  /// Of another process. Fails when it shows none, or may not be looked into.
  static absl::StatusOr<Values> Of(pid_t pid);

 private:
  base::UniqueFd memory_;
};

/// The form in memory: a line for each, with newlines and backslashes escaped, and an end mark.
std::string StateText(const PublishedState::Values& values);
absl::StatusOr<PublishedState::Values> ParseStateText(std::string_view text);

}  // namespace martlet::ops
