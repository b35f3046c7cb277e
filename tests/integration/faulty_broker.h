// A tiny broker that misbehaves once, to see whether the delivery checker notices.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace delivery {

enum class Fault : uint8_t {
  kNone,
  kDrop,       // one copy is not delivered
  kDuplicate,  // one copy is delivered twice to the same subscription
  kTwice,      // a queue message goes to two members
  kSwap,       // one copy is held back until the next to the same connection has passed
  kFlip,       // one bit of one payload
  kStray,      // one copy carries the sid of nobody
  kLate,       // a copy is held back until after the PONG
  kStall,      // neither deliveries nor PONGs any more, the connections stay
};

/// Serves CONNECT, PING, SUB, UNSUB, PUB and HPUB on a loopback port of the kernel's choice.
///
/// Ownership: owns its thread and sockets; the destructor ends both.
/// Thread:    one of its own; the constructor and destructor run on the caller's.
class FaultyBroker {
 public:
  /// Applies `fault` to the `at`-th copy that it fits, counted from 0.
  FaultyBroker(Fault fault, uint64_t at);
  ~FaultyBroker();
  uint16_t port() const { return port_; }
  bool fault_applied() const { return applied_; }

 private:
  struct Client {
    int fd;
    std::string in;
    std::string out;
    bool headers = false;
    std::string held;        // a copy held back
    bool held_late = false;  // until the PONG, not until the next copy
    struct Sub {
      std::string filter;
      std::string queue;
      uint64_t max = 0;
      uint64_t count = 0;
    };
    std::map<std::string, Sub> subs;  // by sid
  };

  void Serve();
  void Accept();
  bool Receive(Client& client);
  size_t Handle(Client& client, std::string_view in);
  void OnSubscribe(Client& client, const std::vector<std::string>& words);
  void OnUnsubscribe(Client& client, const std::vector<std::string>& words);
  void Route(const std::vector<std::string>& words, std::string_view body);
  void Deliver(Client& client, const std::string& sid, const std::vector<std::string>& words,
               std::string_view body);
  bool Flush(Client& client);
  void Close(int fd);
  bool Strike(Fault fault);

  const Fault fault_;
  const uint64_t at_;
  uint64_t fitting_ = 0;
  uint64_t chooser_ = 0;
  bool stalled_ = false;
  std::atomic<bool> applied_ = false;
  std::atomic<bool> stop_ = false;
  int listener_ = -1;
  int epoll_ = -1;
  uint16_t port_ = 0;
  std::map<int, std::unique_ptr<Client>> clients_;
  std::thread thread_;
};

}  // namespace delivery
