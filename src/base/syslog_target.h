// Where a syslog daemon listens, and how to get a socket to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "base/unique_fd.h"

namespace martlet::base {

/// kLocal: the daemon of this machine, at /dev/log, /var/run/syslog or /var/run/log.
enum class SyslogNetwork : uint8_t { kLocal, kUdp, kTcp, kUnix };

struct SyslogTarget {
  SyslogNetwork network = SyslogNetwork::kLocal;
  std::string address;  // host:port or a path
};

/// Reads udp://host:port, tcp://host:port and unix:///path as the reference does, what else a URL
/// may hold is ignored. Fails in its words: `error invalid network type: "http"`.
absl::StatusOr<SyslogTarget> ParseSyslogUrl(std::string_view url);

struct SyslogSocket {
  UniqueFd fd;          // connected, does not block
  bool stream = false;  // else each send is a message
};

/// Connects. Waits for TCP no longer than `patience`, but for as long as a name takes to resolve.
/// The error is that of Go's net.Dial: `dial tcp 127.0.0.1:514: connect: connection refused`.
///
/// A unix socket is tried as a stream and then as one of datagrams, which is what daemons have; the
/// reference stops after the first.
absl::StatusOr<SyslogSocket> DialSyslog(const SyslogTarget& target,
                                        std::chrono::milliseconds patience);

}  // namespace martlet::base
