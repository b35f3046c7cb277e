// A server of the test's own making, on this thread, and what a connection told of itself.
#pragma once

#include <arpa/inet.h>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "client/connection.h"
#include "client/runtime.h"

namespace martlet::client {

/// Notes what happens to one connection.
class Recorder : public Connection::Handler {
 public:
  struct Received {
    std::string subject, reply, headers, payload;
    bool operator==(const Received&) const = default;
  };
  int ready = 0;
  int closed = 0;
  absl::Status why;
  std::vector<Received> received;
  std::vector<uint64_t> pongs;
  std::vector<std::string> errors;
  bool close_at_ready = false;
  bool close_at_message = false;

  void OnReady(Connection& connection) override {
    ++ready;
    if (close_at_ready) connection.Close();
  }
  void OnInput(Connection& connection) override {
    proto::Message message;
    while (connection.Next(message)) {
      received.push_back({std::string(message.subject), std::string(message.reply),
                          std::string(message.headers), std::string(message.payload)});
      if (close_at_message) connection.Close();
    }
  }
  void OnPong(Connection&, uint64_t number) override { pongs.push_back(number); }
  void OnError(Connection&, std::string_view text) override { errors.emplace_back(text); }
  void OnClosed(Connection&, const absl::Status& status) override {
    ++closed;
    why = status;
  }
};

/// A listening socket on loopback and at most one connection accepted from it.
class FakeServer {
 public:
  FakeServer() {
    socklen_t length = sizeof address_;
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address_), length), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address_), &length), 0);
  }

  uint16_t port() const { return ntohs(address_.sin_port); }
  void StopListening() { listener_.Reset(); }
  /// True once a client was there to be accepted.
  bool Accept() {
    fd_.Reset(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return static_cast<bool>(fd_);
  }
  void Send(std::string_view bytes) {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  /// What has come since the last call, without waiting.
  std::string Receive() {
    std::string out;
    char buffer[65536];
    while (true) {
      const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got == 0) ended_ = true;
      if (got <= 0) return out;
      out.append(buffer, static_cast<size_t>(got));
    }
  }
  bool ended() const { return ended_; }
  void Close() { fd_.Reset(); }

 private:
  base::UniqueFd listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  base::UniqueFd fd_;
  sockaddr_in address_{};
  bool ended_ = false;
};

/// A runtime of the backend that the test is run for, one server and one connection.
class ConnectionTest : public testing::TestWithParam<IoBackend> {
 protected:
  static constexpr std::string_view kInfo =
      "INFO {\"server_id\":\"S\",\"version\":\"2.15.1\",\"headers\":true,\"max_payload\":1048576}"
      " \r\n";

  ConnectionTest() {
    auto made = Runtime::Create(GetParam());
    if (!made.ok()) return;
    runtime_ = *std::move(made);
  }
  ~ConnectionTest() override {
    if (connection_ && !connection_->gone()) {
      connection_->Close();
      runtime_->TurnUntilGone(kPatienceNs);
    }
  }
  void SetUp() override {
    if (!runtime_) GTEST_SKIP() << "this kernel has no io_uring for us";
  }

  void Open(Target target = {}, const ConnectionOptions& options = {}) {
    target.host = "127.0.0.1";
    target.port = server_.port();
    auto peer = Peer::Make(target);
    ASSERT_TRUE(peer.ok()) << peer.status();
    peer_ = *std::move(peer);
    connection_ = std::make_unique<Connection>(*runtime_, peer_, options, handler_);
    connection_->Open();
  }
  /// Turns until `done()`; a failure where that takes for ever.
  template <typename Done>
  void TurnUntil(Done done) {
    constexpr int64_t kTurnNs = 1'000'000;
    for (int64_t waited = 0; !done(); waited += kTurnNs) {
      ASSERT_LT(waited, kPatienceNs);
      runtime_->Turn(kTurnNs);
    }
  }
  /// Turns until what the client has sent ends so; returns all of it.
  std::string ReadUntil(std::string_view end) {
    std::string all;
    TurnUntil([&] {
      all += server_.Receive();
      return all.ends_with(end) || server_.ended();
    });
    EXPECT_TRUE(all.ends_with(end)) << all;
    return all;
  }
  /// Up to the state where messages flow.
  void Greet() {
    Open();
    TurnUntil([&] { return server_.Accept(); });
    server_.Send(kInfo);
    ReadUntil("PING\r\n");
    server_.Send("PONG\r\n");
    TurnUntil([&] { return handler_.ready == 1; });
  }
  void TurnUntilClosed() {
    TurnUntil([&] { return handler_.closed > 0; });
  }

  static constexpr int64_t kPatienceNs = 10'000'000'000;
  std::unique_ptr<Runtime> runtime_;
  FakeServer server_;
  Peer peer_;
  Recorder handler_;
  std::unique_ptr<Connection> connection_;
};

inline std::string BackendName(const testing::TestParamInfo<IoBackend>& info) {
  return info.param == IoBackend::kUring ? "Uring" : "Epoll";
}

}  // namespace martlet::client
