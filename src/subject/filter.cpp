#include "subject/filter.h"

#include <algorithm>

#include "base/check.h"

namespace martlet::subject {

Filter* Filter::Create(uint64_t hash, AccountId account, std::string_view text,
                       std::string_view queue, unsigned shards) {
  static_assert(alignof(Slot) <= alignof(Filter));
  static_assert(sizeof(Filter) % alignof(Slot) == 0);
  const size_t bytes = sizeof(Filter) + shards * sizeof(Slot) + text.size() + queue.size();
  return new (::operator new(bytes)) Filter(hash, account, text, queue, shards);
}

void Filter::Destroy(Filter* filter) {
  filter->~Filter();
  ::operator delete(filter);
}

Filter::Filter(uint64_t hash_value, AccountId account, std::string_view text,
               std::string_view queue, unsigned shards)
    : TableLinks(hash_value),
      account_(account),
      shards_(shards),
      text_bytes_(static_cast<uint32_t>(text.size())),
      queue_bytes_(static_cast<uint32_t>(queue.size())) {
  for (unsigned i = 0; i < shards; ++i) new (&SlotOf(i)) Slot();
  std::copy(text.begin(), text.end(), Chars());
  std::copy(queue.begin(), queue.end(), Chars() + text.size());
}

Filter::~Filter() {
  for (unsigned i = 0; i < shards_; ++i) {
    Slot& slot = SlotOf(i);
    if (slot.capacity != 0) delete[] slot.many;
    slot.~Slot();
  }
}

uint32_t Filter::Push(unsigned shard, Subscriber& subscriber) {
  Slot& slot = SlotOf(shard);
  const uint32_t count = slot.count.load(std::memory_order_relaxed);
  if (slot.capacity == 0 && count == 0) {
    slot.one = &subscriber;
  } else {
    if (count >= slot.capacity) {
      const std::span<Subscriber* const> old = local(shard);
      const uint32_t capacity = std::max<uint32_t>(4, count * 2);
      auto** grown = new Subscriber*[capacity];
      std::copy(old.begin(), old.end(), grown);
      if (slot.capacity != 0) delete[] slot.many;
      slot.many = grown;
      slot.capacity = capacity;
    }
    slot.many[count] = &subscriber;
  }
  subscriber.filter = this;
  subscriber.position = count;
  slot.count.store(count + 1, std::memory_order_relaxed);
  return count + 1;
}

uint32_t Filter::Erase(unsigned shard, Subscriber& subscriber) {
  Slot& slot = SlotOf(shard);
  const uint32_t last = slot.count.load(std::memory_order_relaxed) - 1;
  if (slot.capacity != 0) {
    CHECK(slot.many[subscriber.position] == &subscriber);
    Subscriber* moved = slot.many[last];
    slot.many[subscriber.position] = moved;
    moved->position = subscriber.position;
  } else {
    CHECK(last == 0);
    CHECK(slot.one == &subscriber);
  }
  if (last == 0 && slot.capacity != 0) {
    delete[] slot.many;
    slot.capacity = 0;
    slot.one = nullptr;
  }
  subscriber.filter = nullptr;
  slot.count.store(last, std::memory_order_relaxed);
  return last;
}

}  // namespace martlet::subject
