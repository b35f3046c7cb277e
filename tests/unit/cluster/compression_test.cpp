#include "cluster/compression.h"

#include <gtest/gtest.h>

namespace martlet::cluster {
namespace {

using std::chrono::milliseconds;
using Mode = CompressionMode;

TEST(Compression, NamesReadBack) {
  for (const Mode mode : {Mode::kNotSupported, Mode::kOff, Mode::kAccept, Mode::kS2Uncompressed,
                          Mode::kS2Fast, Mode::kS2Better, Mode::kS2Best, Mode::kS2Auto}) {
    EXPECT_EQ(ParseCompression(Name(mode)), mode) << Name(mode);
  }
  EXPECT_EQ(ParseCompression(""), Mode::kNotSupported);
  EXPECT_EQ(ParseCompression("zstd"), std::nullopt);
}

// Spec route-protocol.md section 7, "Selection".
TEST(Compression, IsChosenOfBothModes) {
  struct Row {
    Mode own;
    Mode peer;
    Mode chosen;
  };
  const Row rows[] = {
      {Mode::kOff, Mode::kS2Fast, Mode::kOff},
      {Mode::kNotSupported, Mode::kS2Fast, Mode::kOff},
      {Mode::kS2Fast, Mode::kOff, Mode::kOff},
      {Mode::kS2Fast, Mode::kNotSupported, Mode::kOff},
      {Mode::kAccept, Mode::kNotSupported, Mode::kOff},
      {Mode::kAccept, Mode::kOff, Mode::kOff},
      {Mode::kAccept, Mode::kAccept, Mode::kOff},
      {Mode::kAccept, Mode::kS2Better, Mode::kS2Better},
      {Mode::kAccept, Mode::kS2Uncompressed, Mode::kS2Uncompressed},
      {Mode::kAccept, Mode::kS2Auto, Mode::kS2Fast},
      {Mode::kS2Best, Mode::kAccept, Mode::kS2Best},
      {Mode::kS2Best, Mode::kS2Fast, Mode::kS2Best},
      {Mode::kS2Auto, Mode::kAccept, Mode::kS2Auto},
      {Mode::kS2Auto, Mode::kS2Best, Mode::kS2Auto},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Name(ChooseCompression(row.own, row.peer)), Name(row.chosen))
        << Name(row.own) << " meets " << Name(row.peer);
  }
}

// Reference selectS2AutoModeBasedOnRTT.
TEST(Compression, LevelFollowsRoundTrip) {
  struct Row {
    std::vector<std::chrono::nanoseconds> thresholds;
    milliseconds round_trip;
    Mode level;
  };
  const std::vector<std::chrono::nanoseconds> usual = {milliseconds(10), milliseconds(50),
                                                       milliseconds(100)};
  const std::vector<std::chrono::nanoseconds> no_low = {milliseconds(0), milliseconds(0),
                                                        milliseconds(20), milliseconds(30)};
  const Row rows[] = {
      {usual, milliseconds(0), Mode::kS2Uncompressed},
      {usual, milliseconds(10), Mode::kS2Uncompressed},
      {usual, milliseconds(11), Mode::kS2Fast},
      {usual, milliseconds(50), Mode::kS2Fast},
      {usual, milliseconds(100), Mode::kS2Better},
      {usual, milliseconds(101), Mode::kS2Best},
      {no_low, milliseconds(0), Mode::kS2Better},
      {no_low, milliseconds(25), Mode::kS2Best},
      {no_low, milliseconds(99), Mode::kS2Best},
      {{milliseconds(10)}, milliseconds(99), Mode::kS2Uncompressed},
      {{milliseconds(10), milliseconds(20)}, milliseconds(99), Mode::kS2Fast},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(Name(AutoLevel(row.thresholds, row.round_trip)), Name(row.level))
        << row.thresholds.size() << " thresholds, " << row.round_trip.count() << " ms";
  }
}

}  // namespace
}  // namespace martlet::cluster
