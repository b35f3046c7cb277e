// Compression of routes: modes, and which one two servers agree on.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace martlet::cluster {

/// As configuration and INFO name them.
enum class CompressionMode : uint8_t {
  kNotSupported,
  kOff,
  kAccept,
  kS2Uncompressed,
  kS2Fast,
  kS2Better,
  kS2Best,
  kS2Auto,
};

struct CompressionSettings {
  CompressionMode mode = CompressionMode::kAccept;
  /// Of s2_auto: up to these round trips uncompressed, fast, better; best above. 0: that level is
  /// left out.
  std::vector<std::chrono::nanoseconds> rtt_thresholds;
};

/// "s2_fast", "off", "not supported"; the text that INFO carries.
std::string_view Name(CompressionMode mode);
/// Of an INFO; absent (empty) is kNotSupported. Nothing for a text that is no mode.
std::optional<CompressionMode> ParseCompression(std::string_view text);
/// What the own writer does, of the own mode and the peer's announced one: kOff, or an s2 mode.
/// Source: spec route-protocol.md section 7, "Selection".
CompressionMode ChooseCompression(CompressionMode own, CompressionMode peer);
/// The level of s2_auto at this round trip. Source: reference selectS2AutoModeBasedOnRTT.
CompressionMode AutoLevel(const std::vector<std::chrono::nanoseconds>& thresholds,
                          std::chrono::nanoseconds round_trip);

}  // namespace martlet::cluster
