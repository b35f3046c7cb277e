// The control line of a plain PUB, found with a few instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace martlet::proto {

/// The parts of `PUB <subject> [reply] <size>`.
struct PubLine {
  std::string_view argument;  // everything between verb and line end
  std::string_view subject;
  std::string_view reply;  // empty: none
  std::string_view size;
  uint32_t payload_bytes = 0;
  size_t bytes = 0;  // of the line, with its end
};

/// Reads the line at the front of `in` when it is in the form that client libraries write: verb in
/// capitals, one blank between the parts, CR LF, at most 64 bytes. False says nothing about the
/// line: it may be incomplete, wrong, or sound in another form.
bool ScanPubLine(std::string_view in, PubLine& line);

}  // namespace martlet::proto
