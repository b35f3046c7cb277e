// Values of flags, as Go's flag package reads them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace martlet::ops {

/// What is wrong with a value, in the flag package's words; null: nothing.
using Complaint = const char*;

/// Go's strconv.ParseBool.
std::optional<bool> ParseFlagBool(std::string_view text);

/// Go's strconv.ParseInt(text, 0, 64): sign, 0x 0b 0o or 0 in front, underscores between digits.
/// Unlike base::ParseGoInt, which is strconv.Atoi.
Complaint ParseFlagInt(std::string_view text, int64_t& out);

}  // namespace martlet::ops
