#include "proto/control_line.h"

namespace martlet::proto {

ReadResult ReadArgument(std::string_view in, const VerbForm& verb, size_t argument_bytes_max,
                        ControlLine& line) {
  const std::string_view rest = in.substr(verb.text.size());
  if (verb.blank_needed && !rest.empty() && !IsBlank(rest.front())) {
    line = {.argument = rest, .state = verb.StateAfter(verb.text.size())};
    return ReadResult::kUnknownOperation;
  }
  const size_t newline = rest.find('\n');
  if (verb.junk_allowed) {
    line.argument = {};
  } else {
    line.argument = rest.substr(0, newline);
    while (!line.argument.empty() && IsBlank(line.argument.front())) {
      line.argument.remove_prefix(1);
    }
    if (line.argument.ends_with('\r')) line.argument.remove_suffix(1);
    if (line.argument.size() > argument_bytes_max) return ReadResult::kTooLong;
  }
  if (newline == rest.npos) return ReadResult::kMore;
  line.end = verb.text.size() + newline + 1;
  return ReadResult::kDone;
}

std::string_view CompactLine(std::string_view pending, const VerbForm& verb) {
  if (verb.junk_allowed) return pending.substr(0, verb.text.size());
  const std::string_view rest = pending.substr(verb.text.size());
  if (!rest.empty() && std::all_of(rest.begin(), rest.end(), IsBlank)) {
    return pending.substr(0, verb.text.size() + 1);
  }
  return pending;
}

ReadResult ReadPayload(std::string_view in, uint32_t payload_bytes, ControlLine& line,
                       std::string_view& payload) {
  constexpr int kStateMessageEnd = 41;  // the byte after the payload must be CR
  const size_t end = line.end + payload_bytes;
  const bool has_return = in.size() > end;
  const bool has_newline = in.size() > end + 1;
  if (has_return && in[end] != '\r') {
    line = {.argument = in.substr(end), .state = kStateMessageEnd};
    return ReadResult::kUnknownOperation;
  }
  if (has_newline && in[end + 1] != '\n') {
    line = {.argument = in.substr(end + 1), .state = kStateMessageEnd + 1};
    return ReadResult::kUnknownOperation;
  }
  payload = in.substr(line.end, payload_bytes);
  line.end = end + 2;
  return has_newline ? ReadResult::kDone : ReadResult::kMore;
}

}  // namespace martlet::proto
