// What the messages of a run look like, on their way out and when they arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "delivery_ledger.h"
#include "delivery_plan.h"
#include "raw_client.h"

namespace delivery {

/// Size, form and bytes of a message follow from its stream and its number there, so nothing of it
/// has to be kept to know it again.
///
/// Lifetime: borrows the plan. Nothing changes after construction.
class Messages {
 public:
  Messages(const Plan& plan, uint64_t seed);

  struct Written {
    size_t bytes;
    size_t payload_bytes;  // without headers
  };
  /// Writes one PUB or HPUB at `at`, where `bytes_max()` are free, and fills in the stamp's hash.
  Written Write(char* at, std::string_view subject, Stamp stamp) const;
  size_t bytes_max() const { return plan_.payload_max + 1024; }  // with the control line

  /// Reads the stamp; what is wrong with the message in words, nullptr if nothing. `headers` tells
  /// whether the connection wants headers.
  const char* Read(const raw::Frame& frame, bool headers, Stamp& stamp) const;

 private:
  size_t PayloadBytes(uint32_t stream, uint64_t seq) const;

  const Plan& plan_;
  const uint64_t seed_;
  std::vector<char> noise_;
};

}  // namespace delivery
