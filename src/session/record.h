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
  kRouted,     // for the servers behind some routes of the receiving shard
  kInterest,   // what clients of the sending shard want has changed
  kBarrier,    // a client asks whether all of that is known to other servers
  kBarrierDone,
  // The rest is between the shards and the control shard (shard/records.h).
  kAdopt,
  kListen,
  kStopListening,
  kListenerClosed,
  kLameDuck,
  kCloseOne,
  kStop,
  kClientsGone,
  kStopRoutes,
  kStopped,
  kFacts,
  kFactsTaken,
  kCloseSurplus,
  kPulse,
  kSnapshot,  // the monitor's question, and the answer
  kAdoptRoute,
  kRouteAction,
  kRouteEvent,
};

/// Payloads too large for a ring, shared by the records that carry them: a copy of their own, or a
/// view of memory that the sending shard keeps meanwhile (Mailroom::Lend).
///
/// Who writes: whoever made it, before it was sent.
/// Lifetime:   the last one to let go frees it, on whichever shard that is.
class SharedPayload {
 public:
  static SharedPayload* Copy(std::string_view bytes);
  static SharedPayload* View(std::string_view bytes);
  std::string_view bytes() const { return bytes_; }
  void Acquire() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release();
  /// Nobody else has it any more, nor looks at its bytes.
  bool is_last() const { return references_.load(std::memory_order_acquire) == 1; }

 private:
  explicit SharedPayload(std::string_view bytes) : bytes_(bytes) {}
  std::atomic<uint32_t> references_{1};
  std::string_view bytes_;  // of a copy: behind this object
};

/// Keeps a shared payload on one shard, with a plain count: takes over the caller's reference, and
/// lets go of it when nobody here keeps it any more.
base::KeptMemory* KeptHere(SharedPayload& payload);

/// A message or a run between shards.
///
/// Up to kInlineBytesMax, or where a run's memory cannot be kept, payloads travel in the ring; else
/// by reference.
struct MessageRecord {
  static constexpr size_t kInlineBytesMax = 4096;

  RecordKind kind = RecordKind::kMessage;
  uint64_t publisher = 0;       // client id, on the shard that sent the record first
  subject::ShardSet tried = 0;  // kQueuePick, kBounce: shards that had no member left
  uint8_t origin = 0;           // the publisher's shard
  uint64_t as_of = 0;           // of the match that sent it here (subject_index.h, Beginnings)
  subject::RouteKey route = 0;  // kRouted
  bool routed = false;          // it came from another server: it goes to none
  std::string_view queue;       // kQueuePick, kBounce; kRouted: all groups, a blank between two
  Message message;
  SharedPayload* shared = nullptr;  // holds the payloads when they are not inline

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

/// A filter that more or fewer want, pinned; the receiver unpins it.
struct InterestRecord {
  RecordKind kind = RecordKind::kInterest;
  subject::Filter* filter = nullptr;
};

/// See Barriers.
struct BarrierRecord {
  RecordKind kind = RecordKind::kBarrier;
  uint8_t origin = 0;  // shard of the client
  subject::AccountId account = 0;
  uint64_t request = 0;
};
struct BarrierDoneRecord {
  RecordKind kind = RecordKind::kBarrierDone;
  uint32_t routes = 0;  // that have answered
  uint64_t request = 0;
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
