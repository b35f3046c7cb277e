// What systemd is told about the server's life (sd_notify(3)).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace martlet::ops {

/// Sends datagrams to the socket that the service manager named; does nothing where there is none.
///
/// Thread: any one at a time. Never waits: what the manager does not take at once is dropped.
/// Source: sd_notify(3), "Notes": the protocol is stable.
class Notifier {
 public:
  /// `socket_path`: $NOTIFY_SOCKET, '@' first for the abstract namespace; empty: nobody listens.
  explicit Notifier(std::string_view socket_path);

  bool active() const { return static_cast<bool>(fd_); }
  /// Lines of "NAME=value".
  void Send(std::string_view state) const;

 private:
  base::UniqueFd fd_;  // connected
};

/// How often WATCHDOG=1 is due: half of $WATCHDOG_USEC, where it is for this process. 0: never.
std::chrono::milliseconds WatchdogPeriod(std::string_view microseconds, std::string_view pid,
                                         int own_pid);

}  // namespace martlet::ops
