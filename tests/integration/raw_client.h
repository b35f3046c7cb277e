// A NATS connection without a library: a socket, the frames on it, and nothing hidden.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace raw {

struct Endpoint {
  std::string host = "127.0.0.1";  // an address, not a name: the tools talk to loopback
  uint16_t port = 4222;
};

/// Reads "host:port", "nats://host:port" or "port"; false if it is none of them.
inline bool ParseEndpoint(std::string_view text, Endpoint& endpoint) {
  if (text.starts_with("nats://")) text.remove_prefix(7);
  const size_t colon = text.rfind(':');
  if (colon != text.npos) endpoint.host = text.substr(0, colon);
  const std::string_view port = colon == text.npos ? text : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  return error == std::errc() && end == port.data() + port.size() && endpoint.port != 0;
}

enum class Verb : uint8_t { kMsg, kHmsg, kPing, kPong, kInfo, kOk, kErr };

/// One operation from the server. All views point into the bytes it was read from.
struct Frame {
  Verb verb = Verb::kOk;
  uint64_t sid = 0;
  std::string_view subject;
  std::string_view reply;
  std::string_view headers;
  std::string_view payload;
  std::string_view text;  // the line of INFO and -ERR
};

constexpr size_t kMalformed = static_cast<size_t>(-1);

inline bool ParseNumber(std::string_view text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// Fills `frame` from an "[H]MSG" whose line (without CR LF) is `line`; `in` starts with that line.
/// Returns the bytes of the whole frame, 0 if the payload is not complete yet, or kMalformed.
inline size_t ReadMessage(std::string_view in, std::string_view line, Frame& frame) {
  const bool has_headers = line[0] == 'H';
  std::string_view rest = line.substr(has_headers ? 5 : 4);
  std::string_view args[6];
  size_t count = 0;
  while (count < 6) {
    const size_t blank = rest.find(' ');
    args[count++] = rest.substr(0, blank);
    if (blank == rest.npos) break;
    rest.remove_prefix(blank + 1);
  }
  const size_t numbers = has_headers ? 2 : 1;
  if (count < 2 + numbers || count > 3 + numbers) return kMalformed;
  uint64_t total = 0;
  uint64_t header_bytes = 0;
  if (!ParseNumber(args[1], frame.sid) || !ParseNumber(args[count - 1], total)) return kMalformed;
  if (has_headers && !ParseNumber(args[count - 2], header_bytes)) return kMalformed;
  if (header_bytes > total || total > (1u << 30)) return kMalformed;

  const size_t at = line.size() + 2;
  if (in.size() < at + total + 2) return 0;
  if (in[at + total] != '\r' || in[at + total + 1] != '\n') return kMalformed;
  frame.verb = has_headers ? Verb::kHmsg : Verb::kMsg;
  frame.subject = args[0];
  frame.reply = count == 3 + numbers ? args[2] : std::string_view();
  frame.headers = in.substr(at, header_bytes);
  frame.payload = in.substr(at + header_bytes, total - header_bytes);
  return at + total + 2;
}

/// Reads the frame at the front of `in`: its bytes, 0 for "more is needed", or kMalformed.
inline size_t NextFrame(std::string_view in, Frame& frame) {
  const size_t newline = in.find('\n');
  if (newline == in.npos) return 0;
  if (newline < 3 || in[newline - 1] != '\r') return kMalformed;
  const std::string_view line = in.substr(0, newline - 1);
  frame = Frame();
  if (line.starts_with("MSG ") || line.starts_with("HMSG ")) return ReadMessage(in, line, frame);
  frame.text = line;
  if (line == "PING") {
    frame.verb = Verb::kPing;
  } else if (line == "PONG") {
    frame.verb = Verb::kPong;
  } else if (line == "+OK") {
    frame.verb = Verb::kOk;
  } else if (line.starts_with("INFO ")) {
    frame.verb = Verb::kInfo;
  } else if (line.starts_with("-ERR")) {
    frame.verb = Verb::kErr;
  } else {
    return kMalformed;
  }
  return newline + 1;
}

/// A place to receive into, shared by all connections of a thread. One message must fit.
class Scratch {
 public:
  static constexpr size_t kReadBytes = 256 << 10;
  static constexpr size_t kBytes = (2 << 20) + kReadBytes;
  char* data() { return data_.get(); }

 private:
  std::unique_ptr<char[]> data_ = std::make_unique_for_overwrite<char[]>(kBytes);
};

/// One connection to the server, non-blocking after Open().
///
/// Ownership:  owns its descriptor. Thread: any one at a time.
/// Invariants: bytes leave in the order of Send(); what the kernel did not take waits in `out_`.
class Connection {
 public:
  Connection() = default;
  ~Connection() { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects; false with errno. The server's INFO is the first frame to be read. A `source` other
  /// than 0 is a loopback address (127.x.y.z) to connect from: each has ports of its own.
  bool Open(const Endpoint& endpoint, uint32_t source = 0) {
    Close();
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return false;
    const int one = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    if (inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) != 1) return false;
    if (source != 0 && !BindTo(source)) return false;
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) return false;
    return fcntl(fd_, F_SETFL, O_NONBLOCK) == 0;
  }

  /// Sends CONNECT (with `options` as JSON members) and waits for INFO and PONG.
  bool Handshake(std::string_view options, Scratch& scratch) {
    std::string hello = "CONNECT {";
    hello += options;
    hello += "}\r\nPING\r\n";
    bool greeted = false;
    return WaitFrame(scratch, Verb::kInfo, greeted) && Send(hello) && (greeted = false, true) &&
           WaitFrame(scratch, Verb::kPong, greeted);
  }

  /// PING, then everything up to its PONG; messages on the way are dropped.
  bool RoundTrip(Scratch& scratch) {
    bool done = false;
    return Send("PING\r\n") && WaitFrame(scratch, Verb::kPong, done);
  }

  /// Queues and sends as much as the kernel takes; false when the connection is broken.
  bool Send(std::string_view bytes) {
    if (out_at_ == out_.size()) {
      out_.clear();
      out_at_ = 0;
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
      if (bytes.empty()) return true;
    }
    out_.append(bytes);
    return true;
  }

  /// Sends what waits; false when the connection is broken.
  bool Flush() {
    while (out_at_ < out_.size()) {
      const ssize_t sent = send(fd_, out_.data() + out_at_, out_.size() - out_at_, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR;
      out_at_ += static_cast<size_t>(sent);
    }
    return true;
  }
  bool blocked() const { return out_at_ < out_.size(); }

  /// Reads up to `reads_max` times and hands every complete frame to `on_frame(const Frame&)`,
  /// which returns false to stop. False at the end of the stream, on an error, on a malformed
  /// frame, or when told to stop.
  template <typename OnFrame>
  bool Read(Scratch& scratch, int reads_max, OnFrame&& on_frame) {
    for (int i = 0; i < reads_max; ++i) {
      memcpy(scratch.data(), rest_.data(), rest_.size());
      const ssize_t got = recv(fd_, scratch.data() + rest_.size(), Scratch::kReadBytes, 0);
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      if (got == 0) return false;
      std::string_view in(scratch.data(), rest_.size() + static_cast<size_t>(got));
      Frame frame;
      size_t bytes = 0;
      while ((bytes = NextFrame(in, frame)) != 0) {
        if (bytes == kMalformed || !on_frame(frame)) return false;
        in.remove_prefix(bytes);
      }
      if (in.size() > Scratch::kBytes - Scratch::kReadBytes) return false;
      rest_.assign(in);
      if (static_cast<size_t>(got) < Scratch::kReadBytes) return true;
    }
    return true;
  }

  /// Closes with a FIN, or with a RST when `abruptly`.
  void Close(bool abruptly = false) {
    if (fd_ < 0) return;
    if (abruptly) {
      const linger now{.l_onoff = 1, .l_linger = 0};
      setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    close(fd_);
    fd_ = -1;
    rest_.clear();
    out_.clear();
    out_at_ = 0;
  }
  int fd() const { return fd_; }
  const std::string& error() const { return error_; }

 private:
  bool BindTo(uint32_t source) {
    const int one = 1;
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(source);
    return bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }

  bool WaitFrame(Scratch& scratch, Verb wanted, bool& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      pollfd waiting{.fd = fd_,
                     .events = static_cast<short>(blocked() ? POLLIN | POLLOUT : POLLIN),
                     .revents = 0};
      poll(&waiting, 1, 1000);
      if (!Flush()) return false;
      const bool alive = Read(scratch, 4, [&](const Frame& frame) {
        if (frame.verb == Verb::kErr) error_ = frame.text;
        if (frame.verb == wanted) done = true;
        return frame.verb != Verb::kErr;
      });
      if (!alive) return false;
    }
    return true;
  }

  int fd_ = -1;
  std::string rest_;  // the front of a frame whose end has not arrived
  std::string out_;
  size_t out_at_ = 0;
  std::string error_;
};

inline double Seconds(std::chrono::steady_clock::time_point from,
                      std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// Lifts the soft limit of open files to the hard one.
inline void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace raw
