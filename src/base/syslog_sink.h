// The log at a syslog daemon, of this machine or another.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "base/log_sink.h"
#include "base/syslog_target.h"

namespace martlet::base {

/// What stands in front of a message, and the newline behind it: byte for byte what Go's log/syslog
/// writes. Priorities and facilities are the reference's: daemon at the local daemon, kernel (0) at
/// a remote one; a trace line is a notice.
///
/// Thread: any one at a time.
/// Source: reference logger/syslog.go.
class SyslogFormatter {
 public:
  /// The host name is asked for once.
  explicit SyslogFormatter(SyslogNetwork network);

  void Adopt(const LogOptions& options);
  /// The line as one message, the text of which is a JSON object where the options say so.
  void Format(const LogLine& line, std::string& out);

 private:
  const SyslogNetwork network_;
  const std::string pid_;
  std::string host_;
  std::string tag_;
  std::optional<JsonLines> json_;
};

/// Sends each line as one message.
///
/// A daemon that takes nothing is waited for, and one that is gone is called again: at once, then
/// after pauses that double from kFirstPause to kLongestPause. Until then the sink refuses, and
/// lines stay in the log's queue. A message on its way over a stream when the connection broke is
/// sent again. Over UDP nobody knows what arrives.
class SyslogSink final : public LogSink {
 public:
  static constexpr std::chrono::milliseconds kFirstPause{100};
  static constexpr std::chrono::milliseconds kLongestPause{10'000};

  /// Connects. Fails in the reference's words: `error connecting to syslog: "..."`.
  static absl::StatusOr<std::unique_ptr<LogSink>> Open(SyslogTarget target);

  void Adopt(const LogOptions& options) override { formatter_.Adopt(options); }
  bool Write(const LogLine& line) override;
  std::chrono::milliseconds retry_in() const override;

 private:
  using Clock = std::chrono::steady_clock;
  enum class Sent : uint8_t { kAll, kNotNow, kNever, kBroken };

  SyslogSink(SyslogTarget target, SyslogSocket socket);

  bool Connect();
  void Break();
  void PutOff();
  bool PeerIsGone() const;
  Sent Send();
  Sent SendOnce();
  void Done();

  const SyslogTarget target_;
  SyslogFormatter formatter_;
  SyslogSocket socket_;  // without descriptor: not connected
  Clock::time_point connected_at_;
  Clock::time_point retry_at_;
  std::chrono::milliseconds pause_{0};  // before the next attempt; 0: none

  std::string message_;  // on its way; empty: none is
  size_t sent_ = 0;      // of that
};

}  // namespace martlet::base
