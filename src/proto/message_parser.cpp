#include "proto/message_parser.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/go_text.h"

namespace martlet::proto {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

bool ParseSize(std::string_view text, size_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

/// Blank-separated words of `line`, at most as many as `words` holds; more give SIZE_MAX.
template <size_t N>
size_t Split(std::string_view line, std::array<std::string_view, N>& words) {
  size_t count = 0;
  size_t at = 0;
  while (true) {
    while (at < line.size() && (line[at] == ' ' || line[at] == '\t')) ++at;
    if (at == line.size()) return count;
    if (count == N) return SIZE_MAX;
    size_t end = at;
    while (end < line.size() && line[end] != ' ' && line[end] != '\t') ++end;
    words[count++] = line.substr(at, end - at);
    at = end;
  }
}

std::string_view WithoutLineEnd(std::string_view line) {
  line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view AfterVerb(std::string_view line, size_t verb_bytes) {
  line.remove_prefix(verb_bytes);
  const size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  return line.substr(0, line.find_last_not_of(" \t") + 1);
}

}  // namespace

MessageParser::Result MessageParser::NextSlow(Message& message) {
  if (!error_.empty()) return Result::kError;
  if (held_used_) {
    held_.clear();
    held_used_ = false;
    if (TakeRepeated(message)) return Result::kMessage;
  }
  if (!held_.empty()) return TakeHeld(message);
  Cut cut;
  if (!ParseOne(in_, message, cut)) return Result::kError;
  if (cut.used == 0) {
    wanted_ = cut.wanted;
    return Result::kNeedMore;
  }
  in_.remove_prefix(cut.used);
  return Result::kMessage;
}

/// An operation that began in an earlier chunk: only what it still lacks is copied to it.
MessageParser::Result MessageParser::TakeHeld(Message& message) {
  while (!in_.empty()) {
    size_t lacks = in_.size();
    if (wanted_ > held_.size()) {
      lacks = wanted_ - held_.size();
    } else if (const size_t newline = in_.find('\n'); newline != std::string_view::npos) {
      lacks = newline + 1;
    }
    const size_t bytes = std::min(lacks, in_.size());
    held_.append(in_.substr(0, bytes));
    in_.remove_prefix(bytes);
    if (wanted_ > held_.size()) return Result::kNeedMore;
    Cut cut;
    if (!ParseOne(held_, message, cut)) return Result::kError;
    if (cut.used > 0) {
      held_used_ = true;
      wanted_ = 0;
      return Result::kMessage;
    }
    wanted_ = cut.wanted;
  }
  return Result::kNeedMore;
}

void MessageParser::Save() {
  if (held_used_) {
    held_.clear();
    held_used_ = false;
  }
  if (wanted_ > held_.size() + in_.size()) held_.reserve(wanted_);
  held_.append(in_);
  in_ = {};
  // One large message must not keep its memory for ever.
  if (held_.empty() && held_.capacity() > kLineBytesMax) held_.shrink_to_fit();
}

bool MessageParser::ParseOne(std::string_view in, Message& message, Cut& cut) {
  const size_t newline = in.find('\n');
  if (std::min(newline, in.size()) > kLineBytesMax) return Fail("control line too long", in);
  if (newline == std::string_view::npos) return true;
  const std::string_view line = WithoutLineEnd(in.substr(0, newline + 1));
  message = {};
  if (line.starts_with("MSG ") || line.starts_with("HMSG ")) {
    return ParseMessage(in, line, message, cut);
  }
  cut.used = newline + 1;
  return ParseControl(line, message);
}

bool MessageParser::ParseMessage(std::string_view in, std::string_view line, Message& message,
                                 Cut& cut) {
  const bool has_headers = line.front() == 'H';
  const size_t sizes = has_headers ? 2 : 1;
  std::array<std::string_view, 6> words;
  const size_t count = Split(line, words) - 1;
  if (count != 2 + sizes && count != 3 + sizes) return Fail("malformed message line", line);
  size_t header_bytes = 0;
  size_t total_bytes = 0;
  if ((has_headers && !ParseSize(words[count - 1], header_bytes)) ||
      !ParseSize(words[count], total_bytes) || header_bytes > total_bytes ||
      total_bytes > kMessageBytesMax) {
    return Fail("malformed message size", line);
  }
  const size_t line_bytes = in.find('\n') + 1;
  cut.wanted = line_bytes + total_bytes + kLineEnd.size();
  if (in.size() < cut.wanted) return true;
  if (in.substr(cut.wanted - kLineEnd.size(), kLineEnd.size()) != kLineEnd) {
    return Fail("message without line end", line);
  }
  cut.used = cut.wanted;
  message.op = has_headers ? ServerOp::kHmsg : ServerOp::kMsg;
  message.subject = words[1];
  message.sid = words[2];
  if (count == 3 + sizes) message.reply = words[3];
  message.headers = in.substr(line_bytes, header_bytes);
  message.payload = in.substr(line_bytes + header_bytes, total_bytes - header_bytes);
  if (!has_headers) Remember(in, line_bytes, message);
  return true;
}

bool MessageParser::ParseControl(std::string_view line, Message& message) {
  if (line == "PING") {
    message.op = ServerOp::kPing;
  } else if (line == "PONG") {
    message.op = ServerOp::kPong;
  } else if (line == "+OK") {
    message.op = ServerOp::kOk;
  } else if (line.starts_with("INFO ")) {
    message.op = ServerOp::kInfo;
    message.text = AfterVerb(line, 4);
  } else if (line.starts_with("-ERR")) {
    message.op = ServerOp::kErr;
    message.text = AfterVerb(line, 4);
    if (message.text.size() >= 2 && message.text.front() == '\'' && message.text.back() == '\'') {
      message.text = message.text.substr(1, message.text.size() - 2);
    }
  } else {
    return Fail("unknown operation", line);
  }
  return true;
}

void MessageParser::Remember(std::string_view in, size_t line_bytes, const Message& message) {
  repeat_.line_bytes = 0;
  if (line_bytes > Repeat::kBytesMax) return;
  std::memcpy(repeat_.line, in.data(), line_bytes);
  const auto moved = [&](std::string_view part) {
    return part.empty() ? part
                        : std::string_view(repeat_.line + (part.data() - in.data()), part.size());
  };
  repeat_.subject = moved(message.subject);
  repeat_.sid = moved(message.sid);
  repeat_.reply = moved(message.reply);
  repeat_.payload_bytes = message.payload.size();
  repeat_.line_bytes = line_bytes;
}

bool MessageParser::Fail(std::string_view why, std::string_view near) {
  constexpr size_t kShownBytes = 80;
  repeat_.line_bytes = 0;
  error_ = std::string(why) + ": " + base::GoQuote(near.substr(0, kShownBytes));
  return false;
}

}  // namespace martlet::proto
