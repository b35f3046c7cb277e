#include "wire.h"

#include <utility>

namespace martlet::peers {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// Bytes up to the end of the `lines`th line; 0 when there are not so many.
size_t LinesBytes(std::string_view in, int lines) {
  size_t at = 0;
  for (int i = 0; i < lines; ++i) {
    const size_t end = in.find(kLineEnd, at);
    if (end == in.npos) return 0;
    at = end + kLineEnd.size();
  }
  return at;
}

Wire::Answer Unexpected(std::string_view in) {
  constexpr size_t kShown = 80;
  const size_t bytes = LinesBytes(in, 1);
  if (bytes == 0 && in.size() < kShown) return {};
  Wire::Answer answer;
  answer.bytes = in.size();
  answer.error = "the broker says: " + std::string(in.substr(0, bytes == 0 ? kShown : bytes - 2));
  return answer;
}

// NATS.

class NatsWire final : public Wire {
 public:
  std::string Greeting(size_t, std::string_view topic) const override {
    std::string out = "CONNECT {\"verbose\":false,\"pedantic\":false,\"protocol\":1}\r\n";
    if (!topic.empty()) out.append("SUB ").append(topic).append(" 1\r\n");
    return out + "PING\r\n";
  }
  size_t greeting_answers(bool) const override { return 1; }

  Frame Published(std::string_view topic, uint32_t size) const override {
    return {"PUB " + std::string(topic) + " " + std::to_string(size) + "\r\n", "\r\n"};
  }
  Frame Delivered(std::string_view topic, uint32_t size) const override {
    return {"MSG " + std::string(topic) + " 1 " + std::to_string(size) + "\r\n", "\r\n"};
  }
  std::string_view Mark() const override { return "PING\r\n"; }

  Answer ReadAnswer(std::string_view in) const override {
    Answer answer;
    const size_t bytes = LinesBytes(in, 1);
    if (bytes == 0) return answer;
    if (!in.starts_with("INFO ") && !in.starts_with("PING") && !in.starts_with("PONG")) {
      return Unexpected(in);
    }
    answer.bytes = bytes;
    answer.counts = in.starts_with("PONG");
    if (in.starts_with("PING")) answer.reply = "PONG\r\n";
    return answer;
  }
};

// RESP.

std::string Bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

class RespWire final : public Wire {
 public:
  explicit RespWire(bool quiet) : quiet_(quiet) {}

  std::string Greeting(size_t, std::string_view topic) const override {
    if (!topic.empty()) return "*2\r\n" + Bulk("SUBSCRIBE") + Bulk(topic);
    return quiet_ ? "*1\r\n" + Bulk("PING") + off_ : "*1\r\n" + Bulk("PING");
  }
  size_t greeting_answers(bool) const override { return 1; }

  Frame Published(std::string_view topic, uint32_t size) const override {
    return {"*3\r\n" + Bulk("PUBLISH") + Bulk(topic) + "$" + std::to_string(size) + "\r\n", "\r\n"};
  }
  Frame Delivered(std::string_view topic, uint32_t size) const override {
    return {"*3\r\n" + Bulk("message") + Bulk(topic) + "$" + std::to_string(size) + "\r\n", "\r\n"};
  }
  std::string_view Mark() const override { return quiet_ ? std::string_view(mark_) : ""; }

  Answer ReadAnswer(std::string_view in) const override {
    // An array of kind, channel and count confirms a subscription: six lines.
    const bool confirmation = in[0] == '*';
    Answer answer;
    answer.bytes = LinesBytes(in, confirmation ? 6 : 1);
    if (in[0] == '-' || (confirmation && answer.bytes > 0 && !in.starts_with(kSubscribed))) {
      return Unexpected(in);
    }
    answer.counts = answer.bytes > 0;
    return answer;
  }

 private:
  static constexpr std::string_view kSubscribed = "*3\r\n$9\r\nsubscribe\r\n";
  const bool quiet_;
  const std::string off_ = "*3\r\n" + Bulk("CLIENT") + Bulk("REPLY") + Bulk("OFF");
  // Switching on is answered, switching off is not.
  const std::string mark_ = "*3\r\n" + Bulk("CLIENT") + Bulk("REPLY") + Bulk("ON") + off_;
};

// MQTT.

std::string Length(size_t bytes) {
  std::string out;
  do {
    const size_t digit = bytes % 128;
    bytes /= 128;
    out += static_cast<char>(bytes > 0 ? digit | 128 : digit);
  } while (bytes > 0);
  return out;
}

/// A text as MQTT has it, two bytes of length first.
std::string Counted(std::string_view text) {
  std::string out{static_cast<char>(text.size() >> 8), static_cast<char>(text.size() & 255)};
  return out.append(text);
}

std::string Packet(char head, const std::string& body) { return head + Length(body.size()) + body; }

class MqttWire final : public Wire {
 public:
  std::string Greeting(size_t number, std::string_view topic) const override {
    const std::string id = "peers-" + std::to_string(number);
    std::string body = Counted("MQTT");
    body += '\x04';                  // 3.1.1
    body += '\x02';                  // a clean session
    body += std::string(2, '\x00');  // never kept alive
    body += Counted(id);
    std::string out = Packet('\x10', body);
    if (topic.empty()) return out;
    body = std::string{'\x00', '\x01'} + Counted(topic) + '\x00';
    return out + Packet('\x82', body);
  }
  size_t greeting_answers(bool subscribes) const override { return subscribes ? 2 : 1; }

  Frame Published(std::string_view topic, uint32_t size) const override {
    const std::string name = Counted(topic);
    return {'\x30' + Length(name.size() + size) + name, ""};
  }
  Frame Delivered(std::string_view topic, uint32_t size) const override {
    return Published(topic, size);
  }
  std::string_view Mark() const override { return {"\xc0\x00", 2}; }

  Answer ReadAnswer(std::string_view in) const override {
    constexpr std::string_view kAccepted("\x20\x02\x00\x00", 4);
    constexpr std::string_view kSubscribed("\x90\x03\x00\x01\x00", 5);
    constexpr std::string_view kPong("\xd0\x00", 2);
    for (const std::string_view known : {kAccepted, kSubscribed, kPong}) {
      if (known.starts_with(in.substr(0, known.size()))) {
        Answer answer;
        answer.counts = in.size() >= known.size();
        answer.bytes = answer.counts ? known.size() : 0;
        return answer;
      }
    }
    Answer answer;
    answer.bytes = in.size();
    answer.error = "the broker sends a packet of type " +
                   std::to_string(static_cast<unsigned char>(in[0]) >> 4) +
                   " that was not asked for";
    return answer;
  }
};

}  // namespace

std::unique_ptr<const Wire> MakeWire(Protocol protocol) {
  switch (protocol) {
    case Protocol::kNats:
      return std::make_unique<NatsWire>();
    case Protocol::kResp:
      return std::make_unique<RespWire>(false);
    case Protocol::kRespQuiet:
      return std::make_unique<RespWire>(true);
    case Protocol::kMqtt:
      return std::make_unique<MqttWire>();
  }
  return nullptr;
}

}  // namespace martlet::peers
