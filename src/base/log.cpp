#include "base/log.h"

#include <cerrno>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <thread>
#include <time.h>
#include <unistd.h>
#include <utility>

#include "base/go_text.h"
#include "base/unique_fd.h"

namespace martlet::base {
namespace {

// Indexed by LogLevel. The colours are the reference's (logger/log.go).
constexpr const char* kPlainLabels[] = {"[INF] ", "[DBG] ", "[WRN] ", "[ERR] ", "[FTL] ", "[TRC] "};
constexpr const char* kColouredLabels[] = {"[\x1b[32mINF\x1b[0m] ",   "[\x1b[36mDBG\x1b[0m] ",
                                           "[\x1b[0;93mWRN\x1b[0m] ", "[\x1b[31mERR\x1b[0m] ",
                                           "[\x1b[31mFTL\x1b[0m] ",   "[\x1b[33mTRC\x1b[0m] "};

// What stands before each text in the queue. The time is taken by the calling thread and made
// readable by the writer: the C library's local time conversion takes a process-wide lock.
struct Entry {
  timeval at;
  size_t text_bytes;
  LogLevel level;
};

constexpr uint32_t Bit(LogLevel level) { return uint32_t{1} << static_cast<unsigned>(level); }

uint32_t EnabledMask(const LogOptions& options) {
  uint32_t mask = Bit(LogLevel::kInfo) | Bit(LogLevel::kWarning) | Bit(LogLevel::kError) |
                  Bit(LogLevel::kFatal);
  if (options.debug) mask |= Bit(LogLevel::kDebug);
  if (options.trace) mask |= Bit(LogLevel::kTrace);
  return mask;
}

timeval Now() {
  timeval now{};
  ::gettimeofday(&now, nullptr);
  return now;
}

absl::StatusOr<UniqueFd> OpenFile(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640));
  if (!fd) {
    return absl::UnavailableError("error opening file: open " + path + ": " + GoErrno(errno));
  }
  return fd;
}

// Standard error may be a pipe that somebody made non-blocking: wait for it, this thread may.
bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace

/// Everything behind the queue.
///
/// Callers append to `pending` under `mutex` and hold it for nothing else. The writer thread swaps
/// `pending` with `batch`, lets go of the mutex, and only then formats and writes: the two strings
/// change places for ever, so neither side allocates once both have grown.
struct Log::Writer {
  Writer(const LogOptions& log_options, UniqueFd log_fd)
      : options(log_options), fd(std::move(log_fd)) {
    char text[32];
    std::snprintf(text, sizeof(text), "[%d] ", static_cast<int>(::getpid()));
    pid_prefix = text;
    labels = options.file.empty() && ::isatty(STDERR_FILENO) ? kColouredLabels : kPlainLabels;
  }

  void Append(LogLevel level, std::string_view text);
  void Run();
  void FormatBatch();
  void FormatLine(const Entry& entry, std::string_view text);
  void AppendTime(const timeval& at);
  void ReopenFile();
  int target() const { return fd ? fd.get() : STDERR_FILENO; }

  const LogOptions options;
  std::string pid_prefix;
  const char* const* labels;

  std::mutex mutex;
  std::condition_variable work;  // for the writer: something below changed
  std::condition_variable idle;  // for Flush: turns_done moved on
  // Under the mutex.
  std::string pending;         // entries, each an Entry and its text
  uint64_t pending_lines = 0;  // in `pending`
  uint64_t dropped_lines = 0;  // since the start
  uint64_t unsaid_lines = 0;   // of those, not yet told in a WRN line
  uint64_t turns_asked = 0;    // turns of the writer that were asked for ...
  uint64_t turns_done = 0;     // ... and the last of them that it finished
  bool reopen = false;
  bool stop = false;

  // The writer thread's own.
  UniqueFd fd;  // empty: standard error
  std::string batch;
  std::string output;
  time_t clock_second = -1;  // the second that clock_text stands for
  char clock_text[32];
  std::thread thread;
};

void Log::Writer::Append(LogLevel level, std::string_view text) {
  const Entry entry{.at = Now(), .text_bytes = text.size(), .level = level};
  char header[sizeof(Entry)];
  std::memcpy(header, &entry, sizeof(entry));

  bool was_empty = false;
  {
    const std::lock_guard lock(mutex);
    if (text.size() > kQueuedBytesMax || pending.size() > kQueuedBytesMax - text.size()) {
      ++dropped_lines;
      ++unsaid_lines;
      return;
    }
    was_empty = pending.empty();
    pending.append(header, sizeof(header));
    pending.append(text);
    ++pending_lines;
  }
  if (was_empty) work.notify_one();
}

void Log::Writer::Run() {
  std::unique_lock lock(mutex);
  while (true) {
    work.wait(lock,
              [this] { return !pending.empty() || turns_asked != turns_done || reopen || stop; });
    if (stop && pending.empty()) return;

    batch.swap(pending);
    const uint64_t lines = std::exchange(pending_lines, 0);
    const uint64_t unsaid = std::exchange(unsaid_lines, 0);
    const uint64_t turn = turns_asked;
    const bool reopen_after = std::exchange(reopen, false);
    lock.unlock();

    FormatBatch();
    if (unsaid > 0) {
      FormatLine(
          {.at = Now(), .text_bytes = 0, .level = LogLevel::kWarning},
          std::to_string(unsaid) + " log lines dropped, the log could not be written in time");
    }
    const bool written = WriteAll(target(), output);
    output.clear();
    if (reopen_after) ReopenFile();

    lock.lock();
    if (!written) {
      dropped_lines += lines;
      unsaid_lines += unsaid + lines;
    }
    turns_done = turn;
    idle.notify_all();
  }
}

void Log::Writer::FormatBatch() {
  for (std::string_view rest = batch; !rest.empty();) {
    Entry entry;
    std::memcpy(&entry, rest.data(), sizeof(entry));
    rest.remove_prefix(sizeof(entry));
    FormatLine(entry, rest.substr(0, entry.text_bytes));
    rest.remove_prefix(entry.text_bytes);
  }
  batch.clear();
}

void Log::Writer::FormatLine(const Entry& entry, std::string_view text) {
  output += pid_prefix;
  if (options.timestamps) AppendTime(entry.at);
  output += labels[static_cast<size_t>(entry.level)];
  output += text;
  if (!text.ends_with('\n')) output += '\n';
}

void Log::Writer::AppendTime(const timeval& at) {
  if (at.tv_sec != clock_second) {
    tm parts{};
    options.utc ? ::gmtime_r(&at.tv_sec, &parts) : ::localtime_r(&at.tv_sec, &parts);
    ::strftime(clock_text, sizeof(clock_text), "%Y/%m/%d %H:%M:%S", &parts);
    clock_second = at.tv_sec;
  }
  char micros[16];
  std::snprintf(micros, sizeof(micros), ".%06d ", static_cast<int>(at.tv_usec));
  output += clock_text;
  output += micros;
}

void Log::Writer::ReopenFile() {
  LogLevel level = LogLevel::kInfo;
  std::string text = "File log re-opened";
  if (absl::StatusOr<UniqueFd> opened = OpenFile(options.file); opened.ok()) {
    fd = *std::move(opened);
  } else {  // a log in the old place is better than none
    level = LogLevel::kError;
    text = std::string(opened.status().message());
  }
  FormatLine({.at = Now(), .text_bytes = 0, .level = level}, text);
  WriteAll(target(), output);
  output.clear();
}

absl::StatusOr<std::unique_ptr<Log>> Log::Open(const LogOptions& options) {
  UniqueFd fd;
  if (!options.file.empty()) {
    absl::StatusOr<UniqueFd> opened = OpenFile(options.file);
    if (!opened.ok()) return opened.status();
    fd = *std::move(opened);
  }
  return std::unique_ptr<Log>(new Log(std::make_unique<Writer>(options, std::move(fd))));
}

Log::Log(std::unique_ptr<Writer> writer)
    : enabled_(EnabledMask(writer->options)), writer_(std::move(writer)) {
  // The writer takes no signals: whoever handles them blocks or waits for them in its own thread.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  writer_->thread = std::thread([w = writer_.get()] { w->Run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Log::~Log() {
  {
    const std::lock_guard lock(writer_->mutex);
    writer_->stop = true;
  }
  writer_->work.notify_one();
  writer_->thread.join();
}

void Log::Write(LogLevel level, std::string_view text) {
  if (enabled(level)) writer_->Append(level, text);
}

void Log::Printf(LogLevel level, const char* format, ...) {
  if (!enabled(level)) return;
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);

  char small[1024];
  const int size = std::vsnprintf(small, sizeof(small), format, arguments);
  if (size >= 0 && static_cast<size_t>(size) < sizeof(small)) {
    writer_->Append(level, std::string_view(small, static_cast<size_t>(size)));
  } else if (size >= 0) {
    std::string large(static_cast<size_t>(size), '\0');  // its own NUL takes vsnprintf's
    std::vsnprintf(large.data(), large.size() + 1, format, again);
    writer_->Append(level, large);
  }
  va_end(again);
  va_end(arguments);
}

void Log::Flush() {
  std::unique_lock lock(writer_->mutex);
  const uint64_t turn = ++writer_->turns_asked;
  writer_->work.notify_one();
  writer_->idle.wait(lock, [&] { return writer_->turns_done >= turn; });
}

void Log::Reopen() {
  if (writer_->options.file.empty()) {
    Write(LogLevel::kInfo, "File log re-open ignored, not a file logger");
    return;
  }
  {
    const std::lock_guard lock(writer_->mutex);
    writer_->reopen = true;
  }
  writer_->work.notify_one();
}

uint64_t Log::dropped_lines() const {
  const std::lock_guard lock(writer_->mutex);
  return writer_->dropped_lines;
}

}  // namespace martlet::base
