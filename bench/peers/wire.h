// The wire forms of brokers: what the load writes, and what it expects to read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace martlet::peers {

/// One protocol, as far as publish and subscribe need it. In every one of them what stands in front
/// of and behind the payloads of one topic and size never changes, in both directions: a publisher
/// copies it, a subscriber compares with it. All else that a broker says is read by ReadAnswer.
///
/// Pure: no I/O, no state; texts may be kept for as long as the object lives.
class Wire {
 public:
  /// What is around a payload.
  struct Frame {
    std::string before;
    std::string after;
  };
  /// What a broker said besides messages.
  struct Answer {
    size_t bytes = 0;        // of the input; 0: not complete yet
    bool counts = false;     // one of those that Greeting() or Mark() asked for
    std::string_view reply;  // to be sent back; empty: nothing
    std::string error;       // the connection is no good; empty: it is
  };

  virtual ~Wire() = default;

  /// The first bytes of a connection, everything that has to be said before messages flow.
  /// `topic` empty: it publishes. `number` is one of its own.
  virtual std::string Greeting(size_t number, std::string_view topic) const = 0;
  /// How many answers that gets.
  virtual size_t greeting_answers(bool subscribes) const = 0;

  virtual Frame Published(std::string_view topic, uint32_t size) const = 0;
  virtual Frame Delivered(std::string_view topic, uint32_t size) const = 0;

  /// Asks for one answer when all before it has been worked on; empty: each message gets one.
  virtual std::string_view Mark() const = 0;

  /// Reads what `in` (not empty) begins with, which is no message.
  virtual Answer ReadAnswer(std::string_view in) const = 0;
};

/// NATS; RESP as Redis speaks it, and without a reply to each PUBLISH (CLIENT REPLY OFF); MQTT
/// 3.1.1 at QoS 0. Sources: NATS client protocol; redis.io, "RESP protocol spec" and "Pub/sub";
/// OASIS MQTT 3.1.1, chapter 3.
enum class Protocol : uint8_t { kNats, kResp, kRespQuiet, kMqtt };

std::unique_ptr<const Wire> MakeWire(Protocol protocol);

}  // namespace martlet::peers
