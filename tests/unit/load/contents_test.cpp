#include "load/contents.h"

#include <set>

#include <gtest/gtest.h>

namespace martlet::load {
namespace {

std::string Payload(const Contents& contents, const Head& head) {
  std::string out(contents.size() + Contents::kSlackBytes, '\0');
  EXPECT_EQ(contents.Write(head, out.data()), out.data() + contents.size());
  out.resize(contents.size());
  return out;
}

class ContentsOfSize : public ::testing::TestWithParam<size_t> {};

TEST_P(ContentsOfSize, AreReadAsWritten) {
  const Contents contents(7, GetParam());
  const Head head = {.stream = 3, .sequence = 4'000'000'001, .intended_ns = 123'456'789};
  Head read;
  ASSERT_TRUE(contents.Read(Payload(contents, head), read));
  if (contents.checked()) {
    EXPECT_EQ(read.stream, head.stream);
    EXPECT_EQ(read.sequence, head.sequence);
  }
  EXPECT_EQ(read.intended_ns, contents.timed() ? head.intended_ns : 0);
}

TEST_P(ContentsOfSize, EveryFlippedBitIsSeen) {
  const Contents contents(7, GetParam());
  if (!contents.checked()) GTEST_SKIP() << "too small to be checked";
  const Head head = {.stream = 3, .sequence = 41, .intended_ns = 99};
  const std::string good = Payload(contents, head);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    Head read;
    EXPECT_FALSE(contents.Read(bad, read)) << "bit " << bit;
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, ContentsOfSize,
                         ::testing::Values(0, 1, 15, 16, 17, 23, 24, 25, 128, 1000));

TEST(Contents, AnotherLengthIsNotIt) {
  const Contents contents(7, 128);
  const std::string payload = Payload(contents, {.stream = 0, .sequence = 1});
  Head read;
  EXPECT_FALSE(contents.Read(payload.substr(1), read));
  EXPECT_FALSE(contents.Read(payload + "x", read));
}

TEST(Contents, SeedAndSizeAreInIt) {
  const Head head = {.stream = 1, .sequence = 2};
  Head read;
  EXPECT_FALSE(Contents(8, 128).Read(Payload(Contents(7, 128), head), read));
  EXPECT_EQ(Payload(Contents(7, 128), head), Payload(Contents(7, 128), head));
}

TEST(Contents, MessagesDiffer) {
  const Contents contents(7, 64);
  std::set<std::string> seen;
  for (uint32_t stream = 0; stream < 10; ++stream) {
    for (uint64_t sequence = 0; sequence < 100; ++sequence) {
      seen.insert(Payload(contents, {.stream = stream, .sequence = sequence}));
    }
  }
  EXPECT_EQ(seen.size(), 1000u);
}

}  // namespace
}  // namespace martlet::load
