// Messages as JSON, for `sub --dump`.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>

#include "cli/session.h"

namespace martlet::cli {

/// The message as Go's encoding/json writes a nats.Msg; the payload is in base64.
std::string MessageJson(const Received& message);

/// Writes it: to standard output with a zero behind it where `directory` is "-", else into the file
/// NUMBER.json there.
absl::Status Dump(const Received& message, const std::string& directory, uint64_t number);

}  // namespace martlet::cli
