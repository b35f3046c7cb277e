// Behind the log: its queue, and the thread that empties it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <absl/status/status.h>

#include "base/log_line.h"
#include "base/log_options.h"
#include "base/log_repeats.h"
#include "base/log_sink.h"

namespace martlet::base {

/// Callers append to `pending_` under the mutex and hold it for nothing else. The writer thread
/// swaps `pending_` with `batch_`, lets go of the mutex, and only then formats and writes: the two
/// strings change places for ever, so neither side allocates once both have grown.
///
///   pending_: [entry|text] [entry|text] [kReopen] [entry|text] [kChange] [entry|text] ...
///
/// What is to happen between two lines stands in the queue between them. A change of the options
/// does not wait there behind a destination that takes nothing: what is left of the batch then goes
/// to the new one.
///
/// Thread: public functions from any; private ones by the writer thread, or by a constructor before
///         it starts.
/// Bound:  Log::kQueuedBytesMax of lines. Requests are few and always fit.
class LogWriter {
 public:
  LogWriter(const LogOptions& options, std::unique_ptr<LogSink> sink);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  void Append(LogLevel level, std::string_view text);
  void Flush();
  void Reopen();
  absl::Status Reconfigure(const LogOptions& options);  // by one thread at a time
  uint64_t dropped_lines() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Clock = std::chrono::steady_clock;
  enum class Kind : uint8_t { kLine, kReopen, kChange };

  // What stands before each text in the queue. The time is taken by the calling thread and made
  // readable by the writer: the C library's local time conversion takes a process-wide lock.
  struct Entry {
    timespec at;
    size_t text_bytes;
    LogLevel level;
    Kind kind;
  };
  struct Change {
    LogOptions options;
    std::unique_ptr<LogSink> sink;  // null: the same destination
  };

  void Queue(Kind kind);
  void AppendEntry(const Entry& entry, std::string_view text);

  void Run();
  void WaitForWork(Lock& lock);
  void WriteBatch();
  void Perform(Kind kind);
  void OnLine(const LogLine& line);
  void Put(const LogLine& line);
  void FlushSink();
  bool WaitForSink();
  void SayRepeats();
  uint64_t SayDrops(uint64_t lines);
  bool TakeChange();

  mutable std::mutex mutex_;
  std::condition_variable work_;  // for the writer: something below changed
  std::condition_variable idle_;  // for Flush: turns_done_ moved on
  // Under the mutex.
  std::string pending_;         // entries, each an Entry and its text
  std::deque<Change> changes_;  // in the order of their kChange entries, if not taken before
  uint64_t dropped_lines_ = 0;  // since the start
  uint64_t unsaid_lines_ = 0;   // of those, not yet told in a WRN line
  uint64_t turns_asked_ = 0;    // turns of the writer that were asked for ...
  uint64_t turns_done_ = 0;     // ... and the last of them that it finished
  bool stop_ = false;

  LogOptions wanted_;  // whoever reconfigures: the options after all changes so far

  // The writer thread's own.
  std::unique_ptr<LogSink> sink_;
  std::string batch_;
  LogRepeats repeats_;
  size_t taken_early_ = 0;   // changes whose entries are still to come by
  uint64_t lost_lines_ = 0;  // in this turn
  bool stopping_ = false;
  bool gave_up_ = false;
  Clock::time_point give_up_at_;
  std::thread thread_;
};

}  // namespace martlet::base
