// The percentiles that every report shows.
#pragma once

#include <array>
#include <string_view>

namespace martlet::report {

struct Rung {
  std::string_view label;
  double percentile;
};
inline constexpr std::array kLadder = {
    Rung{"p50", 50},     Rung{"p75", 75},       Rung{"p90", 90},         Rung{"p99", 99},
    Rung{"p99.9", 99.9}, Rung{"p99.99", 99.99}, Rung{"p99.999", 99.999}, Rung{"max", 100}};

}  // namespace martlet::report
