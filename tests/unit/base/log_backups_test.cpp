#include "base/log_backups.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "log_directory.h"

namespace martlet::base {
namespace {

TEST(BackupName, IsThePathWithTheLocalTimeInNanoseconds) {
  const timespec at{1709251198, 7};
  tm parts{};
  ::localtime_r(&at.tv_sec, &parts);
  char expected[64];
  ::strftime(expected, sizeof expected, "a/server.log.%Y.%m.%d.%H.%M.%S.000000007", &parts);
  EXPECT_EQ(BackupName("a/server.log", at), expected);
  EXPECT_TRUE(IsBackupName("server.log", BackupName("server.log", at)));
}

// As Go's time.Parse sees the part behind the name.
TEST(IsBackupName, TakesWhatTheReferenceTakes) {
  for (const char* good : {"l.2024.02.29.23.59.59.000000001", "l.2024.02.29.23.59.59.1",
                           "l.2024.12.31.00.00.00", "l.0000.01.01.0.00.00.0"}) {
    EXPECT_TRUE(IsBackupName("l", good)) << good;
  }
  for (const char* bad : {"l",
                          "l.",
                          "l.1",
                          "l.gz",
                          "ll.2024.02.29.23.59.59.1",
                          "k.2024.02.29.23.59.59.1",
                          "l.2023.02.29.23.59.59.1",
                          "l.2024.13.01.00.00.00.1",
                          "l.2024.00.01.00.00.00.1",
                          "l.2024.01.00.00.00.00.1",
                          "l.2024.04.31.00.00.00.1",
                          "l.2024.02.29.24.00.00.1",
                          "l.2024.02.29.23.60.00.1",
                          "l.2024.02.29.23.00.60.1",
                          "l.2024.02.29.23.59.59.",
                          "l.2024.02.29.23.59.59.1x",
                          "l.2024.02.29.23.59.59.1.gz",
                          "l.2024.02.29.23.59",
                          "l.24.02.29.23.59.59.1",
                          "l.2024.2.29.23.59.59.1",
                          "l.2024-02-29.23.59.59.1",
                          "l.2024.02.29.23.59.5.1"}) {
    EXPECT_FALSE(IsBackupName("l", bad)) << bad;
  }
}

class PurgeBackupsTest : public testing::Test {
 protected:
  PurgeBackupsTest() { WriteFile(directory_ / "l", "now"); }

  std::string Stamped(int day) const {
    return "l.2024.01.0" + std::to_string(day) + ".00.00.00.000000000";
  }

  LogDirectory directory_;
};

TEST_F(PurgeBackupsTest, TheOldestGo) {
  for (const int day : {3, 1, 4, 2}) WriteFile(directory_ / Stamped(day), "");
  const std::vector<LogNotice> notices = PurgeBackups(directory_ / "l", 3);
  EXPECT_EQ(directory_.OthersThan("l"), std::vector({Stamped(3), Stamped(4)}));
  ASSERT_EQ(notices.size(), 2u);
  EXPECT_EQ(notices[0].text, "Purged log file \"" + Stamped(1) + "\"");
  EXPECT_EQ(notices[1].text, "Purged log file \"" + Stamped(2) + "\"");
  EXPECT_EQ(notices[0].level, LogLevel::kInfo);
  EXPECT_TRUE(PurgeBackups(directory_ / "l", 3).empty());
}

TEST_F(PurgeBackupsTest, OneFileMeansTheLogAlone) {
  WriteFile(directory_ / Stamped(1), "");
  PurgeBackups(directory_ / "l", 1);
  EXPECT_TRUE(directory_.OthersThan("l").empty());
  EXPECT_EQ(ReadFile(directory_ / "l"), "now");
}

TEST_F(PurgeBackupsTest, WhatIsNoBackupStays) {
  const std::vector<std::string> others = {"k." + Stamped(1).substr(2), "l.1", "l.gz"};
  for (const std::string& name : others) WriteFile(directory_ / name, "");
  std::filesystem::create_directory(directory_ / Stamped(1));
  EXPECT_TRUE(PurgeBackups(directory_ / "l", 1).empty());
  EXPECT_EQ(directory_.OthersThan("l").size(), others.size() + 1);
}

TEST_F(PurgeBackupsTest, ADirectoryThatCannotBeReadIsTold) {
  const std::vector<LogNotice> notices = PurgeBackups(directory_ / "none/l", 1);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].level, LogLevel::kError);
  EXPECT_EQ(notices[0].text, "Unable to read directory \"" + directory_.path() +
                                 "/none\" for log purge (open " + directory_.path() +
                                 "/none: no such file or directory), will attempt next rotation");
}

}  // namespace
}  // namespace martlet::base
