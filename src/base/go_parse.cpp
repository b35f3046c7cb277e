#include "base/go_parse.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/go_text.h"

namespace martlet::base {
namespace {

constexpr uint64_t kTooLarge = uint64_t{1} << 63;  // of nanoseconds; as a negative one it fits

struct Unit {
  std::string_view name;
  uint64_t nanos;
};
constexpr Unit kUnits[] = {
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // U+00B5, micro
    {"\xCE\xBCs", 1'000},  // U+03BC, mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
};

/// A number with its unit from the front of a duration.
class Part {
 public:
  explicit Part(std::string_view& rest) : rest_(rest) {}

  /// What is wrong with it; empty: nothing.
  std::string Read(std::string_view whole, uint64_t& nanos) {
    std::string invalid = "time: invalid duration " + GoQuote(whole);
    if (rest_.empty() || !(rest_[0] == '.' || IsDigit(rest_[0]))) return invalid;
    const size_t before = rest_.size();
    if (!ReadInteger()) return invalid;
    const bool digits_before = rest_.size() != before;
    bool digits_behind = false;
    if (!rest_.empty() && rest_[0] == '.') {
      rest_.remove_prefix(1);
      digits_behind = ReadFraction();
    }
    if (!digits_before && !digits_behind) return invalid;

    size_t unit_bytes = 0;
    while (unit_bytes < rest_.size() && rest_[unit_bytes] != '.' && !IsDigit(rest_[unit_bytes])) {
      ++unit_bytes;
    }
    if (unit_bytes == 0) return "time: missing unit in duration " + GoQuote(whole);
    const std::string_view name = rest_.substr(0, unit_bytes);
    rest_.remove_prefix(unit_bytes);
    for (const Unit& unit : kUnits) {
      if (unit.name != name) continue;
      if (integer_ > kTooLarge / unit.nanos) return invalid;
      nanos = integer_ * unit.nanos;
      if (fraction_ > 0) {
        nanos += static_cast<uint64_t>(static_cast<double>(fraction_) *
                                       (static_cast<double>(unit.nanos) / scale_));
      }
      return nanos > kTooLarge ? invalid : "";
    }
    return "time: unknown unit " + GoQuote(name) + " in duration " + GoQuote(whole);
  }

 private:
  bool ReadInteger() {
    for (; !rest_.empty() && IsDigit(rest_[0]); rest_.remove_prefix(1)) {
      if (integer_ > kTooLarge / 10) return false;
      integer_ = integer_ * 10 + static_cast<uint64_t>(rest_[0] - '0');
      if (integer_ > kTooLarge) return false;
    }
    return true;
  }
  // Digits that no longer fit are read and left out.
  bool ReadFraction() {
    bool any = false;
    bool full = false;
    for (; !rest_.empty() && IsDigit(rest_[0]); rest_.remove_prefix(1)) {
      any = true;
      if (full || fraction_ > (kTooLarge - 1) / 10) {
        full = true;
        continue;
      }
      const uint64_t next = fraction_ * 10 + static_cast<uint64_t>(rest_[0] - '0');
      if (next > kTooLarge) {
        full = true;
        continue;
      }
      fraction_ = next;
      scale_ *= 10;
    }
    return any;
  }

  std::string_view& rest_;
  uint64_t integer_ = 0;
  uint64_t fraction_ = 0;
  double scale_ = 1;
};

}  // namespace

absl::StatusOr<std::chrono::nanoseconds> ParseGoDuration(std::string_view text) {
  const std::string invalid = "time: invalid duration " + GoQuote(text);
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return std::chrono::nanoseconds(0);
  if (rest.empty()) return absl::InvalidArgumentError(invalid);
  uint64_t sum = 0;
  while (!rest.empty()) {
    uint64_t nanos = 0;
    const std::string error = Part(rest).Read(text, nanos);
    if (!error.empty()) return absl::InvalidArgumentError(error);
    sum += nanos;
    if (sum > kTooLarge) return absl::InvalidArgumentError(invalid);
  }
  if (!negative && sum >= kTooLarge) return absl::InvalidArgumentError(invalid);
  return std::chrono::nanoseconds(static_cast<int64_t>(negative ? 0 - sum : sum));
}

std::optional<int64_t> ParseGoInt(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

std::optional<HostPort> SplitHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos || end + 1 != colon) return std::nullopt;
    host = text.substr(1, end - 1);
    if (text.find('[', 1) != text.npos) return std::nullopt;
  } else if (host.find(':') != host.npos || text.find('[') != text.npos) {
    return std::nullopt;
  }
  if (text.find(']', text.starts_with('[') ? colon : 0) != text.npos) return std::nullopt;
  return HostPort{std::string(host), std::string(text.substr(colon + 1))};
}

}  // namespace martlet::base
