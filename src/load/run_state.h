// What the worker threads of one run share.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "base/counter.h"
#include "client/connection.h"
#include "load/contents.h"
#include "load/plan.h"
#include "load/recorder.h"
#include "load/schedule.h"

namespace martlet::load {

/// How far a run is. Set by the thread that called Run(), followed by the workers.
enum class Phase : uint8_t {
  kListen,   // subscribers and responders connect and subscribe
  kConnect,  // publishers and requesters connect
  kRun,      // RunState::times holds; publishers stop by themselves at its end
  kClose,    // everybody closes, the threads end
};

/// When a publisher has handed over each of its latest messages: the payload tells when it was due
/// and stays reproducible, so this travels beside it.
///
/// One writer, readers on any thread. A slot holds 20 bits of the message's number beside the time,
/// so that a reader who comes too late finds nothing rather than a wrong time.
class SentTimes {
 public:
  void Set(uint64_t number, uint64_t offset_ns) {
    slots_[number % kSlots].store(number << kTimeBits | (offset_ns & kTimeMask),
                                  std::memory_order_relaxed);
  }
  /// Offset since the start of the run; 0: not known any more.
  uint64_t Get(uint64_t number) const {
    const uint64_t slot = slots_[number % kSlots].load(std::memory_order_relaxed);
    return ((slot ^ number << kTimeBits) & ~kTimeMask) == 0 ? slot & kTimeMask : 0;
  }

 private:
  static constexpr size_t kSlots = size_t{1} << 12;
  static constexpr unsigned kTimeBits = 44;  // 4.8 hours
  static constexpr uint64_t kTimeMask = (uint64_t{1} << kTimeBits) - 1;
  std::vector<std::atomic<uint64_t>> slots_ = std::vector<std::atomic<uint64_t>>(kSlots);
};

/// What others know of one publisher or requester.
struct PublisherState {
  base::Counter sent;                 // messages; written by its thread
  base::Counter confirmed;            // publish only: processed by the server
  std::atomic<bool> finished{false};  // will send no more, and the kernel has all of it
  std::vector<uint64_t> sequences;    // next of each of its streams; read when threads have stopped
  SentTimes sent_times;               // one stream with a rate only
  // Who receives its messages: groups, of which each gets all; their members share them.
  std::vector<std::vector<const base::Counter*>> audience;

  /// Messages that every group has received.
  uint64_t Received() const;
};

/// Ownership:  the caller's of Run(); outlives the workers.
/// Thread:     any, as said at each member.
struct RunState {
  RunState(const Plan& plan, const client::Peer& peer, const client::Peer& publish_peer);

  const Plan& plan;
  const client::Peer& peer;
  const client::Peer& publish_peer;
  const Streams streams;
  const Contents contents;
  const std::shared_ptr<const ZipfTable> zipf;
  const std::string headers;  // block for each message; empty: none
  RunTimes times;             // written before kRun

  std::atomic<Phase> phase{Phase::kListen};
  std::atomic<uint32_t> ready_workers{0};  // have done what the phase asks
  std::vector<std::unique_ptr<PublisherState>> publishers;
  // Of each subscriber (responder): messages received from each publisher.
  std::vector<std::vector<base::Counter>> received;
  base::Counter flood_sent;  // both written by the thread that has the flood
  base::Counter flood_received;

  std::atomic<bool> failed{false};
  void Fail(absl::Status why);  // the first one counts
  absl::Status failure();

 private:
  std::mutex mutex_;
  absl::Status failure_;
};

}  // namespace martlet::load
