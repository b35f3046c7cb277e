// What travels between shards, and its form in a ring.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "session/message.h"
#include "subject/filter.h"

namespace martlet::session {

/// The first byte of every record.
enum class RecordKind : uint8_t {
  kMessage,    // for all plain subscriptions of the receiving shard
  kQueuePick,  // for one member of a queue group there
  kBounce,     // ... that was not there any more: back to the publisher's shard
  kStall,      // the publisher is too fast for a subscriber of the sending shard
  // The rest is between the shards and the control shard (shard/records.h).
  kAdopt,
  kListen,
  kStopListening,
  kListenerClosed,
  kLameDuck,
  kCloseOne,
  kStop,
  kStopped,
};

/// A payload too large for a ring, shared by the records that carry it. The last one to let go
/// frees it; on whichever shard that is.
class SharedPayload {
 public:
  static SharedPayload* Create(std::string_view bytes);
  std::string_view bytes() const { return {reinterpret_cast<const char*>(this + 1), size_}; }
  void Acquire() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release();

 private:
  explicit SharedPayload(size_t size) : size_(size) {}
  std::atomic<uint32_t> references_{1};
  size_t size_;
};

/// Keeps a shared payload on one shard, with a plain count: takes over the caller's reference, and
/// lets go of it when nobody here keeps it any more.
base::KeptMemory* KeptHere(SharedPayload& payload);

/// A message or a run between shards.
///
/// Payloads up to kInlineBytesMax travel in the ring; larger ones by reference, and never as a run.
struct MessageRecord {
  static constexpr size_t kInlineBytesMax = 4096;

  RecordKind kind = RecordKind::kMessage;
  uint64_t publisher = 0;       // client id, on the shard that sent the record first
  subject::ShardSet tried = 0;  // kQueuePick, kBounce: shards that had no member left
  uint8_t origin = 0;           // the publisher's shard
  uint64_t as_of = 0;           // of the match that sent it here (subject_index.h, Beginnings)
  std::string_view queue;       // kQueuePick, kBounce
  Message message;
  SharedPayload* shared = nullptr;  // holds message.payload when it is not inline

  size_t EncodedBytes() const;
  void Encode(char* to) const;
  /// Views point into `from` or the shared payload.
  static MessageRecord Decode(std::span<const char> from);
};

/// Ask for a pause of a publisher.
struct StallRecord {
  RecordKind kind = RecordKind::kStall;
  uint32_t milliseconds = 0;
  uint64_t publisher = 0;
};

inline RecordKind KindOf(std::span<const char> record) {
  return static_cast<RecordKind>(record.front());
}

/// Bytes of the shared payload that a record refers to; 0 when it carries all it has.
size_t SharedBytesOf(std::span<const char> record);

/// Lets go of what an undelivered record holds: at the end, when nobody will read it.
void DiscardRecord(std::span<const char> record);

/// Plain structs that begin with their kind travel as they are.
template <class Record>
Record DecodePlain(std::span<const char> from) {
  Record record;
  std::memcpy(&record, from.data(), sizeof record);
  return record;
}

}  // namespace martlet::session
