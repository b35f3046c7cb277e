#include "session/interconnect.h"

#include "session/record.h"

namespace martlet::session {

Interconnect::Interconnect(unsigned shards, size_t ring_bytes)
    : members_(shards + 1),
      done_(std::make_unique<Done[]>(size_t{members_} * members_)),
      flags_(std::make_unique<Flag[]>(shards + 1)) {
  constexpr size_t kControlRingBytes = size_t{64} << 10;
  rings_.resize(size_t{members_} * members_);
  for (unsigned from = 0; from < members_; ++from) {
    for (unsigned to = 0; to < members_; ++to) {
      if (from == to) continue;
      const bool data = from != control() && to != control();
      rings_[from * members_ + to] =
          std::make_unique<base::ByteRing>(data ? ring_bytes : kControlRingBytes);
    }
  }
}

Interconnect::~Interconnect() {
  for (const auto& ring : rings_) {
    if (ring == nullptr) continue;
    for (auto record = ring->Front(); record.data() != nullptr; record = ring->Front()) {
      DiscardRecord(record);
      ring->Pop(record);
    }
  }
}

bool Interconnect::HasWork(unsigned member) const {
  for (unsigned from = 0; from < members_; ++from) {
    if (from != member && rings_[from * members_ + member]->HasWork()) return true;
  }
  return false;
}

}  // namespace martlet::session
