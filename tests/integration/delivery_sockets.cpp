// Opens the connections of a run, waits for them and tells which one failed.
#include "delivery_sockets.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace delivery {

std::string ConnectOptions(bool headers) {
  return std::string(R"("verbose":false,"pedantic":false,"protocol":1,"name":"delivery-checker",)"
                     R"("lang":"c++","version":"1","headers":)") +
         (headers ? "true" : "false");
}

Sockets::Sockets(raw::Endpoint server, Report& report)
    : server_(std::move(server)), report_(report), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Sockets::~Sockets() { close(epoll_); }

bool Sockets::Open(Socket& socket) {
  if (!socket.connection.Open(server_)) {
    FailErrno(socket, "cannot connect");
    return false;
  }
  epoll_event event{.events = EPOLLIN, .data = {.ptr = &socket}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, socket.connection.fd(), &event);
  return true;
}

bool Sockets::Greet(Socket& socket, bool headers) {
  if (socket.connection.Handshake(ConnectOptions(headers), scratch_)) return true;
  FailErrno(socket, "cannot connect");
  return false;
}

bool Sockets::Subscribe(Socket& socket, std::string_view lines) {
  if (socket.connection.Send(lines) && socket.connection.RoundTrip(scratch_)) return true;
  FailErrno(socket, "cannot subscribe");
  return false;
}

bool Sockets::Send(Socket& socket, std::string_view bytes) {
  if (socket.connection.Send(bytes)) return true;
  FailErrno(socket, "cannot write");
  return false;
}

void Sockets::WatchWritable(Socket& socket, bool writable) {
  epoll_event event{.events = writable ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.ptr = &socket}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, socket.connection.fd(), &event);
}

std::span<const epoll_event> Sockets::Wait(int milliseconds_max) {
  const int count =
      epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), milliseconds_max);
  return {events_.data(), static_cast<size_t>(std::max(count, 0))};
}

bool Sockets::OnControl(Socket& socket, const raw::Frame& frame) {
  if (frame.verb == raw::Verb::kPing) return Send(socket, "PONG\r\n");
  if (frame.verb != raw::Verb::kErr) return true;
  Fail(socket, "was told " + std::string(frame.text));
  return false;
}

void Sockets::Fail(const Socket& socket, std::string_view what) {
  const char* const sides[] = {"publisher ", "subscriber ", "churner "};
  report_.Break(sides[static_cast<size_t>(socket.side)] + std::to_string(socket.index) + " " +
                std::string(what));
}

void Sockets::FailErrno(const Socket& socket, std::string_view what) {
  const std::string& told = socket.connection.error();
  Fail(socket, std::string(what) + ": " + (told.empty() ? strerror(errno) : told));
}

}  // namespace delivery
