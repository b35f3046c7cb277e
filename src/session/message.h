// A published message on its way to subscribers.
#pragma once

#include <cstdint>
#include <string_view>

#include "subject/filter.h"

namespace martlet::session {

/// Views of one message; whoever hands it on says how long they last. Two bytes behind `payload`
/// are CR LF in memory.
struct Message {
  subject::AccountId account = subject::kGlobalAccount;
  std::string_view subject;
  std::string_view reply;             // empty: none
  std::string_view header_size_text;  // digits as the publisher wrote them
  std::string_view size_text;
  uint32_t header_bytes = 0;  // of the payload's front; 0: no header block
  std::string_view payload;   // header block and body

  std::string_view payload_line() const { return {payload.data(), payload.size() + 2}; }
};

}  // namespace martlet::session
