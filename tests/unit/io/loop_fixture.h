// What the tests of both backends share: a loop per mode, sockets, and an operation that notes
// its answers.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <ostream>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "io/epoll_loop.h"
#include "io/loop.h"
#include "io/uring_loop.h"

namespace martlet::io {

/// One way to run a loop. Older kernels are played by forbidding what they lack.
struct Mode {
  const char* name;
  bool uring;
  FeatureLimits limits = {};
};

inline std::ostream& operator<<(std::ostream& out, const Mode& mode) { return out << mode.name; }

constexpr Mode kUring = {"uring", true};
constexpr Mode kUringLinux61 = {
    "uring_6_1",
    true,
    {.multishot_receive = false, .ring_messages = false, .receive_cap = false, .min_wait = false}};
constexpr Mode kUringLinux519 = {"uring_5_19",
                                 true,
                                 {.deferred_task_work = false,
                                  .multishot_receive = false,
                                  .ring_messages = false,
                                  .receive_cap = false,
                                  .min_wait = false}};
constexpr Mode kEpoll = {"epoll", false};

inline absl::StatusOr<std::unique_ptr<Loop>> MakeLoop(const Mode& mode,
                                                      const LoopOptions& options) {
  return mode.uring ? UringLoop::Create(options, mode.limits) : EpollLoop::Create(options);
}

/// An operation and everything it was answered.
class Recorder {
 public:
  Operation op = Operation::Bind<&Recorder::OnDone>(this);
  std::string bytes;
  std::vector<int> results;
  int last_result = 0;
  bool ended = false;
  std::function<void(const Completion&)> hook;

  void Restart() { ended = false; }

 private:
  void OnDone(const Completion& done) {
    EXPECT_EQ(op.in_flight(), done.more);
    EXPECT_FALSE(ended);
    bytes += done.data;
    results.push_back(done.result);
    last_result = done.result;
    ended = !done.more;
    if (hook) hook(done);
  }
};

/// A loopback listener and its address.
struct Listener {
  base::UniqueFd fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address = {};

  Listener() {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(fd.get(), 512), 0);
    EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  }
  const sockaddr* where() const { return reinterpret_cast<const sockaddr*>(&address); }
  base::UniqueFd Dial() const {
    base::UniqueFd peer(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(peer.get(), where(), sizeof address), 0);
    return peer;
  }
};

/// A TCP connection to ourselves. Not a Unix socket pair: on Linux 6.18 a multishot receive on one
/// may miss what arrives together with the data before it, the end of the stream above all.
struct SocketPair {
  base::UniqueFd near;
  base::UniqueFd far;

  explicit SocketPair(int flags = 0) {
    static const Listener listener;
    near = listener.Dial();
    far.Reset(accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | flags));
    EXPECT_TRUE(far);
    if ((flags & SOCK_NONBLOCK) != 0) {
      EXPECT_EQ(fcntl(near.get(), F_SETFL, O_NONBLOCK), 0);
    }
  }
  /// By reset: thousands of connections in TIME_WAIT would slow down every later test.
  ~SocketPair() {
    const linger reset = {.l_onoff = 1, .l_linger = 0};
    for (const base::UniqueFd* end : {&near, &far}) {
      if (*end) setsockopt(end->get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
};

/// Bytes whose order can be checked.
inline std::string Pattern(size_t bytes) {
  std::string pattern(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) pattern[i] = static_cast<char>(i * 131 + i / 251);
  return pattern;
}

inline iovec Part(std::string_view bytes) {
  return {const_cast<char*>(bytes.data()), bytes.size()};
}

class LoopFixture : public testing::TestWithParam<Mode> {
 protected:
  /// Makes `loop`; where the kernel refuses, the caller skips with this reason.
  std::string TryOpen(const LoopOptions& options = {}) {
    absl::StatusOr<std::unique_ptr<Loop>> made = MakeLoop(GetParam(), options);
    if (!made.ok()) return std::string(made.status().message());
    loop = std::move(*made);
    return "";
  }

  /// Turns until `done`, for ten seconds at most; returns whether it came to be.
  bool RunUntil(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      loop->SubmitAndWait(10'000'000);
      loop->RunCompletions();
    }
    return true;
  }

  /// Turns that give unwanted answers the time to show up.
  void RunTurns(int turns) {
    for (int i = 0; i < turns; ++i) {
      loop->SubmitAndWait(1'000'000);
      loop->RunCompletions();
    }
  }

  std::unique_ptr<Loop> loop;
};

}  // namespace martlet::io

/// Opens the fixture's loop or skips the test, saying why.
#define OPEN_LOOP_OR_SKIP(...) \
  if (const std::string refused = TryOpen(__VA_ARGS__); !refused.empty()) GTEST_SKIP() << refused
