#include "base/go_text.h"

#include <cstdio>
#include <cstring>
#include <ctime>
#include <iterator>

#include "base/check.h"

namespace martlet::base {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

// What Go does not print, in ascending order; the last two code points of every plane are added
// by code.
constexpr Range kNotPrintable[] = {
    {0x0000, 0x001F},     // controls
    {0x007F, 0x00A0},     // controls, no-break space
    {0x00AD, 0x00AD},     // soft hyphen
    {0x0600, 0x0605},     // Arabic number signs
    {0x061C, 0x061C},     // Arabic letter mark
    {0x06DD, 0x06DD},     // Arabic end of ayah
    {0x070F, 0x070F},     // Syriac abbreviation mark
    {0x0890, 0x0891},     // Arabic pound and piastre marks
    {0x08E2, 0x08E2},     // Arabic disputed end of ayah
    {0x1680, 0x1680},     // Ogham space
    {0x180E, 0x180E},     // Mongolian vowel separator
    {0x2000, 0x200F},     // spaces, zero-width and direction marks
    {0x2028, 0x202F},     // separators, embeddings, narrow no-break space
    {0x205F, 0x206F},     // mathematical space, invisible operators, isolates
    {0x3000, 0x3000},     // ideographic space
    {0xD800, 0xF8FF},     // surrogates, private use
    {0xFDD0, 0xFDEF},     // non-characters
    {0xFEFF, 0xFEFF},     // byte order mark
    {0xFFF9, 0xFFFB},     // interlinear annotation
    {0x110BD, 0x110BD},   // Kaithi number sign
    {0x110CD, 0x110CD},   // Kaithi number sign above
    {0x13430, 0x1343F},   // Egyptian format controls
    {0x1BCA0, 0x1BCA3},   // shorthand format controls
    {0x1D173, 0x1D17A},   // musical format controls
    {0x40000, 0xE00FF},   // planes without characters, tags
    {0xE01F0, 0x10FFFF},  // the rest of plane 14, private use
};

bool IsPrintable(uint32_t code) {
  if ((code & 0xFFFE) == 0xFFFE) return false;
  for (const Range& range : kNotPrintable) {
    if (code <= range.last) return code < range.first;
  }
  return true;
}

void AppendHex(uint32_t value, int digits, std::string& out) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(value >> shift) & 0xF];
  }
}

void AppendEscaped(uint32_t code, std::string& out) {
  static constexpr std::string_view kShortCodes = "\a\b\f\n\r\t\v";
  static constexpr std::string_view kShortNames = "abfnrtv";
  if (code < 0x20 || code == 0x7F) {
    const size_t at = kShortCodes.find(static_cast<char>(code));
    if (at != kShortCodes.npos) {
      out += '\\';
      out += kShortNames[at];
      return;
    }
    out += "\\x";
    AppendHex(code, 2, out);
  } else if (code < 0x10000) {
    out += "\\u";
    AppendHex(code, 4, out);
  } else {
    out += "\\U";
    AppendHex(code, 8, out);
  }
}

// Bytes of the sequence that `first` opens, 0 for a byte that opens none.
size_t SequenceBytes(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC2) return 0;  // a continuation, or an overlong form
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF5 ? 4 : 0;
}

// Writes `value` with `decimals` digits behind the point, less the zeros at their end.
void AppendFraction(uint64_t value, int decimals, std::string& out) {
  uint64_t unit = 1;
  for (int i = 0; i < decimals; ++i) unit *= 10;
  out += std::to_string(value / unit);
  uint64_t rest = value % unit;
  if (rest == 0) return;
  out += '.';
  while (rest > 0) {
    unit /= 10;
    out += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
}

}  // namespace

Rune DecodeRune(std::string_view text) {
  constexpr Rune kBad{kBadRune, 1};
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const size_t bytes = SequenceBytes(byte(0));
  if (bytes == 1) return {byte(0), 1};
  if (bytes == 0 || bytes > text.size()) return kBad;

  uint32_t code = byte(0) & (0x7FU >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kBad;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[bytes] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return kBad;
  return {code, bytes};
}

void AppendUtf8(uint32_t code, std::string& out) {
  DCHECK(code <= 0x10FFFF);
  const auto tail = [&](unsigned shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string GoQuote(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    if (rune.code == kBadRune && rune.bytes == 1) {
      out += "\\x";
      AppendHex(static_cast<uint8_t>(text[0]), 2, out);
    } else if (rune.code == '"' || rune.code == '\\') {
      out += '\\';
      out += text[0];
    } else if (IsPrintable(rune.code)) {
      out += text.substr(0, rune.bytes);
    } else {
      AppendEscaped(rune.code, out);
    }
    text.remove_prefix(rune.bytes);
  }
  out += '"';
  return out;
}

std::string GoDuration(std::chrono::nanoseconds duration) {
  constexpr uint64_t kSecond = 1'000'000'000;
  const bool negative = duration.count() < 0;
  // In unsigned arithmetic, for the most negative value has no positive twin.
  const uint64_t nanos = negative ? 0 - static_cast<uint64_t>(duration.count())
                                  : static_cast<uint64_t>(duration.count());
  if (nanos == 0) return "0s";

  std::string out = negative ? "-" : "";
  if (nanos < 1'000) {
    out += std::to_string(nanos) + "ns";
  } else if (nanos < 1'000'000) {
    AppendFraction(nanos, 3, out);
    out += "µs";
  } else if (nanos < kSecond) {
    AppendFraction(nanos, 6, out);
    out += "ms";
  } else {
    const uint64_t minutes = nanos / kSecond / 60;
    if (minutes >= 60) out += std::to_string(minutes / 60) + "h";
    if (minutes > 0) out += std::to_string(minutes % 60) + "m";
    AppendFraction(nanos % (60 * kSecond), 9, out);
    out += 's';
  }
  return out;
}

std::string GoTime(int64_t unix_ns, bool utc) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t seconds = unix_ns / kSecond;
  int64_t fraction = unix_ns % kSecond;
  if (fraction < 0) {
    fraction += kSecond;
    --seconds;
  }
  const auto moment = static_cast<time_t>(seconds);
  tm parts{};
  if (utc) {
    gmtime_r(&moment, &parts);
  } else {
    localtime_r(&moment, &parts);
  }
  char buffer[64];
  std::string text(buffer, strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S", &parts));
  if (fraction != 0) {
    std::snprintf(buffer, sizeof buffer, ".%09lld", static_cast<long long>(fraction));
    text += buffer;
    text.resize(text.find_last_not_of('0') + 1);
  }
  const long offset_minutes = parts.tm_gmtoff / 60;
  if (offset_minutes == 0) return text + 'Z';
  const long size = offset_minutes < 0 ? -offset_minutes : offset_minutes;
  std::snprintf(buffer, sizeof buffer, "%c%02ld:%02ld", offset_minutes < 0 ? '-' : '+', size / 60,
                size % 60);
  return text + buffer;
}

std::string GoErrno(int error) {
  char buffer[128];
  std::string text = ::strerror_r(error, buffer, sizeof(buffer));  // GNU's: returns the text
  if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') {
    text[0] = static_cast<char>(text[0] - 'A' + 'a');
  }
  return text;
}

}  // namespace martlet::base
