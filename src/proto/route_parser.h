// The route protocol's grammar: bytes of a connection between two servers to operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/control_line.h"
#include "proto/pending_input.h"
#include "proto/pub_run.h"

namespace martlet::proto {

/// Limits and forms of the connection, as they are when an operation is read.
struct RouteParserLimits {
  size_t control_line_bytes_max = size_t{16} * 4096;  // 16 times that of clients; of the argument
  bool account_omitted = false;    // the route is dedicated to one account: no account token
  bool leaf_unsub_origin = false;  // LS- names its origin: the peer has said `lnocu`
};

enum class RouteOpKind : uint8_t {
  kRmsg,
  kHmsg,
  kLmsg,  // from a leaf node's cluster
  kRoutedSub,
  kRoutedUnsub,
  kLeafSub,
  kLeafUnsub,
  kConnect,
  kInfo,
  kPing,
  kPong,
  kOk,
  kErr,
  // Of gateways, to be ignored; only the argument is given.
  kAccountSub,
  kAccountUnsub,
  // Of clients, without effect on a route; argument and payload are given.
  kPub,
  kHpub,
  kSub,
  kUnsub,
};

/// The verb, as the protocol and the trace write it: "RMSG", "RS+".
std::string_view VerbOf(RouteOpKind kind);

/// What is wrong with the input. All of them end the connection.
enum class RouteParseError : uint8_t {
  kNone,
  kUnknownOperation,  // a byte that cannot continue a verb, or a payload without CR LF
  kControlLine,       // argument text over the limit
  kArguments,         // too few or too many
  kReplyIndicator,    // neither `+` nor `|`
  kHeaderSize,
  kSize,
  kSizeOrder,  // header size larger than total size
};

/// One operation. Views point into the pushed bytes or the parser; they end with the next call.
struct RouteOp {
  RouteOpKind kind = RouteOpKind::kPing;
  bool has_queue = false;             // `queues` names at least one
  std::string_view argument;          // everything after the verb, without line end
  std::string_view origin;            // LS+, LMSG, and LS- where it is named
  std::string_view account;           // empty on a route dedicated to an account
  std::string_view subject;           // interest and messages
  std::string_view reply;             // messages; empty: none
  std::string_view queues;            // interest: one; messages: all, as sent: use TakeQueue()
  uint32_t weight = 0;                // RS+, LS+ with a queue; 0: also what is no number
  uint32_t header_bytes = 0;          // HMSG, LMSG
  std::string_view header_size_text;  // HMSG, LMSG, digits as sent
  std::string_view size_text;         // messages, digits as sent
  std::string_view payload;           // messages (header block and body); CR LF follows in memory
};

/// Takes the next name off the front of RouteOp::queues; empty when there is none left:
/// `for (std::string_view name; !(name = TakeQueue(queues)).empty();)`.
std::string_view TakeQueue(std::string_view& queues);

/// What a failed Next() knows for the log line.
struct RouteErrorDetail {
  RouteParseError error = RouteParseError::kNone;
  RouteOpKind kind = RouteOpKind::kPing;  // of the operation, unless kUnknownOperation
  int state = 0;                          // kUnknownOperation: the reference parser's state number
  size_t offset = 0;       // kUnknownOperation: of the byte in the pushed bytes, where known
  std::string_view input;  // argument text, the wrong indicator, or the input from the byte on
};

/// The log line for it, in the reference's words. `account` is that which the route is dedicated
/// to, if any.
std::string RouteErrorText(const RouteErrorDetail& detail, std::string_view account = {});

/// Cuts the bytes of a route into operations. Pure: no I/O, no clock.
///
/// Use: Push() a chunk, call Next() until it says kNeedMore (or the caller wants to stop), then
/// Save(); the chunk may go after that. What was not read stays and comes with the next Next(); or,
/// with TakeRest(), it is the caller's. Whether an operation may come at this time is the caller's
/// question: first_byte() tells before anything is parsed.
///
/// Memory:     nothing while no operation is cut in two; else what was received of it, at most
///             twice the control line limit + 999,999,999 bytes of payload (routes have no limit
///             of their own) + one chunk. Endless junk after PING, or endless blanks after a verb,
///             cost nothing.
/// Invariants: cutting the input anywhere gives the same operations. After kError every call
///             gives kError.
/// Source:     spec route-protocol.md sections 4 to 6; reference parser.go, route.go.
class RouteParser {
 public:
  enum class Result : uint8_t { kOp, kNeedMore, kError };

  RouteParser();

  void Push(std::string_view bytes);
  Result Next(const RouteParserLimits& limits, RouteOp& op);
  /// Takes what follows the message that Next() has just given, as far as it has the same control
  /// line and is whole: at most `bytes_max`, but for a single one that is larger. The views of that
  /// RouteOp stay.
  PubRun TakeRun(size_t bytes_max);
  void Save();
  /// Instead of Save(), for a caller who wants to stop: what is left of the chunk, to be pushed
  /// again when it goes on.
  std::string_view TakeRest();

  const RouteErrorDetail& error() const { return error_; }
  /// The first byte not yet read, or -1.
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

  bool TakePlainMessage(const RouteParserLimits& limits, RouteOp& op);
  Result NextOther(const RouteParserLimits& limits, RouteOp& op);
  Step ParseOne(std::string_view in, const RouteParserLimits& limits, RouteOp& op, size_t& consumed,
                size_t& need);
  Step ParseMessage(std::string_view in, const RouteParserLimits& limits, ControlLine& line,
                    RouteOp& op, size_t& consumed, size_t& need);
  Step ParseInterest(const RouteParserLimits& limits, RouteOp& op);
  Step Fail(RouteParseError error, RouteOpKind kind, std::string_view input, int state = 0);

  PendingInput input_;
  // Of the message in front of the chunk, when there is one; else 0.
  size_t run_line_bytes_ = 0;
  size_t run_stride_ = 0;
  RouteErrorDetail error_;
};

}  // namespace martlet::proto
