#include "ops/published_state.h"

#include <unistd.h>

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

TEST(PublishedState, IsFoundInTheProcess) {
  const PublishedState state;
  const PublishedState::Values values = {{"a", "1"}, {"b", "two\nlines\\ and = \\n"}, {"c", ""}};
  state.Publish({{"old", std::string(10'000, 'x')}});
  state.Publish(values);
  const absl::StatusOr<PublishedState::Values> read = PublishedState::Of(::getpid());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, values);
}

TEST(PublishedState, IsNotFoundInOthers) {
  EXPECT_FALSE(PublishedState::Of(::getpid()).ok());
  EXPECT_FALSE(PublishedState::Of(999'999'999).ok());
}

TEST(ParseStateText, RefusesAHalf) {
  const std::string text = StateText({{"a", "1"}, {"b", "2"}});
  for (size_t bytes = 0; bytes < text.size(); ++bytes) {
    EXPECT_FALSE(ParseStateText(text.substr(0, bytes)).ok()) << bytes;
  }
  EXPECT_TRUE(ParseStateText(text).ok());
}

}  // namespace
}  // namespace martlet::ops
