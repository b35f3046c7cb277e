// Latencies of one worker thread, whole and by interval.
#pragma once

#include <cstdint>
#include <vector>

#include "measure/histogram.h"

namespace martlet::load {

/// The time of a run, monotonic nanoseconds; set before any message is sent.
struct RunTimes {
  uint64_t start = 0;  // offset 0 of every schedule
  uint64_t begin = 0;  // measured from here: the end of the warm-up
  uint64_t end = 0;    // no message is due, or sent, at or after it
  uint64_t interval = 1'000'000'000;
};

/// Keeps what was due (or, in a closed loop, begun) within the measured time.
///
/// Thread: its worker's; read when that has stopped.
class Recorder {
 public:
  static constexpr int kIntervalDigits = 2;

  void Begin(const RunTimes& times);

  /// `due` and `sent` are when the message was due and when it was handed over (0: not known).
  void Record(uint64_t due, uint64_t sent, uint64_t now) {
    if (due < times_.begin || due >= times_.end) return;
    intended_.Record(static_cast<int64_t>(now - due));
    if (sent != 0) actual_.Record(static_cast<int64_t>(now - sent));
    const size_t interval = (due - times_.begin) / times_.interval;
    if (interval < intervals_.size()) intervals_[interval].Record(static_cast<int64_t>(now - due));
  }
  /// How late the sender itself was.
  void RecordDelay(uint64_t due, uint64_t sent) {
    if (due >= times_.begin && due < times_.end) delay_.Record(static_cast<int64_t>(sent - due));
  }

  const measure::Histogram& intended() const { return intended_; }
  const measure::Histogram& actual() const { return actual_; }
  const measure::Histogram& delay() const { return delay_; }
  const std::vector<measure::Histogram>& intervals() const { return intervals_; }

 private:
  RunTimes times_;
  measure::Histogram intended_;
  measure::Histogram actual_;
  measure::Histogram delay_;
  std::vector<measure::Histogram> intervals_;  // by due time
};

}  // namespace martlet::load
