#include "base/log.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

// A directory of its own for each test, removed with what the test left in it.
class LogTest : public testing::Test {
 protected:
  LogTest() {
    std::string pattern = testing::TempDir() + "log_test_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    options_.file = directory_ + "/server.log";
  }
  ~LogTest() override {
    ::unlink(options_.file.c_str());
    ::unlink((options_.file + ".1").c_str());
    ::rmdir(directory_.c_str());
  }

  std::unique_ptr<Log> Open() {
    absl::StatusOr<std::unique_ptr<Log>> log = Log::Open(options_);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  static std::string Read(const std::string& path) {
    std::stringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  std::string Content() const { return Read(options_.file); }

  static std::string Pid() { return "[" + std::to_string(::getpid()) + "] "; }

  std::string directory_;
  LogOptions options_;
};

TEST_F(LogTest, LineHasPidTimeAndLevel) {
  const auto log = Open();
  LOG_INFO(*log, "Listening on %s:%d", "127.0.0.1", 4222);
  log->Flush();
  std::string content = Content();
  ASSERT_EQ(content.find(Pid()), 0u);
  content.erase(0, Pid().size());
  std::replace_if(content.begin(), content.end(), ::isdigit, '9');
  EXPECT_EQ(content, "9999/99/99 99:99:99.999999 [INF] Listening on 999.9.9.9:9999\n");
}

TEST_F(LogTest, WithoutTimestampsDateAndTimeAreDropped) {
  options_.timestamps = false;
  options_.debug = options_.trace = true;
  const auto log = Open();
  LOG_INFO(*log, "a");
  LOG_DEBUG(*log, "b");
  LOG_WARN(*log, "c");
  LOG_ERROR(*log, "d");
  LOG_FATAL(*log, "e");
  LOG_TRACE(*log, "f");
  log->Flush();
  std::string expected;
  for (const char* rest :
       {"[INF] a\n", "[DBG] b\n", "[WRN] c\n", "[ERR] d\n", "[FTL] e\n", "[TRC] f\n"}) {
    expected += Pid() + rest;
  }
  EXPECT_EQ(Content(), expected);
}

TEST_F(LogTest, UtcShowsTheSameInstantInAnotherZone) {
  // Nothing else in this program looks at the zone.
  ::setenv("TZ", "XYZ-5:30", 1);
  ::tzset();
  std::string local;
  std::string utc;
  for (const bool use_utc : {false, true}) {
    options_.utc = use_utc;
    const auto log = Open();
    LOG_INFO(*log, "x");
    log->Flush();
    const std::string content = Content();
    (use_utc ? utc : local) = content.substr(content.rfind('[', content.rfind('[') - 1));
  }
  ::unsetenv("TZ");
  ::tzset();
  const auto minutes = [](const std::string& line) {
    const size_t at = line.find(':');
    return std::stoi(line.substr(at - 2, 2)) * 60 + std::stoi(line.substr(at + 1, 2));
  };
  const int ahead = (minutes(local) - minutes(utc) + 24 * 60) % (24 * 60);
  EXPECT_TRUE(ahead == 330 || ahead == 329) << local << utc;  // 329: the minute turned between
}

TEST_F(LogTest, LevelsThatAreOffAreNeitherFormattedNorWritten) {
  const auto log = Open();
  EXPECT_TRUE(log->enabled(LogLevel::kInfo));
  EXPECT_FALSE(log->enabled(LogLevel::kDebug));
  EXPECT_FALSE(log->enabled(LogLevel::kTrace));
  int formatted = 0;
  LOG_DEBUG(*log, "%d", ++formatted);
  log->Write(LogLevel::kTrace, "trace");
  log->Flush();
  EXPECT_EQ(formatted, 0);
  EXPECT_EQ(Content(), "");
}

TEST_F(LogTest, LongLinesAreWhole) {
  options_.timestamps = false;
  const auto log = Open();
  const std::string text(100'000, 'x');
  LOG_INFO(*log, "%s!", text.c_str());
  log->Flush();
  EXPECT_EQ(Content(), Pid() + "[INF] " + text + "!\n");
}

TEST_F(LogTest, NewlineAtTheEndIsNotDoubled) {
  options_.timestamps = false;
  const auto log = Open();
  log->Write(LogLevel::kInfo, "one\n");
  log->Write(LogLevel::kInfo, "");
  log->Flush();
  EXPECT_EQ(Content(), Pid() + "[INF] one\n" + Pid() + "[INF] \n");
}

TEST_F(LogTest, FileIsAppendedToAndNotOpenToAll) {
  const mode_t before = ::umask(0);
  for (int i = 0; i < 2; ++i) LOG_INFO(*Open(), "start %d", i);  // written by the destructor
  ::umask(before);
  EXPECT_NE(Content().find("start 0"), std::string::npos);
  EXPECT_NE(Content().find("start 1"), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(options_.file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST_F(LogTest, OpenFailsWithTheReferencesWords) {
  options_.file = directory_ + "/none/server.log";
  EXPECT_EQ(Log::Open(options_).status().message(),
            "error opening file: open " + options_.file + ": no such file or directory");
}

TEST_F(LogTest, ReopenGoesOnInANewFile) {
  options_.timestamps = false;
  const auto log = Open();
  LOG_INFO(*log, "before");
  log->Flush();
  ASSERT_EQ(::rename(options_.file.c_str(), (options_.file + ".1").c_str()), 0);
  log->Reopen();
  log->Flush();
  LOG_INFO(*log, "after");
  log->Flush();
  EXPECT_EQ(Read(options_.file + ".1"), Pid() + "[INF] before\n");
  EXPECT_EQ(Content(), Pid() + "[INF] File log re-opened\n" + Pid() + "[INF] after\n");
}

TEST_F(LogTest, LinesOfOneThreadKeepTheirOrder) {
  options_.timestamps = false;
  const auto log = Open();
  constexpr int kThreads = 4;
  constexpr int kLines = 2000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < kLines; ++i) LOG_INFO(*log, "%d %d", t, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  log->Flush();

  std::vector<int> next(kThreads, 0);
  std::istringstream lines(Content());
  for (std::string pid, level, line; std::getline(lines, line);) {
    int thread = 0;
    int number = 0;
    std::istringstream(line) >> pid >> level >> thread >> number;
    EXPECT_EQ(number, next[static_cast<size_t>(thread)]++);
  }
  EXPECT_EQ(next, std::vector<int>(kThreads, kLines));
  EXPECT_EQ(log->dropped_lines(), 0u);
}

// A pipe that nobody reads stands in for the slow disk.
TEST_F(LogTest, FullQueueDropsCountsAndSaysSo) {
  ASSERT_EQ(::mkfifo(options_.file.c_str(), 0600), 0);
  options_.timestamps = false;
  std::ifstream pipe;
  std::thread opener([&] { pipe.open(options_.file); });  // either side waits for the other
  std::unique_ptr<Log> log = Open();
  opener.join();

  const std::string line(1 << 20, 'x');
  for (int i = 0; i < 20; ++i) log->Write(LogLevel::kInfo, line);
  const uint64_t dropped = log->dropped_lines();
  // Eight lines fit into the queue, less their headers; the writer holds at most as much again.
  EXPECT_GE(dropped, 20u - 16u);
  EXPECT_LE(dropped, 20u - 7u);

  std::string read;
  std::thread reader([&] { read.assign(std::istreambuf_iterator<char>(pipe), {}); });
  log->Flush();
  log->Write(LogLevel::kInfo, "room again");
  log.reset();  // the reader sees the end of the file
  reader.join();
  EXPECT_NE(read.find("[WRN] " + std::to_string(dropped) + " log lines dropped"),
            std::string::npos);
  EXPECT_NE(read.find("room again"), std::string::npos);
}

}  // namespace
}  // namespace martlet::base
