#include "link.h"

#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/go_text.h"

namespace martlet::peers {
namespace {

absl::Status SystemError(const char* what) {
  return absl::UnavailableError(std::string(what) + ": " + base::GoErrno(errno));
}

}  // namespace

absl::Status Link::Connect(uint16_t port) {
  fd_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd_) return SystemError("socket");
  const int one = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return SystemError("connect");
  }
  if (::fcntl(fd_.get(), F_SETFL, O_NONBLOCK) != 0) return SystemError("fcntl");
  return absl::OkStatus();
}

absl::Status Link::Flush() {
  while (unsent_bytes() > 0) {
    const ssize_t sent =
        ::send(fd_.get(), out_.data() + sent_, unsent_bytes(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) return absl::OkStatus();
    if (sent < 0) return SystemError("send");
    sent_ += static_cast<size_t>(sent);
  }
  out_.Clear();
  sent_ = 0;
  return absl::OkStatus();
}

absl::StatusOr<size_t> Link::Receive(char* to) {
  const ssize_t got = ::recv(fd_.get(), to, kReadBytes, MSG_DONTWAIT);
  if (got > 0) return static_cast<size_t>(got);
  if (got == 0) return absl::UnavailableError("the broker closed a connection");
  if (errno == EAGAIN || errno == EINTR) return size_t{0};
  return SystemError("receive");
}

}  // namespace martlet::peers
