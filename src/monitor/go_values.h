// Values as the reference writes them into its JSON.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::monitor {

/// A span of time as `6s`, `1m5s`, `2h0m3s`, `1d2h0m3s`, `1y2d3h4m5s`. Source: reference myUptime.
std::string UptimeText(int64_t nanoseconds);

/// A round trip as Go's duration, in whole microseconds from one of them to a millisecond.
/// Source: reference getRTT.
std::string RttText(int64_t nanoseconds);

}  // namespace martlet::monitor
