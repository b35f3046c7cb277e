#include "json/reader.h"

#include <charconv>
#include <string>

#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include "base/go_text.h"

namespace martlet::json {
namespace {

using base::DecodeRune;
using base::kBadRune;
using base::Rune;

// Decoded text with every byte that is no UTF-8 replaced; `text` itself where there is none.
std::string_view RepairUtf8(std::string_view text, std::string& scratch) {
  size_t good = 0;
  const auto is_good = [](const Rune& rune) { return rune.code != kBadRune || rune.bytes != 1; };
  while (good < text.size()) {
    const Rune rune = DecodeRune(text.substr(good));
    if (!is_good(rune)) break;
    good += rune.bytes;
  }
  if (good == text.size()) return text;

  scratch.assign(text.substr(0, good));
  for (text.remove_prefix(good); !text.empty();) {
    const Rune rune = DecodeRune(text);
    base::AppendUtf8(rune.code, scratch);
    text.remove_prefix(rune.bytes);
  }
  return scratch;
}

// The code unit of a \uXXXX escape at the front of `text`.
std::optional<unsigned> ReadUnicodeEscape(std::string_view text) {
  if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
  unsigned unit = 0;
  const char* end = text.data() + 6;
  const auto result = std::from_chars(text.data() + 2, end, unit, 16);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return unit;
}

// RapidJSON refuses a lone high surrogate and passes on a lone low one; Go reads both as U+FFFD.
// The replacement has the same length, so offsets stay true.
std::string_view RepairSurrogates(std::string_view text, std::string& scratch) {
  if (text.find("\\u") == text.npos) return text;
  scratch.assign(text);
  for (size_t at = 0; (at = scratch.find('\\', at)) != scratch.npos;) {
    const std::string_view rest = std::string_view(scratch).substr(at);
    const std::optional<unsigned> unit = ReadUnicodeEscape(rest);
    if (!unit) {
      at += 2;  // some other escape, or a bad one that the parser will find
      continue;
    }
    const bool high = *unit >= 0xD800 && *unit <= 0xDBFF;
    const bool low = *unit >= 0xDC00 && *unit <= 0xDFFF;
    const std::optional<unsigned> next =
        high ? ReadUnicodeEscape(rest.substr(6)) : std::optional<unsigned>();
    if (next && *next >= 0xDC00 && *next <= 0xDFFF) {
      at += 12;
      continue;
    }
    if (high || low) scratch.replace(at, 6, "\\ufffd");
    at += 6;
  }
  return scratch;
}

// Receives RapidJSON's events, keeps track of depth, and tells the visitor about depth 1.
class Handler {
 public:
  Handler(std::string_view text, const rapidjson::MemoryStream& stream, MemberVisitor visit)
      : text_(text), stream_(stream), visit_(visit) {}

  Kind root() const { return root_; }

  bool Null() { return Scalar({.kind = Kind::kNull}); }
  bool Bool(bool value) { return Scalar({.kind = Kind::kBool, .boolean = value}); }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) {
    return Scalar({.kind = Kind::kNumber, .text = {text, size}});
  }
  bool String(const char* text, rapidjson::SizeType size, bool) {
    return Scalar({.kind = Kind::kString, .text = RepairUtf8({text, size}, value_scratch_)});
  }
  bool Key(const char* text, rapidjson::SizeType size, bool) {
    if (depth_ == 1) name_ = RepairUtf8({text, size}, name_scratch_);
    return true;
  }
  bool StartObject() { return Open(Kind::kObject); }
  bool StartArray() { return Open(Kind::kArray); }
  bool EndObject(rapidjson::SizeType) { return Close(Kind::kObject); }
  bool EndArray(rapidjson::SizeType) { return Close(Kind::kArray); }

  // All numbers come as text, so these are never called.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  bool Scalar(const Value& value) {
    if (depth_ == 0) root_ = value.kind;
    if (depth_ == 1 && root_ == Kind::kObject) visit_(name_, value);
    return true;
  }

  // Called with the stream at the opening bracket, Close with it at the closing one.
  bool Open(Kind kind) {
    if (depth_ == kDepthMax) return false;
    if (depth_ == 0) root_ = kind;
    if (depth_ == 1) nested_at_ = stream_.Tell();
    ++depth_;
    return true;
  }

  bool Close(Kind kind) {
    --depth_;
    if (depth_ == 1 && root_ == Kind::kObject) {
      visit_(name_,
             {.kind = kind, .text = text_.substr(nested_at_, stream_.Tell() + 1 - nested_at_)});
    }
    return true;
  }

  const std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  MemberVisitor visit_;
  Kind root_ = Kind::kNull;
  size_t depth_ = 0;
  size_t nested_at_ = 0;
  std::string name_;
  std::string name_scratch_;
  std::string value_scratch_;
};

// Go's quoteChar: the byte as if it were a rune, as in a Go source text.
std::string QuoteChar(char c) {
  if (c == '\'') return "'\\''";
  if (c == '"') return "'\"'";
  std::string rune;
  base::AppendUtf8(static_cast<uint8_t>(c), rune);
  std::string quoted = base::GoQuote(rune);
  quoted.front() = quoted.back() = '\'';
  return quoted;
}

// "in literal true (expecting 'e')" where a part of a literal ends at `at`, else empty.
std::string InLiteral(std::string_view text, size_t at) {
  for (const std::string_view literal : {"true", "false", "null"}) {
    for (size_t size = literal.size() - 1; size > 0; --size) {
      if (text.substr(0, at).ends_with(literal.substr(0, size))) {
        return "in literal " + std::string(literal) + " (expecting " + QuoteChar(literal[size]) +
               ")";
      }
    }
  }
  return "";
}

// An error in Go's words: which character, and in the middle of what.
struct Complaint {
  size_t at;
  std::string context;
  bool in_word = false;  // Go ends a literal or number that the text cuts off with a blank
};

Complaint Describe(rapidjson::ParseErrorCode code, std::string_view text, size_t at) {
  switch (code) {
    case rapidjson::kParseErrorDocumentRootNotSingular:
      return {at, "after top-level value"};
    case rapidjson::kParseErrorObjectMissName:
      return {at, "looking for beginning of object key string"};
    case rapidjson::kParseErrorObjectMissColon:
      return {at, "after object key"};
    case rapidjson::kParseErrorObjectMissCommaOrCurlyBracket:
      return {at, "after object key:value pair"};
    case rapidjson::kParseErrorArrayMissCommaOrSquareBracket:
      return {at, "after array element"};
    case rapidjson::kParseErrorStringEscapeInvalid:  // bad controls come under this name, too
      if (text[at] != '\\') return {at, "in string literal"};
      return {at + 1, "in string escape code"};
    case rapidjson::kParseErrorStringUnicodeEscapeInvalidHex:
      at = text.find_first_not_of("0123456789abcdefABCDEF", at + 2);
      return {at, "in \\u hexadecimal character escape"};
    case rapidjson::kParseErrorStringMissQuotationMark:
    case rapidjson::kParseErrorStringInvalidEncoding:
      return {at, "in string literal"};
    case rapidjson::kParseErrorNumberMissFraction:
      return {at, "after decimal point in numeric literal", true};
    case rapidjson::kParseErrorNumberMissExponent:
      return {at, "in exponent of numeric literal", true};
    case rapidjson::kParseErrorTermination:
      return {at, "exceeded max depth"};
    default:
      break;
  }
  if (at > 0 && text[at - 1] == '-') return {at, "in numeric literal", true};
  if (std::string literal = InLiteral(text, at); !literal.empty()) return {at, literal, true};
  return {at, "looking for beginning of value"};
}

absl::Status Error(rapidjson::ParseErrorCode code, std::string_view text, size_t at) {
  if (code == rapidjson::kParseErrorNumberTooBig) {
    return absl::InvalidArgumentError("number out of range");
  }
  const Complaint complaint = Describe(code, text, at);
  const bool at_end = complaint.at >= text.size();
  if (at_end && !complaint.in_word) {
    return absl::InvalidArgumentError("unexpected end of JSON input");
  }
  return absl::InvalidArgumentError("invalid character " +
                                    QuoteChar(at_end ? ' ' : text[complaint.at]) + " " +
                                    complaint.context);
}

}  // namespace

std::string_view KindName(Kind kind) {
  constexpr std::string_view kNames[] = {"null", "bool", "number", "string", "array", "object"};
  return kNames[static_cast<size_t>(kind)];
}

std::optional<int64_t> Value::AsInt() const {
  if (kind != Kind::kNumber) return std::nullopt;
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

absl::StatusOr<Kind> ReadObject(std::string_view text, MemberVisitor visit) {
  std::string scratch;
  text = RepairSurrogates(text, scratch);
  rapidjson::MemoryStream stream(text.data(), text.size());
  Handler handler(text, stream, visit);
  rapidjson::Reader reader;
  constexpr unsigned kFlags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseNumbersAsStringsFlag;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, handler);
  if (result.IsError()) return Error(result.Code(), text, result.Offset());
  // RapidJSON takes a NUL for the end of the text.
  if (stream.Tell() < text.size()) {
    return Error(rapidjson::kParseErrorDocumentRootNotSingular, text, stream.Tell());
  }
  return handler.root();
}

bool NameMatches(std::string_view name, std::string_view field) {
  for (const char expected : field) {
    if (name.empty()) return false;
    const char c = name[0] >= 'A' && name[0] <= 'Z' ? static_cast<char>(name[0] + 32) : name[0];
    if (c == expected) {
      name.remove_prefix(1);
    } else if (expected == 's' && name.starts_with("\u017F")) {
      name.remove_prefix(2);
    } else if (expected == 'k' && name.starts_with("\u212A")) {
      name.remove_prefix(3);
    } else {
      return false;
    }
  }
  return name.empty();
}

}  // namespace martlet::json
