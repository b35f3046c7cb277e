// Sends records to other threads without ever waiting for them.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "session/interconnect.h"
#include "session/record.h"

namespace martlet::session {

/// One member's side of the interconnect.
///
/// A record that finds its ring full, or too much shared payload on the way, goes to a queue of
/// this member, in order, and the publisher that sent it is to be paused until blocked() is over:
/// so the queue holds at most the records of one operation or run for each connection of the shard,
/// and what other shards send back meanwhile.
///
/// Thread: its member's, always.
class Mailroom {
 public:
  /// Shared payload on its way to one receiver at most, give or take one message.
  static constexpr uint64_t kSharedBytesMax = uint64_t{4} << 20;

  Mailroom(Interconnect& interconnect, unsigned self);
  ~Mailroom();
  Mailroom(const Mailroom&) = delete;
  Mailroom& operator=(const Mailroom&) = delete;

  void Send(unsigned to, const MessageRecord& record);
  template <class Record>
  void SendPlain(unsigned to, const Record& record) {
    SendBytes(to, {reinterpret_cast<const char*>(&record), sizeof record});
  }

  /// The largest record that is sure to fit some time.
  size_t record_bytes_max() const { return interconnect_.record_bytes_max(); }

  /// A view for the other shards of bytes in `memory`, which is kept until they have all let go.
  SharedPayload* Lend(std::string_view bytes, base::KeptMemory& memory);

  /// Moves waiting records into their rings as far as they fit.
  void FlushWaiting();
  /// True while records wait for room; their publishers must not go on.
  bool blocked() const { return waiting_records_ != 0; }

  /// Makes everything sent visible; calls `wake(member)` for each receiver that slept.
  template <class Wake>
  void Publish(Wake&& wake) {
    if (!lent_.empty()) TakeBackLent();
    for (unsigned to = 0; to < interconnect_.members(); ++to) {
      if (to == self_ || !interconnect_.ring(self_, to).Publish()) continue;
      if (interconnect_.TakeSleeper(to)) wake(to);
    }
  }

  /// Calls `handle(record bytes)` for what has come, at most `records_max` of each sender; returns
  /// how many. The bytes go when the handler returns.
  template <class Handle>
  size_t Drain(size_t records_max, Handle&& handle) {
    size_t drained = 0;
    for (unsigned from = 0; from < interconnect_.members(); ++from) {
      if (from == self_) continue;
      base::ByteRing& ring = interconnect_.ring(from, self_);
      size_t count = 0;
      for (; count < records_max; ++count) {
        const std::span<const char> record = ring.Front();
        if (record.data() == nullptr) break;
        const size_t shared_bytes = SharedBytesOf(record);
        handle(record);
        if (shared_bytes != 0) interconnect_.AddSharedBytesDone(from, self_, shared_bytes);
        ring.Pop(record);
      }
      if (count != 0) ring.Release();
      drained += count;
    }
    return drained;
  }

  Interconnect& interconnect() { return interconnect_; }
  unsigned self() const { return self_; }

 private:
  struct Lent {
    SharedPayload* payload;
    base::KeptMemory* memory;
  };
  void TakeBackLent();
  void SendBytes(unsigned to, std::span<const char> record);
  char* Prepare(unsigned to, size_t record_bytes, size_t shared_bytes);

  Interconnect& interconnect_;
  const unsigned self_;
  std::vector<std::deque<std::string>> waiting_;  // by receiver
  size_t waiting_records_ = 0;
  std::vector<Lent> lent_;
  std::vector<uint64_t> shared_bytes_sent_;  // by receiver
};

}  // namespace martlet::session
