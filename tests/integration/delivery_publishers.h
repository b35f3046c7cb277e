// The connections of a run that publish.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "delivery_messages.h"
#include "delivery_plan.h"
#include "delivery_sockets.h"
#include "delivery_tracker.h"
#include "raw_client.h"

namespace delivery {

/// Publishes every stream of the plan in batches, as fast as its slowest receiver reads.
///
/// Thread:    the run's.
/// Lifetime:  borrows all it is built from.
/// Invariant: a batch is sent to its end before the next one is begun.
class Publishers {
 public:
  /// No more than `window_bytes` are published and not yet read, per receiver.
  Publishers(const Plan& plan, uint64_t window_bytes, const Messages& messages, Tracker& tracker,
             Sockets& sockets);

  bool Connect();
  /// True if Publish() would have something to do without waiting.
  bool CanPublish() const;
  /// Publishes what the window and the sockets allow; true when all of the plan has been sent.
  bool Publish();
  /// PINGs behind the last message; flushed() once all PONGs are here.
  void Flush();
  bool flushed() const;
  void OnEvent(uint32_t index, uint32_t events);

 private:
  struct Publisher {
    Socket socket;
    std::vector<uint32_t> streams;
    std::vector<uint32_t> receivers;  // each once
    uint64_t published = 0;
    uint64_t messages = 0;  // over its streams
    std::unique_ptr<char[]> batch;
    size_t batch_bytes = 0;
    size_t batch_at = 0;
    bool blocked = false;  // waits for EPOLLOUT
    bool ponged = false;
  };

  bool MayPublish(const Publisher& publisher) const;
  uint32_t NextStream(const Publisher& publisher) const;
  void Fill(Publisher& publisher);
  void Append(Publisher& publisher, std::string_view control);
  void Write(Publisher& publisher);
  bool OnFrame(Publisher& publisher, const raw::Frame& frame);

  const uint64_t window_bytes_;
  const size_t batch_bytes_max_;
  const Messages& messages_;
  Tracker& tracker_;
  Sockets& sockets_;
  std::vector<Publisher> publishers_;
};

}  // namespace delivery
