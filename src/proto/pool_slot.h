// Which connection of a pool carries an account.
#pragma once

#include <cstdint>
#include <string_view>

namespace martlet::proto {

/// The slot of an account among `pool_size` connections; 0 where there is no pool. FNV-1a, 32 bits,
/// of the name. Source: spec route-protocol.md section 8.1; reference computeRoutePoolIdx.
constexpr int64_t PoolSlot(std::string_view account, int64_t pool_size) {
  if (pool_size <= 1) return 0;
  uint32_t hash = 0x811c9dc5;
  for (const char c : account) hash = (hash ^ static_cast<uint8_t>(c)) * 0x01000193;
  return int64_t{hash} % pool_size;
}

}  // namespace martlet::proto
