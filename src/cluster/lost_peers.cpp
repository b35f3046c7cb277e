#include "cluster/lost_peers.h"

#include <algorithm>

namespace martlet::cluster {
namespace {

constexpr uint64_t kDelayMinMs = 1000;
constexpr uint64_t kDelayMaxMs = 30'000;
constexpr uint64_t kKeptMs = uint64_t{24} * 3'600'000;
constexpr uint32_t kJitterMs = 100;
constexpr int kQuickTries = 60;

}  // namespace

void LostPeers::Add(const std::string& id, const base::Url& url, bool known, uint64_t delay_ms,
                    uint64_t now_ms) {
  if (id.empty() || (peers_.size() >= kMax && !peers_.contains(id))) return;
  const auto [at, fresh] = peers_.try_emplace(id);
  if (!fresh) return;
  at->second.url = url;
  at->second.quick_tries = known ? kQuickTries : 0;
  at->second.forget_at_ms = now_ms + kKeptMs;
  due_.Set(id, now_ms + delay_ms + random_.Below(kJitterMs));
}

bool LostPeers::Remove(const std::string& id) {
  due_.Clear(id);
  return peers_.erase(id) > 0;
}

void LostPeers::Clear() {
  peers_.clear();
  due_.ClearAll();
}

void LostPeers::Hurry(uint64_t now_ms) {
  for (auto& [id, entry] : peers_) {
    entry.delay_ms = kDelayMinMs;
    due_.Set(id, now_ms + random_.Below(kJitterMs));
  }
}

std::optional<LostPeers::Lost> LostPeers::TakeDue(uint64_t now_ms) {
  while (const std::optional<std::string> id = due_.TakeDue(now_ms)) {
    Entry& entry = peers_.at(*id);
    if (entry.forget_at_ms <= now_ms) {
      Remove(*id);
      continue;
    }
    due_.Set(*id, now_ms + entry.delay_ms + random_.Below(kJitterMs));
    if (entry.quick_tries > 0) {
      --entry.quick_tries;
    } else {
      entry.delay_ms = std::min(entry.delay_ms * 2, kDelayMaxMs);
    }
    return Lost{.id = *id, .url = entry.url};
  }
  return std::nullopt;
}

}  // namespace martlet::cluster
