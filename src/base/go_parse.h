// Reading text as the Go runtime does, with its errors.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace martlet::base {

/// Go's time.ParseDuration: "300ms", "-1.5h", "2h45m", "0". The error reads as Go's:
/// `time: missing unit in duration "5"`.
absl::StatusOr<std::chrono::nanoseconds> ParseGoDuration(std::string_view text);

/// Go's strconv.Atoi: a sign, then decimal digits. Nothing for anything else, or out of 64 bits.
std::optional<int64_t> ParseGoInt(std::string_view text);

/// Host and port of "host:port" or "[host]:port", the port any text.
struct HostPort {
  std::string host;
  std::string port;
};
/// Go's net.SplitHostPort.
std::optional<HostPort> SplitHostPort(std::string_view text);

}  // namespace martlet::base
