// The answer to "who wants this subject".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "subject/filter.h"
#include "subject/generations.h"

namespace martlet::subject {

/// The filters that match a subject, and what follows from them. Laid out so that the first cache
/// line tells whether it still holds and which shards want it, the second who does.
struct alignas(64) MatchResult {
  using Filters = absl::InlinedVector<const Filter*, 2>;

  /// One queue group over all matching filters that name it.
  struct Group {
    std::string_view queue;  // points into the first filter
    Filters filters;         // of this server
    Filters remote;          // of other servers, with their weights
  };

  Generations::Stamp stamp;   // the state of the index it was computed under
  uint64_t as_of = 0;         // beginnings of interest that were certainly seen
  ShardSet plain_shards = 0;  // shards with at least one plain member

  Filters plain;              // those without a queue group
  std::vector<Group> groups;  // in no order
  /// Of the plain filters, those with members on the shard that asked: their number, and the
  /// members of the first. It stays true while the stamp is current: only the list's contents may
  /// change, never whether it is empty.
  uint32_t local_filters = 0;
  const LocalList* first_local = nullptr;
  Filters remote;  // plain ones of other servers; a route may stand there more than once

  bool empty() const { return plain.empty() && groups.empty() && remote.empty(); }
  void Clear() {
    plain.clear();
    groups.clear();
    remote.clear();
    plain_shards = 0;
    local_filters = 0;
    first_local = nullptr;
  }
};

}  // namespace martlet::subject
