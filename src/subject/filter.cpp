#include "subject/filter.h"

#include <algorithm>
#include <cstddef>
#include <new>

#include "base/check.h"

namespace martlet::subject {

LocalList::Array* LocalList::NewArray(uint32_t capacity) {
  const size_t bytes = offsetof(Array, at) + capacity * sizeof(void*);
  auto* array = static_cast<Array*>(::operator new(bytes));
  array->capacity = capacity;
  return array;
}

void LocalList::FreeArray() {
  if (IsArray()) ::operator delete(array());
  one_ = nullptr;
}

LocalList::~LocalList() { FreeArray(); }

uint32_t LocalList::Push(Subscriber& subscriber) {
  const uint32_t count = size();
  if (count == 0) {
    one_ = &subscriber;
  } else {
    if (!IsArray() || count == array()->capacity) {
      const std::span<Subscriber* const> old = members();
      Array* const grown = NewArray(std::max<uint32_t>(3, count * 2 - 1));
      std::copy(old.begin(), old.end(), grown->at);
      FreeArray();
      Own(grown);
    }
    array()->at[count] = &subscriber;
  }
  subscriber.position = count;
  count_.store(count + 1, std::memory_order_relaxed);
  return count + 1;
}

uint32_t LocalList::Erase(Subscriber& subscriber) {
  const uint32_t last = size() - 1;
  if (IsArray()) {
    CHECK(array()->at[subscriber.position] == &subscriber);
    Subscriber* const moved = array()->at[last];
    array()->at[subscriber.position] = moved;
    moved->position = subscriber.position;
  } else {
    CHECK(last == 0);
    CHECK(one_ == &subscriber);
  }
  if (last == 0) FreeArray();
  count_.store(last, std::memory_order_relaxed);
  return last;
}

Filter* Filter::Create(NodePool& pool, const Identity& identity, unsigned owner) {
  return new (pool.Allocate(Bytes(identity.text, identity.queue))) Filter(identity, owner);
}

void Filter::Destroy(NodePool& pool, Filter* filter) {
  const size_t bytes = Bytes(filter->text(), filter->queue());
  filter->~Filter();
  pool.Free(filter, bytes);
}

void Filter::GiveBack(NodePool& pool, Filter* filter) {
  const size_t bytes = Bytes(filter->text(), filter->queue());
  filter->~Filter();
  pool.GiveBack(filter, bytes);
}

Filter::Filter(const Identity& identity, unsigned owner)
    : BasicListNode(identity.key),
      account_(identity.account),
      text_bytes_(static_cast<uint32_t>(identity.text.size())),
      owner_(static_cast<uint8_t>(owner)),
      kind_(identity.kind),
      queued_(!identity.queue.empty()),
      remote_(identity.route != 0) {
  static_assert(sizeof(Filter) == 56);
  if (remote_) own_.BecomeRemote(identity.route, 1);
  char* out = std::copy(identity.text.begin(), identity.text.end(), Chars());
  if (!queued_) return;
  const auto queue_bytes = static_cast<uint32_t>(identity.queue.size());
  std::memcpy(out, &queue_bytes, sizeof queue_bytes);
  std::copy(identity.queue.begin(), identity.queue.end(), out + sizeof queue_bytes);
}

Filter::~Filter() {
  Others* const others = others_.load(std::memory_order_relaxed);
  if (others == nullptr) return;
  for (uint32_t i = 0; i < others->shards; ++i) {
    delete others->of[i].load(std::memory_order_relaxed);
  }
  ::operator delete(others);
}

ShardSet Filter::Shards() const {
  ShardSet shards = own_.size() > 0 ? ShardSet{1} << owner_ : 0;
  const Others* others = others_.load(std::memory_order_acquire);
  if (others == nullptr) return shards;
  for (uint32_t i = 0; i < others->shards; ++i) {
    const LocalList* of = others->of[i].load(std::memory_order_acquire);
    if (of != nullptr && of->size() > 0) shards |= ShardSet{1} << i;
  }
  return shards;
}

uint32_t Filter::TotalMembers() const {
  uint32_t members = own_.size();
  const Others* others = others_.load(std::memory_order_acquire);
  if (others == nullptr) return members;
  for (uint32_t i = 0; i < others->shards; ++i) {
    const LocalList* of = others->of[i].load(std::memory_order_acquire);
    if (of != nullptr) members += of->size();
  }
  return members;
}

LocalList& Filter::ListForWriter(unsigned shard, unsigned shards) {
  if (shard == owner_) return own_;
  std::atomic<LocalList*>& of = OthersOrNew(shards).of[shard];
  LocalList* list = of.load(std::memory_order_relaxed);  // nobody else stores there
  if (list == nullptr) {
    list = new LocalList();
    of.store(list, std::memory_order_release);  // pairs with the loads of those who count
  }
  return *list;
}

Filter::Others& Filter::OthersOrNew(unsigned shards) {
  Others* others = others_.load(std::memory_order_acquire);
  if (others != nullptr) return *others;
  const size_t bytes = offsetof(Others, of) + shards * sizeof(std::atomic<LocalList*>);
  auto* fresh = static_cast<Others*>(::operator new(bytes));
  fresh->shards = shards;
  for (unsigned i = 0; i < shards; ++i) new (&fresh->of[i]) std::atomic<LocalList*>(nullptr);
  if (others_.compare_exchange_strong(others, fresh, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
    return *fresh;
  }
  ::operator delete(fresh);  // another shard's came first
  return *others;
}

}  // namespace martlet::subject
