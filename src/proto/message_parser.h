// What a server sends to a client, cut into operations: the other side of client_parser.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace martlet::proto {

enum class ServerOp : uint8_t { kMsg, kHmsg, kInfo, kPing, kPong, kOk, kErr };

/// One operation of a server. Views point into the pushed bytes or the parser; they end with the
/// next call.
struct Message {
  ServerOp op = ServerOp::kMsg;
  std::string_view subject;
  std::string_view sid;
  std::string_view reply;    // empty: none
  std::string_view headers;  // HMSG: the block with its version line and the empty line
  std::string_view payload;  // without the headers
  std::string_view text;     // INFO: the JSON; -ERR: the text in quotes
  bool repeated = false;     // MSG with the same control line as the one before on this connection
};

/// Cuts the byte stream of a server into operations. Pure: no I/O, no clock.
///
/// Use: Push() a chunk, call Next() until it says kNeedMore, then Save(); the chunk may go then.
///
/// Memory:     nothing while no operation is cut in two; else what was received of it. A control
///             line may have kLineBytesMax, a message kMessageBytesMax.
/// Invariants: cutting the input anywhere gives the same operations. After kError every call gives
///             kError.
/// Source:     spec client-protocol.md sections 3, 7, 8.
class MessageParser {
 public:
  static constexpr size_t kLineBytesMax = size_t{1} << 20;  // an INFO may list many servers
  static constexpr size_t kMessageBytesMax = size_t{256} << 20;
  enum class Result : uint8_t { kMessage, kNeedMore, kError };

  void Push(std::string_view bytes) { in_ = bytes; }

  Result Next(Message& message) {
    if (held_.empty() && TakeRepeated(message)) return Result::kMessage;
    return NextSlow(message);
  }

  void Save();

  /// What was wrong, for people; empty before kError.
  const std::string& error() const { return error_; }

 private:
  // The last MSG line: senders mostly repeat themselves, and then only the payload is new.
  struct Repeat {
    static constexpr size_t kBytesMax = 120;
    size_t line_bytes = 0;  // with its line end; 0: none
    size_t payload_bytes = 0;
    std::string_view subject, sid, reply;  // into `line`
    char line[kBytesMax];
  };
  struct Cut {
    size_t used = 0;    // bytes of the operation; 0: not complete
    size_t wanted = 0;  // where known how many it has in all, else 0
  };

  bool TakeRepeated(Message& message) {
    const size_t line = repeat_.line_bytes;
    const size_t total = line + repeat_.payload_bytes + 2;
    if (line == 0 || in_.size() < total || std::memcmp(in_.data(), repeat_.line, line) != 0) {
      return false;
    }
    if (in_[total - 2] != '\r' || in_[total - 1] != '\n') return false;
    message = {.op = ServerOp::kMsg,
               .subject = repeat_.subject,
               .sid = repeat_.sid,
               .reply = repeat_.reply,
               .payload = in_.substr(line, repeat_.payload_bytes),
               .repeated = true};
    in_.remove_prefix(total);
    return true;
  }

  Result NextSlow(Message& message);
  Result TakeHeld(Message& message);
  bool ParseOne(std::string_view in, Message& message, Cut& cut);
  bool ParseMessage(std::string_view in, std::string_view line, Message& message, Cut& cut);
  bool ParseControl(std::string_view line, Message& message);
  void Remember(std::string_view in, size_t line_bytes, const Message& message);
  bool Fail(std::string_view why, std::string_view near);

  std::string_view in_;     // what is left of the pushed chunk
  std::string held_;        // the beginning of a cut operation; comes before in_
  size_t wanted_ = 0;       // bytes of that operation where known
  bool held_used_ = false;  // the last operation stood in held_, which may go now
  Repeat repeat_;
  std::string error_;
};

}  // namespace martlet::proto
