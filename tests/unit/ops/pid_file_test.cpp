#include "ops/pid_file.h"

#include <fstream>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

TEST(PidFile, HoldsTheNumberAloneAndIsPrivate) {
  const std::string path = testing::TempDir() + "pid_file_test_" + std::to_string(::getpid());
  for (const pid_t pid : {1234567, 12}) {  // the second over the first
    const absl::Status status = WritePidFile(path, pid);
    ASSERT_TRUE(status.ok()) << status;
    std::stringstream content;
    content << std::ifstream(path).rdbuf();
    EXPECT_EQ(content.str(), std::to_string(pid));
  }
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ::unlink(path.c_str());
}

TEST(PidFile, ErrorNamesFileAndCause) {
  EXPECT_EQ(WritePidFile("/nonexistent/x", 1).message(),
            "open /nonexistent/x: no such file or directory");
}

}  // namespace
}  // namespace martlet::ops
