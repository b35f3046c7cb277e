// Message bodies that differ from one message to the next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace martlet::cli {

/// What a template can say of the message that it is for.
struct TemplateValues {
  int64_t count = 0;
  std::string_view request;  // reply only: the payload that is answered; else empty
};

/// Replaces what stands in {{ }}: Count, Cnt, Unix, UnixNano, TimeStamp, Time, ID, Request, also
/// with a dot in front, and Random MIN MAX. Go's templates know more; anything else is an error,
/// with their words. Source: natscli internal/util/headers.go, PubReplyBodyTemplate.
absl::StatusOr<std::string> ExpandTemplate(std::string_view text, const TemplateValues& values);

}  // namespace martlet::cli
