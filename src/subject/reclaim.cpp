#include "subject/reclaim.h"

#include <algorithm>

#include "base/check.h"
#include "base/fence.h"

namespace martlet::subject {

Reclaimer::Reclaimer(unsigned readers)
    : readers_count_(readers), readers_(std::make_unique<Reader[]>(readers)) {}

Reclaimer::~Reclaimer() {
  for (const Retired& item : retired_) item.free(item.object);
}

void Reclaimer::Quiesce(unsigned reader) {
  DCHECK(reader < readers_count_);
  // Pairs with the fetch_add in Retire: what was unlinked before this epoch is out of our sight.
  readers_[reader].seen.store(epoch_.load(std::memory_order_acquire), std::memory_order_release);
}

void Reclaimer::Offline(unsigned reader) {
  readers_[reader].seen.store(kOffline, std::memory_order_release);
}

void Reclaimer::Online(unsigned reader) {
  readers_[reader].seen.store(epoch_.load(std::memory_order_acquire), std::memory_order_seq_cst);
  base::FullFence();  // pairs with the fence in CollectLocked
}

void Reclaimer::Retire(void* object, void (*free)(void*)) {
  const std::lock_guard lock(mutex_);
  const uint64_t epoch = epoch_.fetch_add(1, std::memory_order_seq_cst) + 1;
  retired_.push_back({epoch, object, free});
  if (retired_.size() % kCollectEvery == 0) CollectLocked();
}

size_t Reclaimer::Collect() {
  const std::lock_guard lock(mutex_);
  return CollectLocked();
}

size_t Reclaimer::CollectLocked() {
  base::FullFence();  // pairs with Online: unlinked objects are out of sight, or the reader is seen
  uint64_t oldest = kOffline;
  for (unsigned i = 0; i < readers_count_; ++i) {
    oldest = std::min(oldest, readers_[i].seen.load(std::memory_order_acquire));
  }
  while (!retired_.empty() && retired_.front().epoch <= oldest) {
    const Retired item = retired_.front();
    retired_.pop_front();
    item.free(item.object);
  }
  return retired_.size();
}

}  // namespace martlet::subject
