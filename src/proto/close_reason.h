// Why a connection ends.
#pragma once

#include <cstdint>
#include <string_view>

namespace martlet::proto {

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
  // Of routes only.
  kAuthenticationTimeout,
  kDuplicateRoute,
  kRouteRemoved,
  kClusterNameConflict,
  kDuplicateServerName,
  kIncorrectPort,
  kWrongGateway,
  kMissingAccount,
  kTlsHandshakeFailure,
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
    case CloseReason::kAuthenticationTimeout:
      return "Authentication Timeout";
    case CloseReason::kDuplicateRoute:
      return "Duplicate Route";
    case CloseReason::kRouteRemoved:
      return "Route Removed";
    case CloseReason::kClusterNameConflict:
      return "Cluster Name Conflict";
    case CloseReason::kDuplicateServerName:
      return "Duplicate Server Name";
    case CloseReason::kIncorrectPort:
      return "Incorrect Port";
    case CloseReason::kWrongGateway:
      return "Wrong Gateway";
    case CloseReason::kMissingAccount:
      return "Missing Account";
    case CloseReason::kTlsHandshakeFailure:
      return "TLS Handshake Failure";
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

}  // namespace martlet::proto
