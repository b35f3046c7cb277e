// Sizes, counts and CPU lists as people type them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace martlet::cli {

/// "128", "16KiB" or "16K", "1MiB", "1MB" (1,000,000), at most 2^32 - 1; bytes.
absl::StatusOr<uint32_t> ParseSize(const std::string& text);

/// "1000", "10k", "1.5M": a count or a rate; not negative.
absl::StatusOr<double> ParseCount(const std::string& text);

/// "0,2-5" as a rising list without repeats.
absl::StatusOr<std::vector<int>> ParseCpuList(const std::string& text);

}  // namespace martlet::cli
