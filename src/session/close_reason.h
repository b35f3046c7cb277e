// Why a connection ends.
#pragma once

#include <cstdint>
#include <string_view>

namespace martlet::session {

/// Names as the reference shows them in the log and in /connz (spec monitoring-and-logs.md 2).
enum class CloseReason : uint8_t {
  kClientClosed,
  kReadError,
  kWriteError,
  kParseError,
  kProtocolViolation,
  kAuthenticationFailure,
  kBadClientProtocolVersion,
  kNoRespondersRequiresHeaders,
  kMaximumConnectionsExceeded,
  kMaximumMessagePayloadExceeded,
  kMaximumControlLineExceeded,
  kStaleConnection,
  kSlowConsumerPendingBytes,
  kSlowConsumerWriteDeadline,
  kServerShutdown,
};

constexpr std::string_view Name(CloseReason reason) {
  switch (reason) {
    case CloseReason::kClientClosed:
      return "Client Closed";
    case CloseReason::kReadError:
      return "Read Error";
    case CloseReason::kWriteError:
      return "Write Error";
    case CloseReason::kParseError:
      return "Parse Error";
    case CloseReason::kProtocolViolation:
      return "Protocol Violation";
    case CloseReason::kAuthenticationFailure:
      return "Authentication Failure";
    case CloseReason::kBadClientProtocolVersion:
      return "Bad Client Protocol Version";
    case CloseReason::kNoRespondersRequiresHeaders:
      return "No Responders Requires Headers";
    case CloseReason::kMaximumConnectionsExceeded:
      return "Maximum Connections Exceeded";
    case CloseReason::kMaximumMessagePayloadExceeded:
      return "Maximum Message Payload Exceeded";
    case CloseReason::kMaximumControlLineExceeded:
      return "Maximum Control Line Exceeded";
    case CloseReason::kStaleConnection:
      return "Stale Connection";
    case CloseReason::kSlowConsumerPendingBytes:
      return "Slow Consumer (Pending Bytes)";
    case CloseReason::kSlowConsumerWriteDeadline:
      return "Slow Consumer (Write Deadline)";
    case CloseReason::kServerShutdown:
      return "Server Shutdown";
  }
  return "Client Closed";
}

/// Whether waiting output is still sent: not where sending is what failed.
constexpr bool FlushesOutput(CloseReason reason) {
  switch (reason) {
    case CloseReason::kReadError:
    case CloseReason::kWriteError:
    case CloseReason::kSlowConsumerPendingBytes:
    case CloseReason::kSlowConsumerWriteDeadline:
      return false;
    default:
      return true;
  }
}

}  // namespace martlet::session
