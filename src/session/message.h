// A published message on its way to subscribers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/kept_memory.h"
#include "subject/filter.h"

namespace martlet::session {

/// Views of one message, or of a run: several in a row from one publisher that differ only in the
/// bytes of their payloads. Whoever hands it on says how long the views last. Two bytes behind each
/// payload are CR LF in memory.
struct Message {
  subject::AccountId account = subject::kGlobalAccount;
  std::string_view subject;
  std::string_view shown_subject;     // what subscribers read in its place; empty: the subject
  std::string_view reply;             // empty: none
  std::string_view header_size_text;  // digits as the publisher wrote them
  std::string_view size_text;
  uint32_t header_bytes = 0;  // of the payload's front; 0: no header block
  uint32_t count = 1;
  size_t stride = 0;                   // from one payload of a run to the next
  const uint32_t* picks = nullptr;     // numbers of the messages that are meant; null: all in order
  std::string_view payload;            // the first one: header block and body
  base::KeptMemory* memory = nullptr;  // that the payloads are in; null: it cannot be kept

  /// The payload of one of `count`, with its line end.
  std::string_view payload_line(uint32_t number) const {
    const size_t at = picks == nullptr ? number : picks[number];
    return {payload.data() + at * stride, payload.size() + 2};
  }
  /// All payloads with their line ends, and what stands between them. Not of picked ones.
  std::string_view span() const {
    return {payload.data(), stride * (count - 1) + payload.size() + 2};
  }
  /// Some of them.
  Message Picked(const uint32_t* numbers, uint32_t how_many) const {
    Message picked = *this;
    picked.picks = numbers;
    picked.count = how_many;
    return picked;
  }
  /// `number` messages of the run, from the given one on.
  Message Part(uint32_t from, uint32_t number) const {
    Message part = *this;
    if (picks == nullptr) {
      part.payload = {payload.data() + from * stride, payload.size()};
    } else {
      part.picks += from;
    }
    part.count = number;
    return part;
  }
};

}  // namespace martlet::session
