#include "compare/schedule.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/random.h"

namespace martlet::compare {
namespace {

using Order = std::vector<size_t>;

Order Shuffled(size_t count, base::Random& random) {
  Order order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i > 1; --i) {
    std::swap(order[i - 1], order[random.Below(static_cast<uint32_t>(i))]);
  }
  return order;
}

}  // namespace

std::vector<Slot> Schedule(size_t rounds, size_t scenarios, size_t servers, uint64_t seed) {
  base::Random random(seed);
  std::vector<Order> server_orders(scenarios);
  std::vector<Slot> slots;
  slots.reserve(rounds * scenarios * servers);
  for (size_t round = 0; round < rounds; ++round) {
    for (const size_t scenario : Shuffled(scenarios, random)) {
      Order& order = server_orders[scenario];
      if (round % 2 == 0) {
        order = Shuffled(servers, random);
      } else {
        std::reverse(order.begin(), order.end());
      }
      for (const size_t server : order) slots.push_back({round, scenario, server});
    }
  }
  return slots;
}

uint64_t RunSeed(uint64_t seed, size_t round, size_t scenario) {
  // One step scatters each number before the next comes in: neighbouring seeds share no run.
  const uint64_t of_round = base::Random(base::Random(seed).Next() ^ uint64_t{round}).Next();
  return base::Random(of_round ^ uint64_t{scenario}).Next();
}

}  // namespace martlet::compare
