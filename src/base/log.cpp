#include "base/log.h"

#include <cstdarg>
#include <cstdio>
#include <string>
#include <utility>

#include "base/log_writer.h"

namespace martlet::base {
namespace {

constexpr uint32_t Bit(LogLevel level) { return uint32_t{1} << static_cast<unsigned>(level); }

uint32_t EnabledMask(const LogOptions& options) {
  uint32_t mask = Bit(LogLevel::kInfo) | Bit(LogLevel::kWarning) | Bit(LogLevel::kError) |
                  Bit(LogLevel::kFatal);
  if (options.debug) mask |= Bit(LogLevel::kDebug);
  if (options.trace) mask |= Bit(LogLevel::kTrace);
  return mask;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Log>> Log::Open(const LogOptions& options) {
  absl::StatusOr<std::unique_ptr<LogSink>> sink = OpenLogSink(options);
  if (!sink.ok()) return sink.status();
  auto writer = std::make_unique<LogWriter>(options, *std::move(sink));
  return std::unique_ptr<Log>(new Log(std::move(writer), options));
}

Log::Log(std::unique_ptr<LogWriter> writer, const LogOptions& options)
    : enabled_(EnabledMask(options)), writer_(std::move(writer)) {}

Log::~Log() = default;

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

void Log::Flush() { writer_->Flush(); }

void Log::Reopen() { writer_->Reopen(); }

absl::Status Log::Reconfigure(const LogOptions& options) {
  const std::lock_guard one_at_a_time(reconfigure_mutex_);
  absl::Status changed = writer_->Reconfigure(options);
  if (changed.ok()) enabled_.store(EnabledMask(options), std::memory_order_relaxed);
  return changed;
}

uint64_t Log::dropped_lines() const { return writer_->dropped_lines(); }

}  // namespace martlet::base
