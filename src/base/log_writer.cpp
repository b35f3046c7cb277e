#include "base/log_writer.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <pthread.h>
#include <signal.h>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace martlet::base {

LogWriter::LogWriter(const LogOptions& options, std::unique_ptr<LogSink> sink)
    : wanted_(options), sink_(std::move(sink)) {
  sink_->Adopt(options);
  // The writer takes no signals: whoever handles them blocks or waits for them in its own thread.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void LogWriter::Append(LogLevel level, std::string_view text) {
  const Entry entry{
      .at = WallTime(), .text_bytes = text.size(), .level = level, .kind = Kind::kLine};
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    constexpr size_t kMax = Log::kQueuedBytesMax;
    if (text.size() > kMax || pending_.size() > kMax - text.size()) {
      ++dropped_lines_;
      ++unsaid_lines_;
      return;
    }
    was_empty = pending_.empty();
    AppendEntry(entry, text);
  }
  if (was_empty) work_.notify_one();
}

void LogWriter::AppendEntry(const Entry& entry, std::string_view text) {
  char header[sizeof(Entry)];
  std::memcpy(header, &entry, sizeof(entry));
  pending_.append(header, sizeof(header));
  pending_.append(text);
}

void LogWriter::Queue(Kind kind) {
  AppendEntry({.at = {}, .text_bytes = 0, .level = LogLevel::kInfo, .kind = kind}, {});
}

void LogWriter::Flush() {
  Lock lock(mutex_);
  const uint64_t turn = ++turns_asked_;
  work_.notify_one();
  idle_.wait_for(lock, Log::kFlushPatience, [&] { return turns_done_ >= turn; });
}

void LogWriter::Reopen() {
  {
    const std::lock_guard lock(mutex_);
    Queue(Kind::kReopen);
  }
  work_.notify_one();
}

absl::Status LogWriter::Reconfigure(const LogOptions& options) {
  std::unique_ptr<LogSink> sink;
  if (!SameDestination(options, wanted_)) {
    absl::StatusOr<std::unique_ptr<LogSink>> opened = OpenLogSink(options);
    if (!opened.ok()) return opened.status();
    sink = *std::move(opened);
  }
  wanted_ = options;
  {
    const std::lock_guard lock(mutex_);
    changes_.push_back({options, std::move(sink)});
    Queue(Kind::kChange);
  }
  work_.notify_one();
  return absl::OkStatus();
}

uint64_t LogWriter::dropped_lines() const {
  const std::lock_guard lock(mutex_);
  return dropped_lines_;
}

void LogWriter::Run() {
  Lock lock(mutex_);
  while (true) {
    WaitForWork(lock);
    const bool last = stop_ && pending_.empty();
    if (stop_ && !std::exchange(stopping_, true)) give_up_at_ = Clock::now() + Log::kEndPatience;
    batch_.swap(pending_);
    const uint64_t unsaid = std::exchange(unsaid_lines_, 0);
    const uint64_t turn = turns_asked_;
    const bool asked = turn != turns_done_;
    lock.unlock();

    WriteBatch();
    const std::optional<std::chrono::nanoseconds> due = repeats_.due_in(WallTime());
    if (asked || last || (due && due->count() == 0)) SayRepeats();
    FlushSink();
    const uint64_t still_unsaid = SayDrops(unsaid);

    lock.lock();
    const uint64_t lost = std::exchange(lost_lines_, 0);
    dropped_lines_ += lost;
    unsaid_lines_ += lost + still_unsaid;
    turns_done_ = turn;
    idle_.notify_all();
    if (last) return;
  }
}

// Also returns when the count of repeats is due.
void LogWriter::WaitForWork(Lock& lock) {
  const auto has_work = [this] {
    return !pending_.empty() || turns_asked_ != turns_done_ || stop_;
  };
  if (const auto due = repeats_.due_in(WallTime())) {
    work_.wait_for(lock, *due, has_work);
  } else {
    work_.wait(lock, has_work);
  }
}

void LogWriter::WriteBatch() {
  for (std::string_view rest = batch_; !rest.empty();) {
    Entry entry;
    std::memcpy(&entry, rest.data(), sizeof(entry));
    rest.remove_prefix(sizeof(entry));
    if (entry.kind == Kind::kLine) {
      OnLine({entry.at, entry.level, rest.substr(0, entry.text_bytes)});
    } else {
      Perform(entry.kind);
    }
    rest.remove_prefix(entry.text_bytes);
  }
  batch_.clear();
}

void LogWriter::OnLine(const LogLine& line) {
  if (repeats_.Count(line)) return;
  SayRepeats();
  Put(line);
  repeats_.Remember(line);
}

void LogWriter::SayRepeats() {
  if (const std::optional<LogLine> said = repeats_.Take()) Put(*said);
}

void LogWriter::Perform(Kind kind) {
  SayRepeats();
  FlushSink();
  if (kind == Kind::kReopen) {
    const LogNotice notice = sink_->Reopen();
    Put({WallTime(), notice.level, notice.text});
  } else if (taken_early_ > 0) {
    --taken_early_;
  } else {
    TakeChange();
  }
}

// Puts the oldest change into effect.
bool LogWriter::TakeChange() {
  Change change;
  {
    const std::lock_guard lock(mutex_);
    if (changes_.empty()) return false;
    change = std::move(changes_.front());
    changes_.pop_front();
  }
  if (change.sink) {
    sink_->GiveUp();
    lost_lines_ += sink_->TakeLost();
    sink_ = std::move(change.sink);
  }
  sink_->Adopt(change.options);
  return true;
}

void LogWriter::Put(const LogLine& line) {
  bool taken = false;
  while (!gave_up_ && !(taken = sink_->Write(line))) gave_up_ = !WaitForSink();
  lost_lines_ += sink_->TakeLost() + (taken ? 0 : 1);
}

void LogWriter::FlushSink() {
  while (!gave_up_ && !sink_->Flush()) gave_up_ = !WaitForSink();
  if (gave_up_) sink_->GiveUp();
  lost_lines_ += sink_->TakeLost();
}

// The destination takes nothing. Returns when it may be tried again, or another one instead; false
// when the time to end has come.
bool LogWriter::WaitForSink() {
  Lock lock(mutex_);
  const auto urgent = [this] { return !changes_.empty() || (stop_ && !stopping_); };
  const Clock::time_point retry_at = Clock::now() + sink_->retry_in();
  work_.wait_until(lock, stopping_ ? std::min(retry_at, give_up_at_) : retry_at, urgent);
  if (stop_ && !std::exchange(stopping_, true)) give_up_at_ = Clock::now() + Log::kEndPatience;
  if (!changes_.empty()) {
    lock.unlock();
    if (TakeChange()) ++taken_early_;
    return true;
  }
  return !stopping_ || Clock::now() < give_up_at_;
}

// Returns how many of the lines are still to be told.
uint64_t LogWriter::SayDrops(uint64_t lines) {
  if (lines == 0) return 0;
  const uint64_t lost_before = lost_lines_;
  const std::string text =
      std::to_string(lines) + " log lines dropped, the log could not be written in time";
  Put({WallTime(), LogLevel::kWarning, text});
  FlushSink();
  if (lost_lines_ == lost_before) return 0;
  lost_lines_ = lost_before;  // this one was nobody's line
  return lines;
}

}  // namespace martlet::base
