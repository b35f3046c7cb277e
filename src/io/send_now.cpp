#include "io/send_now.h"

#include <cerrno>
#include <sys/socket.h>

namespace martlet::io {

ssize_t SendNow(int fd, std::span<const iovec> parts) {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  ssize_t sent = 0;
  if (parts.size() == 1) {  // spares the kernel reading a header and a list
    sent = ::send(fd, parts[0].iov_base, parts[0].iov_len, kFlags);
  } else {
    msghdr message = {};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    sent = ::sendmsg(fd, &message, kFlags);
  }
  return sent < 0 ? -errno : sent;
}

bool IsForLater(ssize_t result) {
  return result == -EAGAIN || result == -EWOULDBLOCK || result == -EINTR;
}

}  // namespace martlet::io
