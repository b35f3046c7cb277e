// The client protocol's grammar: bytes of one connection to operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto/control_line.h"
#include "proto/pending_input.h"
#include "proto/pub_run.h"

namespace martlet::proto {

/// Limits and abilities of the connection, as they are when an operation is read.
struct ParserLimits {
  size_t control_line_bytes_max = 4096;  // measured on the argument text
  int64_t payload_bytes_max = 1 << 20;   // negative: none
  bool headers = false;                  // HPUB is understood (server has them, client asked)

  bool AllowPayload(uint32_t bytes) const {
    return payload_bytes_max < 0 || int64_t{bytes} <= payload_bytes_max;
  }
};

enum class OpKind : uint8_t { kPub, kHpub, kSub, kUnsub, kConnect, kInfo, kPing, kPong, kOk, kErr };

/// What is wrong with the input. All of them end the connection.
enum class ParseError : uint8_t {
  kNone,
  kUnknownOperation,  // a byte that cannot continue a verb, or a payload without CR LF
  kControlLine,       // argument text over the limit
  kPayloadSize,       // announced payload over the limit
  kPubArguments,
  kPubSize,
  kHpubArguments,
  kHpubHeaderSize,
  kHpubTotalSize,
  kHpubSizeOrder,  // header size larger than total size
  kHeadersNotSupported,
  kSubArguments,
  kUnsubArguments,
};

/// One operation. Views point into the pushed bytes or the parser; they end with the next call.
struct Op {
  OpKind kind = OpKind::kPing;
  std::string_view argument;          // everything after the verb, without line end
  std::string_view subject;           // PUB, HPUB, SUB
  std::string_view reply;             // PUB, HPUB; empty: none
  std::string_view queue;             // SUB; empty: none
  std::string_view sid;               // SUB, UNSUB
  std::string_view max;               // UNSUB; empty: none
  std::string_view header_size_text;  // HPUB, digits as sent
  std::string_view size_text;         // PUB, HPUB, digits as sent (echoed verbatim)
  uint32_t header_bytes = 0;          // HPUB
  std::string_view payload;           // PUB, HPUB (header block and body); CR LF follows in memory
};

/// A PUB that was looked at ahead of its turn. Views into the pushed bytes.
struct PlainPub {
  std::string_view subject;
  std::string_view reply;  // empty: none
  std::string_view size_text;
  std::string_view payload;
};

/// What a failed Next() knows for the log line.
struct ErrorDetail {
  ParseError error = ParseError::kNone;
  int state = 0;                // the reference parser's state number
  size_t offset = 0;            // of the offending byte in the pushed bytes, where known
  std::string_view input;       // argument text, or the input from the offending byte on
  int64_t announced_bytes = 0;  // kPayloadSize
};

/// Cuts a byte stream into operations. Pure: no I/O, no clock.
///
/// Use: Push() a chunk, call Next() until it says kNeedMore (or the caller wants to stop), then
/// Save(); the chunk may go after that. What was not read stays and comes with the next Next(); or,
/// with TakeRest(), it is the caller's.
///
/// Memory:     nothing while no operation is cut in two; else what was received of it, at most
///             twice the control line limit + payload limit + one chunk. Endless junk after PING,
///             or endless blanks after a verb, cost nothing.
/// Invariants: cutting the input anywhere gives the same operations. After kError every call
///             gives kError.
/// Source:     spec client-protocol.md sections 1, 2; reference parser.go.
class ClientParser {
 public:
  enum class Result : uint8_t { kOp, kNeedMore, kError };

  ClientParser();

  void Push(std::string_view bytes);
  Result Next(const ParserLimits& limits, Op& op);
  /// Takes what follows the PUB or HPUB that Next() has just given, as far as it has the same
  /// control line and is whole: at most `bytes_max`, but for a single one that is larger. The views
  /// of that Op stay.
  PubRun TakeRun(size_t bytes_max);
  /// Finds PUBs that follow the operation that Next() has just given, as far as they are whole and
  /// in the usual form and no two in a row have the same control line: how many. They are not
  /// taken: that is what Take() does, one after the other.
  size_t LookAhead(const ParserLimits& limits, std::span<PlainPub> pubs) const;
  /// The next one of those found by LookAhead() is done.
  void Take(const PlainPub& pub);
  void Save();
  /// Instead of Save(), for a caller who wants to stop: what is left of the chunk, to be pushed
  /// again when it goes on.
  std::string_view TakeRest();

  const ErrorDetail& error() const { return error_; }
  /// The first byte not yet read, or -1: authentication looks at it before anything is parsed.
  int first_byte() const { return input_.first_byte(); }
  /// Whether the last operation was put together from several chunks, and lies in memory of this.
  bool holds() const { return input_.holds(); }
  /// Hands over that memory, which is the operation and nothing else; its views stay. Empty where
  /// more is held, or little.
  std::string TakeHeld() { return input_.TakeHeld(); }
  /// Bytes held for an operation that is not complete, or not yet asked for.
  size_t held_bytes() const { return input_.held_bytes(); }

 private:
  using Step = PendingInput::Step;

  bool TakePlainPub(const ParserLimits& limits, Op& op);
  Result NextOther(const ParserLimits& limits, Op& op);
  Step ParseOne(std::string_view in, const ParserLimits& limits, Op& op, size_t& consumed,
                size_t& need);
  Step ParsePub(const ParserLimits& limits, Op& op, uint32_t& size_bytes);
  Step ParseHpub(const ParserLimits& limits, Op& op, uint32_t& size_bytes);
  Step TakePayload(std::string_view in, uint32_t size_bytes, ControlLine& line, Op& op,
                   size_t& consumed, size_t& need);
  Step ParseSub(Op& op);
  Step ParseUnsub(Op& op);
  Step Fail(ParseError error, std::string_view input, int state = 0);

  PendingInput input_;
  // Of the operation in front of the chunk, when that is a PUB or HPUB; else 0.
  size_t run_line_bytes_ = 0;
  size_t run_stride_ = 0;
  ErrorDetail error_;
};

}  // namespace martlet::proto
