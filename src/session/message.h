// A published message on its way to subscribers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "subject/filter.h"

namespace martlet::session {

/// Views of one message, or of a run: several in a row from one publisher that differ only in the
/// bytes of their payloads. Whoever hands it on says how long the views last. Two bytes behind each
/// payload are CR LF in memory.
struct Message {
  subject::AccountId account = subject::kGlobalAccount;
  std::string_view subject;
  std::string_view reply;             // empty: none
  std::string_view header_size_text;  // digits as the publisher wrote them
  std::string_view size_text;
  uint32_t header_bytes = 0;  // of the payload's front; 0: no header block
  uint32_t count = 1;
  size_t stride = 0;         // from one payload of a run to the next
  std::string_view payload;  // the first one: header block and body

  std::string_view payload_line() const { return {payload.data(), payload.size() + 2}; }
  /// All payloads with their line ends, and what stands between them.
  std::string_view span() const {
    return {payload.data(), stride * (count - 1) + payload.size() + 2};
  }
  /// `number` messages of the run, from the given one on.
  Message Part(uint32_t from, uint32_t number) const {
    Message part = *this;
    part.payload = {payload.data() + from * stride, payload.size()};
    part.count = number;
    return part;
  }
};

}  // namespace martlet::session
