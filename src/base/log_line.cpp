#include "base/log_line.h"

#include <algorithm>
#include <cstdio>
#include <string>
#include <unistd.h>

#include "base/go_text.h"

namespace martlet::base {
namespace {

// Indexed by LogLevel. The colours are the reference's.
constexpr const char* kPlainLabels[] = {"[INF] ", "[DBG] ", "[WRN] ", "[ERR] ", "[FTL] ", "[TRC] "};
constexpr const char* kColouredLabels[] = {"[\x1b[32mINF\x1b[0m] ",   "[\x1b[36mDBG\x1b[0m] ",
                                           "[\x1b[0;93mWRN\x1b[0m] ", "[\x1b[31mERR\x1b[0m] ",
                                           "[\x1b[31mFTL\x1b[0m] ",   "[\x1b[33mTRC\x1b[0m] "};
constexpr const char* kJsonLevels[] = {"info", "debug", "warn", "error", "fatal", "trace"};

constexpr const char* kTextClock = "%Y/%m/%d %H:%M:%S";

std::string_view WithoutNewline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

// The strings of json/writer escape `<` and `>`, as Go does for the sake of browsers; a trace full
// of
// `<<-` and `->>` should stay readable.
void AppendJsonString(std::string_view text, std::string& out) {
  constexpr std::string_view kShortCodes = "\"\\\b\f\n\r\t";
  constexpr std::string_view kShortNames = "\"\\bfnrt";
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  out += '"';
  while (true) {
    const auto plain =
        static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;

    const Rune rune = DecodeRune(text);
    const char c = text[0];
    if (rune.bytes == 1 && rune.code == kBadRune) {
      out += "\\ufffd";
    } else if (const size_t at = kShortCodes.find(c); at != kShortCodes.npos) {
      out += '\\';
      out += kShortNames[at];
    } else if (static_cast<unsigned char>(c) < 0x20 || c == '\x7f') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += text.substr(0, rune.bytes);
    }
    text.remove_prefix(rune.bytes);
  }
  out += '"';
}

}  // namespace

std::string_view ClockText::At(time_t second) {
  if (second != second_ || bytes_ == 0) {
    tm parts{};
    utc_ ? ::gmtime_r(&second, &parts) : ::localtime_r(&second, &parts);
    bytes_ = ::strftime(text_, sizeof text_, format_, &parts);
    second_ = second;
  }
  return {text_, bytes_};
}

JsonLines::JsonLines() : pid_(std::to_string(::getpid())) {}

void JsonLines::Append(const LogLine& line, std::string& out) {
  char fraction[32];
  std::snprintf(fraction, sizeof fraction, ".%09ldZ", line.at.tv_nsec);
  out += "{\"time\":\"";
  out += clock_.At(line.at.tv_sec);
  out += fraction;
  out += "\",\"level\":\"";
  out += kJsonLevels[static_cast<size_t>(line.level)];
  out += "\",\"pid\":";
  out += pid_;
  out += ",\"msg\":";
  AppendJsonString(WithoutNewline(line.text), out);
  out += "}\n";
}

LineFormatter::LineFormatter(const LineStyle& style)
    : style_(style),
      pid_prefix_("[" + std::to_string(::getpid()) + "] "),
      clock_(kTextClock, style.utc),
      local_clock_(kTextClock, false) {}

void LineFormatter::Append(const LogLine& line, std::string& out) {
  if (style_.format == LogFormat::kJson) return json_.Append(line, out);
  AppendHead(line, clock_, out);
  out += WithoutNewline(line.text);
  out += '\n';
}

void LineFormatter::AppendNotice(const LogLine& line, std::string& out) {
  if (style_.format == LogFormat::kJson) return json_.Append(line, out);
  AppendHead(line, local_clock_, out);
  out += line.text;
  out += "\r\n";
}

void LineFormatter::AppendHead(const LogLine& line, ClockText& clock, std::string& out) {
  out += pid_prefix_;
  if (style_.timestamps) {
    char micros[32];
    std::snprintf(micros, sizeof micros, ".%06ld ", line.at.tv_nsec / 1000);
    out += clock.At(line.at.tv_sec);
    out += micros;
  }
  out += (style_.colours ? kColouredLabels : kPlainLabels)[static_cast<size_t>(line.level)];
}

}  // namespace martlet::base
