#include "s2/crc32c.h"

#include <string>

#include <gtest/gtest.h>

#include "sample_data.h"

namespace martlet::s2 {
namespace {

// RFC 3720, section B.4.
TEST(Crc32c, GivesTheKnownSums) {
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(ExtendCrc32c(0, ""), 0u);
  EXPECT_EQ(ExtendCrc32c(0, "123456789"), 0xE3069283u);
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(ExtendCrc32c(0, std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(ExtendCrc32c(0, ascending), 0x46DD794Eu);
}

TEST(Crc32c, IsTheSameByTable) {
  const std::string data = RandomData(300);
  for (size_t from = 0; from < 16; ++from) {
    for (size_t bytes = 0; from + bytes <= data.size(); ++bytes) {
      const std::string_view part = std::string_view(data).substr(from, bytes);
      ASSERT_EQ(ExtendCrc32c(0, part), ExtendCrc32cByTable(0, part)) << from << "+" << bytes;
    }
  }
}

TEST(Crc32c, IsTheSameByTableForLongTexts) {
  const std::string data = RandomData(20000);
  for (size_t from = 0; from < 8; ++from) {
    for (size_t bytes = 3000; from + bytes <= data.size(); bytes += 61) {
      const std::string_view part = std::string_view(data).substr(from, bytes);
      ASSERT_EQ(ExtendCrc32c(7, part), ExtendCrc32cByTable(7, part)) << from << "+" << bytes;
    }
  }
}

TEST(Crc32c, IsTheSameInParts) {
  const std::string data = RandomData(100);
  const std::string_view view = data;
  for (size_t cut = 0; cut <= data.size(); ++cut) {
    const uint32_t front = ExtendCrc32c(0, view.substr(0, cut));
    EXPECT_EQ(ExtendCrc32c(front, view.substr(cut)), ExtendCrc32c(0, data));
    const uint32_t front_by_table = ExtendCrc32cByTable(0, view.substr(0, cut));
    EXPECT_EQ(ExtendCrc32cByTable(front_by_table, view.substr(cut)), ExtendCrc32c(0, data));
  }
}

TEST(Crc32c, IsMaskedAsInSnappy) {
  EXPECT_EQ(MaskCrc32c(0), 0xA282EAD8u);
  EXPECT_EQ(MaskCrc32c(0x00008000), 0xA282EAD9u);
  EXPECT_EQ(MaskCrc32c(0x00000001), 0xA284EAD8u);
}

}  // namespace
}  // namespace martlet::s2
