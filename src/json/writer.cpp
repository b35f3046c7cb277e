#include "json/writer.h"

#include <charconv>
#include <cmath>

#include "base/go_text.h"

namespace martlet::json {
namespace {

void AppendUnicodeEscape(uint32_t code, std::string& out) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += "0123456789abcdef"[(code >> shift) & 0xF];
}

bool NeedsNoEscape(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

void AppendEscapedAscii(char c, std::string& out) {
  static constexpr std::string_view kShortCodes = "\"\\\b\f\n\r\t";
  static constexpr std::string_view kShortNames = "\"\\bfnrt";
  const size_t at = kShortCodes.find(c);
  if (at == kShortCodes.npos) {
    AppendUnicodeEscape(static_cast<uint8_t>(c), out);
  } else {
    out += '\\';
    out += kShortNames[at];
  }
}

/// Appends "-d.ddde+dd" without its exponent. The library's own fixed form writes every digit of a
/// large number, Go's only those that tell it from its neighbours.
void AppendFixed(std::string_view scientific, std::string& out) {
  if (scientific.front() == '-') {
    out += '-';
    scientific.remove_prefix(1);
  }
  const size_t mark = scientific.find('e');
  std::string digits(scientific.substr(0, 1));
  if (mark > 2) digits += scientific.substr(2, mark - 2);
  int exponent = 0;
  std::from_chars(scientific.data() + mark + 2, scientific.data() + scientific.size(), exponent);

  const auto shift = static_cast<size_t>(exponent);
  if (scientific[mark + 1] == '-') {
    out += "0." + std::string(shift - 1, '0') + digits;
  } else if (digits.size() <= shift + 1) {
    out += digits + std::string(shift + 1 - digits.size(), '0');
  } else {
    out += digits.substr(0, shift + 1) + "." + digits.substr(shift + 1);
  }
}

}  // namespace

void AppendQuoted(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && NeedsNoEscape(text[plain])) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;

    const base::Rune rune = base::DecodeRune(text);
    if (rune.code < 0x80) {
      AppendEscapedAscii(text[0], out);
    } else if (rune.bytes == 1 || rune.code == 0x2028 || rune.code == 0x2029) {
      AppendUnicodeEscape(rune.code, out);  // one byte here is a bad one
    } else {
      out += text.substr(0, rune.bytes);
    }
    text.remove_prefix(rune.bytes);
  }
  out += '"';
}

void AppendNumber(double number, std::string& out) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  char buffer[32];  // "-d.ddddddddddddddde-ddd" at most
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(end - buffer));
  const double size = std::abs(number);
  if (size == 0 || (size >= 1e-6 && size < 1e21)) {
    AppendFixed(text, out);
  } else if (text.substr(text.size() - 4, 3) == "e-0") {
    out += text.substr(0, text.size() - 2);
    out += text.back();
  } else {
    out += text;
  }
}

void Writer::Key(std::string_view name) {
  BeginItem();
  AppendQuoted(name, out_);
  out_ += layout_ == Layout::kIndented ? ": " : ":";
  after_key_ = true;
}

void Writer::Value(std::string_view text) {
  BeginItem();
  AppendQuoted(text, out_);
}

void Writer::Value(double number) {
  BeginItem();
  AppendNumber(number, out_);
}

void Writer::Raw(std::string_view value) {
  BeginItem();
  out_ += value;
}

void Writer::Open(char bracket) {
  BeginItem();
  out_ += bracket;
  comma_ = false;
  ++depth_;
}

void Writer::Close(char bracket) {
  --depth_;
  if (comma_) BreakLine();  // an empty one closes where it opened
  out_ += bracket;
  comma_ = true;
}

// A member's name, an element, or the value behind a name.
void Writer::BeginItem() {
  if (after_key_) {
    after_key_ = false;
  } else {
    if (comma_) out_ += ',';
    if (depth_ > 0) BreakLine();
  }
  comma_ = true;
}

void Writer::BreakLine() {
  if (layout_ == Layout::kCompact) return;
  out_ += '\n';
  out_.append(2 * depth_, ' ');
}

}  // namespace martlet::json
