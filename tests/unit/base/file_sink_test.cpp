#include "base/file_sink.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <signal.h>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/log_backups.h"
#include "log_directory.h"

namespace martlet::base {
namespace {

// Lines are written without time, so that their sizes are known.
class FileSinkTest : public testing::Test {
 protected:
  FileSinkTest() { options_.timestamps = false; }

  std::unique_ptr<LogSink> Open() {
    absl::StatusOr<std::unique_ptr<LogSink>> sink = FileSink::Open(path_);
    EXPECT_TRUE(sink.ok()) << sink.status();
    (*sink)->Adopt(options_);
    return *std::move(sink);
  }
  static void Write(LogSink& sink, const std::string& text) {
    EXPECT_TRUE(sink.Write({{}, LogLevel::kInfo, text}));
  }
  static void WriteAll(LogSink& sink, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) Write(sink, text);
    EXPECT_TRUE(sink.Flush());
  }
  // As it stands in the file.
  static std::string Line(const std::string& text) { return PidPrefix() + "[INF] " + text + "\n"; }
  static std::string Notice(const std::string& text) {
    return PidPrefix() + "[INF] " + text + "\r\n";
  }
  static int64_t Bytes(const std::string& text) { return static_cast<int64_t>(text.size()); }

  std::string Content() const { return ReadFile(path_); }
  std::vector<std::string> Backups() const { return directory_.OthersThan("server.log"); }
  std::string Backup(size_t number) const { return directory_ / Backups().at(number); }

  LogDirectory directory_;
  const std::string path_ = directory_ / "server.log";
  LogOptions options_;
};

TEST_F(FileSinkTest, ALineMayFillTheFileToTheLimitTheNextOneRotatesIt) {
  options_.size_limit_bytes = 2 * Bytes(Line("aaaa"));
  const auto sink = Open();
  WriteAll(*sink, {"aaaa", "bbbb"});
  EXPECT_TRUE(Backups().empty());
  WriteAll(*sink, {"cccc"});
  ASSERT_EQ(Backups().size(), 1u);
  EXPECT_TRUE(IsBackupName("server.log", Backups()[0]));
  EXPECT_EQ(ReadFile(Backup(0)), Line("aaaa") + Line("bbbb") + Line("cccc"));
  EXPECT_EQ(Content(), Notice("Rotated log, backup saved as \"" + Backup(0) + "\""));
}

TEST_F(FileSinkTest, WhatIsRotatedStaysInOrderAndWhole) {
  options_.size_limit_bytes = 400;
  const auto sink = Open();
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    Write(*sink, std::to_string(i));
    expected += Line(std::to_string(i));
  }
  ASSERT_TRUE(sink->Flush());
  ASSERT_GT(Backups().size(), 3u);
  std::string all;
  for (size_t i = 0; i < Backups().size(); ++i) all += ReadFile(Backup(i));
  all += Content();
  for (size_t at = 0; (at = all.find(PidPrefix() + "[INF] Rotated log", at)) != all.npos;) {
    all.erase(at, all.find('\n', at) + 1 - at);
  }
  EXPECT_EQ(all, expected);
}

TEST_F(FileSinkTest, TheNoticeCountsForTheNextRotation) {
  options_.size_limit_bytes = 10;  // less than any line: each one is rotated away with its notice
  const auto sink = Open();
  WriteAll(*sink, {"a", "b", "c"});
  EXPECT_EQ(Backups().size(), 3u);
  EXPECT_EQ(ReadFile(Backup(0)), Line("a"));
  EXPECT_EQ(ReadFile(Backup(1)),
            Notice("Rotated log, backup saved as \"" + Backup(0) + "\"") + Line("b"));
}

TEST_F(FileSinkTest, OfTheFilesSoManyAreKept) {
  options_.size_limit_bytes = 10;
  options_.files_max = 3;
  const auto sink = Open();
  std::vector<std::string> gone;
  for (const char* text : {"a", "b", "c", "d", "e"}) {
    if (Backups().size() == 2) gone.push_back(Backups()[0]);
    WriteAll(*sink, {text});
  }
  EXPECT_EQ(Backups().size(), 2u);
  ASSERT_EQ(gone.size(), 3u);
  EXPECT_EQ(Content(), Notice("Rotated log, backup saved as \"" + Backup(1) + "\"") +
                           Notice("Purged log file \"" + gone.back() + "\""));
}

TEST_F(FileSinkTest, AFileThatIsTooLargeAlreadyIsRotatedAtOnce) {
  WriteFile(path_, "old and long\n");
  options_.size_limit_bytes = 5;
  const auto sink = Open();
  ASSERT_EQ(Backups().size(), 1u);
  EXPECT_EQ(ReadFile(Backup(0)), "old and long\n" + Line("Rotating logfile..."));
  EXPECT_EQ(Content(), Notice("Rotated log, backup saved as \"" + Backup(0) + "\""));
}

TEST_F(FileSinkTest, WithoutALimitNothingIsRotated) {
  options_.files_max = 1;
  const auto sink = Open();
  WriteAll(*sink, std::vector<std::string>(100, std::string(10'000, 'x')));
  EXPECT_TRUE(Backups().empty());
  EXPECT_EQ(Bytes(Content()), 100 * Bytes(Line(std::string(10'000, 'x'))));
}

TEST_F(FileSinkTest, ANewLimitHoldsForWhatIsThere) {
  const auto sink = Open();
  WriteAll(*sink, {"aaaa", "bbbb"});
  options_.size_limit_bytes = 10;
  sink->Adopt(options_);
  ASSERT_EQ(Backups().size(), 1u);
  EXPECT_EQ(ReadFile(Backup(0)), Line("aaaa") + Line("bbbb") + Line("Rotating logfile..."));
}

TEST_F(FileSinkTest, JsonStaysJsonAcrossARotation) {
  options_.format = LogFormat::kJson;
  options_.size_limit_bytes = 10;
  const auto sink = Open();
  WriteAll(*sink, {"a"});
  EXPECT_TRUE(Content().starts_with("{\"time\":\"")) << Content();
  EXPECT_TRUE(Content().ends_with("\\\"\"}\n")) << Content();
}

// A rename that fails: the new name would be too long for the file system.
TEST_F(FileSinkTest, WhatCannotBeRenamedIsTriedAgainAtTwiceTheSize) {
  const std::string name(250, 'n');
  options_.size_limit_bytes = Bytes(Line("aaaa"));
  absl::StatusOr<std::unique_ptr<LogSink>> sink = FileSink::Open(directory_ / name);
  ASSERT_TRUE(sink.ok());
  (*sink)->Adopt(options_);
  WriteAll(**sink, {"aaaa", "bbbb"});
  const std::string limit = std::to_string(2 * options_.size_limit_bytes);
  const std::string content = ReadFile(directory_ / name);
  EXPECT_EQ(content, Line("aaaa") + Line("bbbb") + PidPrefix() +
                         "[ERR] Unable to rename logfile for rotation (file name too long), will "
                         "attempt next rotation at size " +
                         limit + "\r\n");
  EXPECT_EQ((*sink)->TakeLost(), 0u);
}

TEST_F(FileSinkTest, AFileThatOthersMovedAwayIsOpenedAgainWhereItWouldBeRotated) {
  options_.size_limit_bytes = 10;
  const auto sink = Open();
  ASSERT_EQ(std::rename(path_.c_str(), (directory_ / "moved").c_str()), 0);
  WriteAll(*sink, {"a"});
  EXPECT_EQ(ReadFile(directory_ / "moved"), Line("a"));
  EXPECT_EQ(Content(), Notice("File log re-opened"));
}

// Another sink of the same file rotates it between Open() and Adopt().
TEST_F(FileSinkTest, AFileThatIsMovedAwayBeforeItIsUsedIsOpenedAgain) {
  absl::StatusOr<std::unique_ptr<LogSink>> sink = FileSink::Open(path_);
  ASSERT_TRUE(sink.ok());
  std::filesystem::rename(path_, directory_ / "moved");
  WriteFile(path_, "of the other\n");
  (*sink)->Adopt(options_);
  WriteAll(**sink, {"here"});
  EXPECT_EQ(ReadFile(directory_ / "moved"), "");
  EXPECT_EQ(Content(), "of the other\n" + Line("here"));
}

TEST_F(FileSinkTest, ReopenGoesOnInANewFile) {
  const auto sink = Open();
  WriteAll(*sink, {"before"});
  ASSERT_EQ(std::rename(path_.c_str(), (directory_ / "moved").c_str()), 0);
  EXPECT_EQ(sink->Reopen().text, "File log re-opened");
  WriteAll(*sink, {"after"});
  EXPECT_EQ(ReadFile(directory_ / "moved"), Line("before"));
  EXPECT_EQ(Content(), Line("after"));
}

TEST_F(FileSinkTest, ReopenKeepsTheOldFileWhereThereIsNoNewOne) {
  const auto sink = Open();
  std::filesystem::rename(path_, directory_ / "moved");
  std::filesystem::create_directory(path_);
  const LogNotice notice = sink->Reopen();
  EXPECT_EQ(notice.level, LogLevel::kError);
  EXPECT_EQ(notice.text, "error opening file: open " + path_ + ": is a directory");
  WriteAll(*sink, {"still here"});
  EXPECT_EQ(ReadFile(directory_ / "moved"), Line("still here"));
}

TEST_F(FileSinkTest, ReopenedFilesKeepTheirLimits) {
  options_.size_limit_bytes = 10;
  options_.files_max = 2;
  const auto sink = Open();
  EXPECT_EQ(sink->Reopen().text, "File log re-opened");
  WriteAll(*sink, {"a", "b", "c"});
  EXPECT_EQ(Backups().size(), 1u);
}

// Every write to it says that the disk is full.
TEST_F(FileSinkTest, AFullDiskLosesLinesAndCountsThem) {
  absl::StatusOr<std::unique_ptr<LogSink>> sink = FileSink::Open("/dev/full");
  ASSERT_TRUE(sink.ok()) << sink.status();
  options_.size_limit_bytes = 10;
  (*sink)->Adopt(options_);
  WriteAll(**sink, {"a", "b\nand more", "c"});
  EXPECT_EQ((*sink)->TakeLost(), 3u);
  EXPECT_EQ((*sink)->TakeLost(), 0u);
}

// The limit of file sizes cuts a line in two, as a disk does that fills up.
TEST_F(FileSinkTest, ATornLineEndsBeforeTheNext) {
  const auto sink = Open();
  const std::string torn = Line("torn line");
  struct rlimit before {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  struct rlimit small = before;
  small.rlim_cur = torn.size() - 4;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  WriteAll(*sink, {"torn line", "lost"});
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(sink->TakeLost(), 2u);
  WriteAll(*sink, {"whole"});
  EXPECT_EQ(Content(), torn.substr(0, torn.size() - 4) + "\n" + Line("whole"));
  EXPECT_EQ(sink->TakeLost(), 0u);
}

}  // namespace
}  // namespace martlet::base
