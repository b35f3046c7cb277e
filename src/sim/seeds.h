// Many seeds, one after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "sim/options.h"

namespace martlet::sim {

struct SeedRange {
  uint64_t first = 1;
  uint64_t last = 1;
};

/// Reads "7" and "1..1000". False: it is neither.
bool ParseSeeds(std::string_view text, SeedRange& seeds);

/// Runs all of them, `options` with each, and prints a line for each that fails and one at the end.
/// Returns how many failed.
uint64_t RunSeeds(const SeedRange& seeds, Options options,
                  const std::function<void(const std::string&)>& print);

}  // namespace martlet::sim
