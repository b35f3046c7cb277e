#include "ops/signals.h"

#include <cerrno>
#include <csignal>
#include <sys/signalfd.h>
#include <unistd.h>

namespace martlet::ops {

absl::StatusOr<base::UniqueFd> BlockAndWatchSignals() {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2}) sigaddset(&handled, signal);
  const int error = pthread_sigmask(SIG_BLOCK, &handled, nullptr);
  if (error != 0) return absl::ErrnoToStatus(error, "cannot block signals");
  std::signal(SIGPIPE, SIG_IGN);
  base::UniqueFd fd(::signalfd(-1, &handled, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return absl::ErrnoToStatus(errno, "cannot watch signals");
  return fd;
}

int NextSignal(int signal_fd) {
  signalfd_siginfo info;
  const ssize_t bytes = ::read(signal_fd, &info, sizeof info);
  return bytes == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

std::string_view SignalName(int signal) {
  switch (signal) {
    case SIGHUP:
      return "hangup";
    case SIGINT:
      return "interrupt";
    case SIGTERM:
      return "terminated";
    case SIGUSR1:
      return "user defined signal 1";
    default:
      return "user defined signal 2";
  }
}

}  // namespace martlet::ops
