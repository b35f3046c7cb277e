#include "base/log_sink.h"

#include "base/file_sink.h"
#include "base/stream_sink.h"
#include "base/syslog_sink.h"

namespace martlet::base {

absl::StatusOr<std::unique_ptr<LogSink>> OpenLogSink(const LogOptions& options) {
  if (!options.file.empty()) return FileSink::Open(options.file);
  if (!options.remote_syslog.empty()) {
    absl::StatusOr<SyslogTarget> target = ParseSyslogUrl(options.remote_syslog);
    if (!target.ok()) return target.status();
    return SyslogSink::Open(*std::move(target));
  }
  if (options.syslog) return SyslogSink::Open(SyslogTarget());
  return std::make_unique<StreamSink>();
}

}  // namespace martlet::base
