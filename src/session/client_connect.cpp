// CONNECT, PING, PONG, INFO, -ERR, and what is wrong with the input: the operations about the
// connection itself.
#include <algorithm>
#include <string>
#include <utility>

#include "base/go_text.h"
#include "json/reader.h"
#include "session/client_session.h"

namespace martlet::session {
namespace {

using base::GoQuote;
using base::LogLevel;
using proto::ParseError;

// The first ping after CONNECT comes early, to measure the round trip.
constexpr uint64_t kFirstPingMaxMs = 2000;
// A ping is sent at least so often, even to a busy client.
constexpr uint64_t kMeasureRoundTripMs = 3'600'000;

uint64_t ToMs(std::chrono::nanoseconds duration) {
  return static_cast<uint64_t>(std::max<int64_t>(1, duration / std::chrono::milliseconds(1)));
}

// What identifies the user, as the monitor shows it. Source: reference getRawAuthUser.
std::string User(const proto::ConnectInfo& info) {
  if (!info.nkey.empty()) return info.nkey;
  if (!info.user.empty()) return info.user;
  return info.auth_token.empty() ? "" : "[REDACTED]";
}

// Account and user as the log shows them, when any credentials came.
std::string Label(const proto::ConnectInfo& info) {
  if (!info.nkey.empty()) return "$G/nkey:" + info.nkey;
  if (!info.user.empty()) return "$G/user:" + info.user;
  if (!info.auth_token.empty()) return "$G/token";
  return {};
}

std::string_view LogText(ParseError error) {
  switch (error) {
    case ParseError::kPubArguments:
      return "processPub Parse Error: ";
    case ParseError::kPubSize:
      return "processPub Bad or Missing Size: ";
    case ParseError::kHpubArguments:
      return "processHeaderPub Parse Error: ";
    case ParseError::kHpubHeaderSize:
      return "processHeaderPub Bad or Missing Header Size: ";
    case ParseError::kHpubTotalSize:
      return "processHeaderPub Bad or Missing Total Size: ";
    case ParseError::kHpubSizeOrder:
      return "processHeaderPub Header Size larger then TotalSize: ";
    case ParseError::kSubArguments:
      return "processSub Parse Error: ";
    case ParseError::kUnsubArguments:
      return "processUnsub Parse Error: ";
    default:
      return {};
  }
}

}  // namespace

// Source: spec client-protocol.md section 4; reference processConnect.
void ClientSession::OnConnect(std::string_view text) {
  if (Logs(LogLevel::kTrace)) TraceIn("CONNECT", proto::RedactConnect(text));
  ArmFirstPing();

  proto::ConnectInfo info;
  if (connected_) {  // a second CONNECT changes what it names, and keeps the rest
    info.verbose = verbose_;
    info.pedantic = pedantic_;
    info.echo = echo_;
    info.headers = headers_;
    info.no_responders = no_responders_;
    info.protocol = protocol_;
  }
  const absl::Status parsed = proto::ParseConnect(text, info);
  if (!parsed.ok()) {
    Log(LogLevel::kError, std::string(parsed.message()));
    return Close(CloseReason::kProtocolViolation);
  }
  if (connected_) {
    context_.drain_inbound();
    DropSubscriptions();
  }
  verbose_ = info.verbose;
  pedantic_ = info.pedantic;
  echo_ = info.echo;
  headers_ = info.headers && context_.facts->options.headers;
  no_responders_ = info.no_responders;
  const bool accepted = AcceptConnect(info);
  if (accepted) protocol_ = static_cast<uint8_t>(info.protocol);
  if (!connected_) {
    Remember(info);
    round_trip_ns_ = RoundTripSince(start_ns_);
  }
  connected_ = true;
  if (accepted && verbose_) SendOk();
}

bool ClientSession::AcceptConnect(const proto::ConnectInfo& info) {
  if (info.new_account || !info.account.empty()) {
    Log(LogLevel::kError, "authentication error");
    SendError("Authorization Violation");
    Close(CloseReason::kAuthenticationFailure);
    return false;
  }
  if (info.protocol < 0 || info.protocol > 1) {
    SendError("invalid client protocol");
    Log(LogLevel::kError, "invalid client protocol");
    Close(CloseReason::kBadClientProtocolVersion);
    return false;
  }
  if (no_responders_ && !headers_) {
    SendError("no responders requires headers support");
    Log(LogLevel::kError, "no responders requires headers support");
    Close(CloseReason::kNoRespondersRequiresHeaders);
    return false;
  }
  return true;
}

void ClientSession::Remember(const proto::ConnectInfo& info) {
  Identity identity = {info.version, info.lang, info.name, Label(info), User(info)};
  if (identity.version.empty() && identity.lang.empty() && identity.name.empty() &&
      identity.label.empty()) {
    return;
  }
  identity_ = std::make_unique<Identity>(std::move(identity));
}

void ClientSession::OnPing() {
  if (Logs(LogLevel::kTrace)) TraceIn("PING", {});
  last_input_ms_ = context_.timers.now();
  // PONG promises that what others published before it came has been put on its way to this client.
  context_.drain_inbound();
  if (Logs(LogLevel::kTrace)) TraceOut("PONG");
  SendLine("PONG\r\n");

  if (!connected_ || first_pong_sent_) return;
  first_pong_sent_ = true;
  if (protocol_ < 1) return;
  std::string info;
  context_.facts->connect_info.Append(id_, peer_.ip, {}, info);
  SendLine(info);
}

void ClientSession::OnPong() {
  if (Logs(LogLevel::kTrace)) TraceIn("PONG", {});
  pings_out_ = 0;
  if (ping_sent_ns_ != 0) round_trip_ns_ = RoundTripSince(std::exchange(ping_sent_ns_, 0));
}

// At least a nanosecond: it has been measured.
uint64_t ClientSession::RoundTripSince(uint64_t begin_ns) const {
  return std::max<uint64_t>(1, context_.now_ns - begin_ns);
}

void ClientSession::OnInfo(std::string_view text) {
  if (Logs(LogLevel::kTrace)) TraceIn("INFO", text);
  // A client has no business to send one; a sound one is ignored.
  const auto kind = json::ReadObject(text, [](std::string_view, const json::Value&) {});
  if (kind.ok() && (*kind == json::Kind::kObject || *kind == json::Kind::kNull)) return;
  Log(LogLevel::kError, kind.ok() ? "json: cannot unmarshal " + std::string(KindName(*kind)) +
                                        " into Go value of type server.Info"
                                  : std::string(kind.status().message()));
  Close(CloseReason::kProtocolViolation);
}

void ClientSession::OnPeerError(std::string_view text) {
  Log(LogLevel::kError, "Client Error " + std::string(text));
  Close(CloseReason::kParseError);
}

// Source: spec client-protocol.md sections 1, 2: which faults are told to the client, and which
// only to the log.
void ClientSession::OnParseError() {
  const proto::ErrorDetail& detail = parser_.error();
  const std::string input = GoQuote(detail.input.substr(0, 512));
  switch (detail.error) {
    case ParseError::kUnknownOperation: {
      constexpr size_t kSnippetBytes = 32;
      std::string_view snippet = detail.input.substr(0, kSnippetBytes);
      // The reference leaves out the last byte of a snippet that reaches the end of the input.
      if (snippet.size() < kSnippetBytes && !snippet.empty()) snippet.remove_suffix(1);
      SendError("Unknown Protocol Operation");
      Log(LogLevel::kError, "Client parser ERROR, state=" + std::to_string(detail.state) +
                                ", i=" + std::to_string(detail.offset) + ": proto='" +
                                GoQuote(snippet) + "...'");
      return Close(CloseReason::kProtocolViolation);
    }
    case ParseError::kControlLine:
      SendError("maximum control line exceeded");
      Log(LogLevel::kError, "maximum control line exceeded");
      return Close(CloseReason::kMaximumControlLineExceeded);
    case ParseError::kPayloadSize:
      Log(LogLevel::kError, "maximum payload exceeded: " + std::to_string(detail.announced_bytes) +
                                " vs " + std::to_string(context_.facts->options.max_payload_bytes));
      SendError("Maximum Payload Violation");
      return Close(CloseReason::kMaximumMessagePayloadExceeded);
    case ParseError::kHeadersNotSupported:
      Log(LogLevel::kError, "message headers not supported");
      return Close(CloseReason::kProtocolViolation);
    default:
      Log(LogLevel::kError, std::string(LogText(detail.error)) + input);
      return Close(CloseReason::kProtocolViolation);
  }
}

void ClientSession::ArmFirstPing() {
  uint64_t delay = std::min(ToMs(context_.facts->options.ping_interval), kFirstPingMaxMs);
  delay += context_.random.Below(static_cast<uint32_t>(std::max<uint64_t>(1, delay / 5)));
  context_.timers.Arm(ping_timer_, delay);
}

// Source: reference processPingTimer.
void ClientSession::OnPingTimer() {
  const Options& options = context_.facts->options;
  const uint64_t interval = ToMs(options.ping_interval);
  const uint64_t now = context_.timers.now();
  if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, "Client Ping Timer");

  const bool measure = ping_sent_ms_ == 0 || now - ping_sent_ms_ > kMeasureRoundTripMs;
  if (!measure && now - last_input_ms_ < interval) {
    if (Logs(LogLevel::kDebug)) {
      const auto seconds = std::chrono::seconds((now - last_input_ms_ + 500) / 1000);
      Log(LogLevel::kDebug,
          "Delaying PING due to remote client data or ping " + base::GoDuration(seconds) + " ago");
    }
  } else if (pings_out_ + 1 > options.ping_max) {
    if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, "Stale Client Connection - Closing");
    SendLine("-ERR 'Stale Connection'\r\n");
    context_.stats.stale_connections.Add();
    return Close(CloseReason::kStaleConnection);
  } else {
    ++pings_out_;
    ping_sent_ms_ = now;
    ping_sent_ns_ = context_.now_ns;
    if (Logs(LogLevel::kTrace)) TraceOut("PING");
    SendLine("PING\r\n");
  }
  context_.timers.Arm(ping_timer_, interval);
}

}  // namespace martlet::session
