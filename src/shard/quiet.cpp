#include "shard/quiet.h"

namespace martlet::shard {
namespace {

// About what the coming or going of one leaves behind. A trickle is less than a connection in a
// second: somebody may look every few seconds whether the server is there.
constexpr uint64_t kConnectionBytes = 2048;
constexpr uint64_t kSubscriptionBytes = 256;

uint64_t Difference(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

}  // namespace

bool Quiet::Look(const Totals& now) {
  quiet_looks_ = WorkSince(looked_, now) < kTrickle ? quiet_looks_ + 1 : 0;
  looked_ = now;
  if (quiet_looks_ < kQuietLooks) return false;
  quiet_looks_ = 0;
  trimmed_ = now;
  return true;
}

uint64_t Quiet::WorkSince(const Totals& before, const Totals& now) {
  // Who came is in `connects`; what `connections` lacks then, has gone.
  const uint64_t came = now.connects - before.connects;
  const uint64_t gone = before.connections + came - now.connections;
  return now.bytes - before.bytes + (came + gone) * kConnectionBytes +
         Difference(now.subscriptions, before.subscriptions) * kSubscriptionBytes;
}

}  // namespace martlet::shard
