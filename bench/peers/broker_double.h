// A little NATS server for tests that makes a mistake on purpose.
#pragma once

#include <arpa/inet.h>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"

namespace martlet::peers {

/// Delivers every PUB to every connection that has subscribed; does something else with message
/// number `at` (from 0).
///
/// Thread: its own, until destroyed.
class BrokerDouble {
 public:
  enum class Mistake : uint8_t { kNone, kDrop, kDuplicate, kSwap, kFlip, kRefuse };

  BrokerDouble(Mistake mistake, uint64_t at) : mistake_(mistake), at_(at) {
    listener_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    wake_read_.Reset(ends[0]);
    wake_write_.Reset(ends[1]);
    thread_ = std::thread([this] { Main(); });
  }
  ~BrokerDouble() {
    wake_write_.Reset();
    thread_.join();
  }
  BrokerDouble(const BrokerDouble&) = delete;
  BrokerDouble& operator=(const BrokerDouble&) = delete;

  uint16_t port() const { return port_; }

 private:
  struct Peer {
    base::UniqueFd fd;
    std::string in;
    bool subscribed = false;
  };

  void Main() {
    while (true) {
      std::vector<pollfd> wanted = {{wake_read_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      for (const Peer& peer : peers_) wanted.push_back({peer.fd.get(), POLLIN, 0});
      ::poll(wanted.data(), wanted.size(), -1);
      if (wanted[0].revents != 0) return;
      for (size_t i = 2; i < wanted.size(); ++i) {
        if (wanted[i].revents != 0) Read(peers_[i - 2]);
      }
      if (wanted[1].revents == 0) continue;
      Peer& peer = peers_.emplace_back();
      peer.fd.Reset(::accept(listener_.get(), nullptr, nullptr));
      Send(peer, "INFO {}\r\n");
    }
  }

  void Read(Peer& peer) {
    char bytes[65536];
    const ssize_t got = ::recv(peer.fd.get(), bytes, sizeof bytes, 0);
    if (got <= 0) return peer.fd.Reset();  // poll() ignores it then
    peer.in.append(bytes, static_cast<size_t>(got));
    size_t used = 0;
    while (const size_t operation = Take(peer, std::string_view(peer.in).substr(used))) {
      used += operation;
    }
    peer.in.erase(0, used);
  }

  size_t Take(Peer& peer, std::string_view in) {
    const size_t line_end = in.find("\r\n");
    if (line_end == in.npos) return 0;
    const std::string_view line = in.substr(0, line_end);
    const size_t after = line_end + 2;
    if (line.starts_with("SUB ")) peer.subscribed = true;
    if (line == "PING") Send(peer, mistake_ == Mistake::kRefuse ? "-ERR 'no'\r\n" : "PONG\r\n");
    if (!line.starts_with("PUB ")) return after;
    const std::string arguments(line.substr(4));
    const size_t blank = arguments.find(' ');
    const size_t size = std::stoul(arguments.substr(blank + 1));
    if (in.size() < after + size + 2) return 0;
    Deliver("MSG " + arguments.substr(0, blank) + " 1 " + arguments.substr(blank + 1) + "\r\n" +
            std::string(in.substr(after, size + 2)));
    return after + size + 2;
  }

  void Deliver(std::string message) {
    const uint64_t number = count_++;
    if (number == at_ && mistake_ == Mistake::kDrop) return;
    if (number == at_ && mistake_ == Mistake::kFlip) message[message.size() - 3] ^= 1;
    if (number == at_ && mistake_ == Mistake::kSwap) {
      kept_ = std::move(message);
      return;
    }
    ToAll(message);
    if (number == at_ && mistake_ == Mistake::kDuplicate) ToAll(message);
    if (!kept_.empty()) ToAll(std::exchange(kept_, {}));
  }

  void ToAll(const std::string& message) {
    for (Peer& peer : peers_) {
      if (peer.subscribed && peer.fd) Send(peer, message);
    }
  }

  static void Send(Peer& peer, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(peer.fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return peer.fd.Reset();
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }

  const Mistake mistake_;
  const uint64_t at_;
  base::UniqueFd listener_;
  base::UniqueFd wake_read_;
  base::UniqueFd wake_write_;
  uint16_t port_ = 0;
  std::vector<Peer> peers_;
  uint64_t count_ = 0;
  std::string kept_;
  std::thread thread_;
};

}  // namespace martlet::peers
