// What a client's operations look like in the protocol trace (spec monitoring-and-logs.md section
// 4).
#include <algorithm>
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

// Of the header block, where that is all to be traced, the empty line at its end is left out.
void ClientSession::TracePayload(std::string_view direction, std::string_view payload,
                                 size_t header_bytes) const {
  const Options& options = context_.facts->options;
  if (options.trace_headers) {
    constexpr size_t kEmptyLine = 4;
    payload = payload.substr(0, header_bytes > kEmptyLine ? header_bytes - kEmptyLine : 0);
  }
  if (payload.empty()) return;
  std::string text = std::string(direction) + "MSG_PAYLOAD: [";
  const auto shown = static_cast<size_t>(std::max(options.max_traced_msg_len, 0));
  if (shown > 0 && payload.size() > shown) {
    text += base::GoQuote(payload.substr(0, shown));
    text.insert(text.size() - 1, "...");
  } else {
    text += base::GoQuote(payload);
  }
  Log(LogLevel::kTrace, text + "]");
}

void ClientSession::TraceOut(std::string_view text) const {
  Log(LogLevel::kTrace, "->> [" + std::string(text) + "]");
}

void ClientSession::TraceDelivery(const Subscription& subscription, const Message& message) const {
  TraceOut(MessageLine(message, subscription.sid(), headers_));
  const bool stripped = message.header_bytes > 0 && !headers_;
  TracePayload("->> ", message.payload.substr(stripped ? message.header_bytes : 0),
               stripped ? 0 : message.header_bytes);
}

}  // namespace martlet::session
