// The form that the lines of all NATS protocols share: verb, argument text, line end, payload.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace martlet::proto {

inline bool IsBlank(char c) { return c == ' ' || c == '\t'; }

/// Takes the next part off the front of `text`: parts are divided by blanks and, where that is
/// asked for, by CR. Empty when there is none left.
template <bool kSplitAtCr>
std::string_view TakePart(std::string_view& text) {
  const auto separates = [](char c) { return IsBlank(c) || (kSplitAtCr && c == '\r'); };
  size_t begin = 0;
  while (begin < text.size() && separates(text[begin])) ++begin;
  size_t end = begin;
  while (end < text.size() && !separates(text[end])) ++end;
  const std::string_view part = text.substr(begin, end - begin);
  text.remove_prefix(end);
  return part;
}

/// One to nine digits; leading zeros are fine, signs are not. False leaves any number in `value`.
inline bool ReadSize(std::string_view text, uint32_t& value) {
  if (text.empty() || text.size() > 9) return false;
  value = 0;
  for (const char c : text) {
    const auto digit = static_cast<uint32_t>(c - '0');
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  return true;
}

/// How a verb is written, and how its line goes on.
struct VerbForm {
  std::string_view text;               // upper case
  std::array<uint8_t, 7> states = {};  // the reference parser's state after each letter
  bool blank_needed = false;           // at least one blank must follow
  bool junk_allowed = false;           // everything up to the line end is ignored

  /// How many leading bytes of `in` agree with the verb.
  size_t MatchedBytes(std::string_view in) const {
    const auto upper = [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    };
    const size_t limit = std::min(in.size(), text.size());
    size_t matched = 0;
    while (matched < limit && upper(in[matched]) == text[matched]) ++matched;
    return matched;
  }
  int StateAfter(size_t letters) const { return letters == 0 ? 0 : states[letters - 1]; }
};

/// A verb of one protocol, `Kind` its operations.
template <typename Kind>
struct Verb : VerbForm {
  Kind kind;
};

enum class ReadResult : uint8_t { kDone, kMore, kUnknownOperation, kTooLong };

/// What a control line says behind its verb; or of a fault, where it is.
struct ControlLine {
  std::string_view argument;  // a fault: the input from the offending byte on, or what is too long
  size_t end = 0;             // offset just behind the LF
  int state = 0;              // kUnknownOperation: the reference parser's state
};

/// Reads what stands behind the verb at the front of `in`.
ReadResult ReadArgument(std::string_view in, const VerbForm& verb, size_t argument_bytes_max,
                        ControlLine& line);

/// Finds verb, argument text and line end. A byte that cannot continue any verb fails at once,
/// before the line is complete.
template <typename Kind, size_t kCount>
ReadResult ReadControlLine(std::string_view in, const std::array<Verb<Kind>, kCount>& verbs,
                           size_t argument_bytes_max, Kind& kind, ControlLine& line) {
  size_t best = 0;
  const VerbForm* nearest = &verbs[0];
  for (const Verb<Kind>& verb : verbs) {
    const size_t matched = verb.MatchedBytes(in);
    if (matched == verb.text.size()) {
      kind = verb.kind;
      return ReadArgument(in, verb, argument_bytes_max, line);
    }
    if (matched > best) {
      best = matched;
      nearest = &verb;
    }
  }
  if (best == in.size()) return ReadResult::kMore;
  line = {.argument = in.substr(best), .state = nearest->StateAfter(best)};
  return ReadResult::kUnknownOperation;
}

/// What must be kept of a line that has no end yet, its verb being `verb`: junk is ignored anyway,
/// and of the blanks behind a verb one is enough.
std::string_view CompactLine(std::string_view pending, const VerbForm& verb);

template <typename Kind, size_t kCount>
std::string_view CompactLine(std::string_view pending,
                             const std::array<Verb<Kind>, kCount>& verbs) {
  if (pending.find('\n') != pending.npos) return pending;
  for (const Verb<Kind>& verb : verbs) {
    if (verb.MatchedBytes(pending) == verb.text.size()) return CompactLine(pending, verb);
  }
  return pending;
}

/// Reads the payload behind a control line and its CR LF; a wrong byte there fails as soon as it
/// is there. kMore sets `end` to what the whole operation needs.
ReadResult ReadPayload(std::string_view in, uint32_t payload_bytes, ControlLine& line,
                       std::string_view& payload);

}  // namespace martlet::proto
