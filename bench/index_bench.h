// What the benchmarks of the subject index share.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "subject/subject_index.h"

namespace martlet::subject {

/// An index with one reader online on each shard, and subscribers of shard 0.
class FilledIndex {
 public:
  explicit FilledIndex(unsigned shards = 1) : index_(shards) {
    for (unsigned shard = 0; shard < shards; ++shard) index_.reclaimer().Online(shard);
  }
  ~FilledIndex() {
    for (const auto& subscriber : subscribers_) index_.Remove(0, *subscriber);
    for (unsigned shard = 0; shard < index_.shards(); ++shard) index_.reclaimer().Offline(shard);
  }
  FilledIndex(const FilledIndex&) = delete;
  FilledIndex& operator=(const FilledIndex&) = delete;

  SubjectIndex& index() { return index_; }
  void Add(std::string_view filter) {
    subscribers_.push_back(std::make_unique<Subscriber>());
    index_.Add(0, kGlobalAccount, filter, {}, *subscribers_.back());
    // As a shard does between its turns.
    if (subscribers_.size() % 64 == 0) Quiesce();
  }
  void Quiesce() {
    for (unsigned shard = 0; shard < index_.shards(); ++shard) index_.reclaimer().Quiesce(shard);
  }
  /// Memory for the subscribers themselves, ahead of time.
  void ReserveSubscribers(size_t count) { subscribers_.reserve(count); }

 private:
  SubjectIndex index_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

/// Distinct literal subjects that look like those of devices: 24 to 30 bytes.
inline std::string DeviceSubject(size_t number) {
  return "devices.eu-west." + std::to_string(number) + ".state";
}

}  // namespace martlet::subject
