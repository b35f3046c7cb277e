// Where the log goes and what it looks like.
#pragma once

#include <cstdint>
#include <string>

#include <martlet/options.h>

namespace martlet::base {

/// Of the destinations the first that is set counts: file, remote_syslog, syslog, else standard
/// error. A value.
struct LogOptions {
  std::string file;
  std::string remote_syslog;  // udp://host:port, tcp://host:port, unix:///path
  bool syslog = false;        // the local daemon
  bool debug = false;
  bool trace = false;
  bool timestamps = true;  // of text in a file or on standard error
  bool utc = false;        // likewise
  LogFormat format = LogFormat::kText;
  int64_t size_limit_bytes = 0;            // of the file, past which it is rotated; 0: none
  int64_t files_max = 0;                   // kept, the present one included; 0: all
  std::string syslog_tag = "nats-server";  // the name of the program, as syslog shows it
};

/// Whether both go to the same place, so that nothing has to be opened for a change.
inline bool SameDestination(const LogOptions& a, const LogOptions& b) {
  if (a.file != b.file) return false;
  if (!a.file.empty()) return true;
  if (a.remote_syslog != b.remote_syslog) return false;
  return !a.remote_syslog.empty() || a.syslog == b.syslog;
}

}  // namespace martlet::base
