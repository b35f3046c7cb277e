#include "sim/seeds.h"

#include <algorithm>
#include <charconv>

namespace martlet::sim {
namespace {

bool ParseNumber(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

bool ParseSeeds(std::string_view text, SeedRange& seeds) {
  const size_t dots = text.find("..");
  if (dots == text.npos) {
    if (!ParseNumber(text, seeds.first)) return false;
    seeds.last = seeds.first;
    return true;
  }
  return ParseNumber(text.substr(0, dots), seeds.first) &&
         ParseNumber(text.substr(dots + 2), seeds.last) && seeds.first <= seeds.last;
}

uint64_t RunSeeds(const SeedRange& seeds, Options options,
                  const std::function<void(const std::string&)>& print) {
  uint64_t failed = 0, slowest_ms = 0, dials = 0, gossip = 0, differences = 0;
  for (uint64_t i = 0; i <= seeds.last - seeds.first; ++i) {
    options.seed = seeds.first + i;
    const Result result = Run(options);
    slowest_ms = std::max(slowest_ms, result.settled_ms);
    dials += result.dials;
    gossip += result.gossip;
    differences += result.differences;
    if (result.failure.empty()) continue;
    ++failed;
    print("seed " + std::to_string(options.seed) + " (" + std::to_string(result.servers) +
          " servers): " + result.failure);
  }
  print(std::to_string(seeds.last - seeds.first + 1) + " seeds, " + std::to_string(failed) +
        " failed; whole again after " + std::to_string(slowest_ms) + " ms at most; " +
        std::to_string(dials) + " dials, " + std::to_string(gossip) + " messages of gossip, " +
        std::to_string(differences) + " times told again after a check");
  return failed;
}

}  // namespace martlet::sim
