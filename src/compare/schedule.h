// In which order the runs of a comparison are made. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace martlet::compare {

/// One run of a comparison; numbers count from 0.
struct Slot {
  size_t round = 0;
  size_t scenario = 0;
  size_t server = 0;
};

/// Every scenario against every server in each of `rounds` rounds.
///
/// Within a round the scenarios come in random order, and all servers of a scenario directly one
/// after the other, so that what drifts slowly (temperature, neighbours) is the same for all of
/// them. Their order is random in every even round and reversed in the odd one after it: a
/// constant cost of being first or last cancels out. The same seed gives the same order.
std::vector<Slot> Schedule(size_t rounds, size_t scenarios, size_t servers, uint64_t seed);

/// The seed of a run's contents and arrivals: another for each round and scenario, the same for
/// all servers, so that each of them is asked the same.
uint64_t RunSeed(uint64_t seed, size_t round, size_t scenario);

}  // namespace martlet::compare
