#include "cluster/compression.h"

#include <array>

namespace martlet::cluster {
namespace {

struct Word {
  CompressionMode mode;
  std::string_view text;
};
constexpr std::array<Word, 8> kWords = {{
    {CompressionMode::kNotSupported, "not supported"},
    {CompressionMode::kOff, "off"},
    {CompressionMode::kAccept, "accept"},
    {CompressionMode::kS2Uncompressed, "s2_uncompressed"},
    {CompressionMode::kS2Fast, "s2_fast"},
    {CompressionMode::kS2Better, "s2_better"},
    {CompressionMode::kS2Best, "s2_best"},
    {CompressionMode::kS2Auto, "s2_auto"},
}};

constexpr CompressionMode kLevels[] = {CompressionMode::kS2Uncompressed, CompressionMode::kS2Fast,
                                       CompressionMode::kS2Better, CompressionMode::kS2Best};
constexpr size_t kBest = 3;

}  // namespace

std::string_view Name(CompressionMode mode) {
  for (const Word& word : kWords) {
    if (word.mode == mode) return word.text;
  }
  return {};
}

std::optional<CompressionMode> ParseCompression(std::string_view text) {
  if (text.empty()) return CompressionMode::kNotSupported;
  for (const Word& word : kWords) {
    if (word.text == text) return word.mode;
  }
  return std::nullopt;
}

CompressionMode ChooseCompression(CompressionMode own, CompressionMode peer) {
  switch (own) {
    case CompressionMode::kNotSupported:
    case CompressionMode::kOff:
      return CompressionMode::kOff;
    default:
      break;
  }
  switch (peer) {
    case CompressionMode::kNotSupported:
    case CompressionMode::kOff:
      return CompressionMode::kOff;
    case CompressionMode::kAccept:
      return own == CompressionMode::kAccept ? CompressionMode::kOff : own;
    default:
      break;
  }
  if (own != CompressionMode::kAccept) return own;
  return peer == CompressionMode::kS2Auto ? CompressionMode::kS2Fast : peer;
}

CompressionMode AutoLevel(const std::vector<std::chrono::nanoseconds>& thresholds,
                          std::chrono::nanoseconds round_trip) {
  if (round_trip.count() <= 0) round_trip = std::chrono::nanoseconds(1);  // 0 leaves a level out
  for (size_t i = 0; i < thresholds.size(); ++i) {
    if (round_trip <= thresholds[i]) return kLevels[i < kBest ? i : kBest];
  }
  if (thresholds.size() >= kBest || thresholds.empty()) return kLevels[kBest];
  return kLevels[thresholds.size() - 1];
}

}  // namespace martlet::cluster
