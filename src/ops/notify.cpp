#include "ops/notify.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/go_parse.h"

namespace martlet::ops {

Notifier::Notifier(std::string_view socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool valid = socket_path.size() > 1 && socket_path.size() < sizeof address.sun_path &&
                     (socket_path[0] == '/' || socket_path[0] == '@');
  if (!valid) return;
  std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
  if (socket_path[0] == '@') address.sun_path[0] = '\0';
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_path.size());
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) {
    fd_ = std::move(fd);
  }
}

void Notifier::Send(std::string_view state) const {
  if (fd_) (void)::send(fd_.get(), state.data(), state.size(), MSG_NOSIGNAL);
}

std::chrono::milliseconds WatchdogPeriod(std::string_view microseconds, std::string_view pid,
                                         int own_pid) {
  const std::optional<int64_t> period = base::ParseGoInt(microseconds);
  if (!period || *period <= 0) return std::chrono::milliseconds(0);
  if (!pid.empty() && base::ParseGoInt(pid) != own_pid) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(std::max<int64_t>(1, *period / 2000));
}

}  // namespace martlet::ops
