#include "json/writer.h"

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

void Writer::Key(std::string_view name) {
  Comma();
  AppendQuoted(name, out_);
  out_ += ':';
  comma_ = false;
}

void Writer::Value(std::string_view text) {
  Comma();
  AppendQuoted(text, out_);
}

void Writer::Raw(std::string_view value) {
  Comma();
  out_ += value;
}

void Writer::Open(char bracket) {
  Comma();
  out_ += bracket;
  comma_ = false;
}

void Writer::Close(char bracket) {
  out_ += bracket;
  comma_ = true;
}

void Writer::Comma() {
  if (comma_) out_ += ',';
  comma_ = true;
}

}  // namespace martlet::json
