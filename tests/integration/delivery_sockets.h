// The sockets of a run: one server, one epoll, and what all sides do alike with a connection.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <sys/epoll.h>

#include "delivery_ledger.h"
#include "raw_client.h"

namespace delivery {

enum class Side : uint8_t { kPublisher, kSubscriber, kChurner };

/// One connection of the run; epoll knows it by its address.
struct Socket {
  Side side = Side::kPublisher;
  uint32_t index = 0;  // on its side
  raw::Connection connection;
};

/// Opens connections and waits for all of them at once.
///
/// Ownership: owns the epoll and the place to read into; the sides own their connections.
/// Thread:    the run's.
/// Lifetime:  borrows the report; an open socket stays where it is.
/// Errors:    one connection that fails breaks the run; the report says which and why.
class Sockets {
 public:
  Sockets(raw::Endpoint server, Report& report);
  ~Sockets();
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  /// Connects. This and the next three: false when they failed.
  bool Open(Socket& socket);
  /// CONNECT up to its PONG.
  bool Greet(Socket& socket, bool headers);
  /// Sends SUB lines, and waits for the PONG that says that the server knows them.
  bool Subscribe(Socket& socket, std::string_view lines);
  bool Send(Socket& socket, std::string_view bytes);
  /// Asks for EPOLLOUT as well, or no longer.
  void WatchWritable(Socket& socket, bool writable);

  /// Waits until something comes, but not longer than this. An event's `data.ptr` is its Socket;
  /// all are valid until the next call.
  std::span<const epoll_event> Wait(int milliseconds_max);

  /// Reads up to `reads_max` times; `on_frame(const raw::Frame&)` returns false to break the run.
  template <typename OnFrame>
  void Read(Socket& socket, int reads_max, OnFrame&& on_frame) {
    if (socket.connection.Read(scratch_, reads_max, on_frame)) return;
    Fail(socket, "was disconnected, or got bytes that are no NATS frame");
  }
  /// What is no message: answers PING, and breaks the run at -ERR.
  bool OnControl(Socket& socket, const raw::Frame& frame);

  /// Breaks the run: `what` the publisher, subscriber or churner with this index did or met.
  void Fail(const Socket& socket, std::string_view what);
  /// The same, with what the server said or else errno in words.
  void FailErrno(const Socket& socket, std::string_view what);

 private:
  const raw::Endpoint server_;
  Report& report_;
  const int epoll_;
  raw::Scratch scratch_;
  std::array<epoll_event, 256> events_;
};

/// The JSON members of CONNECT.
std::string ConnectOptions(bool headers);

}  // namespace delivery
