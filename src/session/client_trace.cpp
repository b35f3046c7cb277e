// What a client's operations look like in the protocol trace (spec monitoring-and-logs.md section
// 4).
#include <string>

#include "base/go_text.h"
#include "session/client_session.h"
#include "session/message_writer.h"

namespace martlet::session {

using base::LogLevel;

void ClientSession::TraceIn(std::string_view verb, std::string_view argument) const {
  std::string text = "<<- [" + std::string(verb);
  if (!argument.empty()) text += " " + std::string(argument);
  Log(LogLevel::kTrace, text + "]");
}

void ClientSession::TracePayload(std::string_view direction, std::string_view payload) const {
  if (payload.empty()) return;
  Log(LogLevel::kTrace, std::string(direction) + "MSG_PAYLOAD: [" + base::GoQuote(payload) + "]");
}

void ClientSession::TraceOut(std::string_view text) const {
  Log(LogLevel::kTrace, "->> [" + std::string(text) + "]");
}

void ClientSession::TraceDelivery(const Subscription& subscription, const Message& message) const {
  TraceOut(MessageLine(message, subscription.sid(), headers_));
  const bool stripped = message.header_bytes > 0 && !headers_;
  TracePayload("->> ", message.payload.substr(stripped ? message.header_bytes : 0));
}

}  // namespace martlet::session
