// Why the kernel refuses an io_uring, in words for the operator.
#pragma once

#include <string>

#include <absl/status/status.h>

namespace martlet::io {

/// `what: errno text; what to do about it`, as kUnavailable.
absl::Status UringRefused(const std::string& what, int error);

/// `what: errno text`, as kUnavailable.
absl::Status SystemRefused(const std::string& what, int error);

}  // namespace martlet::io
