#include "base/log.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <pty.h>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "log_directory.h"

namespace martlet::base {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() { options_.file = directory_ / "server.log"; }

  std::unique_ptr<Log> Open() {
    absl::StatusOr<std::unique_ptr<Log>> log = Log::Open(options_);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }
  std::string Content() const { return ReadFile(options_.file); }
  static std::string Pid() { return PidPrefix(); }

  LogDirectory directory_;
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
  options_.file = directory_ / "none/server.log";
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
  EXPECT_EQ(ReadFile(options_.file + ".1"), Pid() + "[INF] before\n");
  EXPECT_EQ(Content(), Pid() + "[INF] File log re-opened\n" + Pid() + "[INF] after\n");
}

// Numbers of the lines of each thread in `content`, which "<pid> <level> <thread> <number>" are.
std::vector<std::vector<int>> NumbersByThread(const std::string& content, size_t threads) {
  std::vector<std::vector<int>> numbers(threads);
  std::istringstream lines(content);
  for (std::string pid, level, line; std::getline(lines, line);) {
    size_t thread = 0;
    int number = 0;
    if (std::istringstream(line) >> pid >> level >> thread >> number) {
      numbers[thread].push_back(number);
    }
  }
  return numbers;
}

constexpr int kThreads = 4;
constexpr int kLines = 2000;

std::vector<std::thread> StartWriters(Log& log, std::atomic<int>& running) {
  std::vector<std::thread> threads;
  running = kThreads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&log, &running, t] {
      for (int i = 0; i < kLines; ++i) LOG_INFO(log, "%d %d", t, i);
      --running;
    });
  }
  return threads;
}

TEST_F(LogTest, LinesOfOneThreadKeepTheirOrder) {
  options_.timestamps = false;
  const auto log = Open();
  std::atomic<int> running;
  for (std::thread& thread : StartWriters(*log, running)) thread.join();
  log->Flush();
  for (const std::vector<int>& numbers : NumbersByThread(Content(), kThreads)) {
    EXPECT_EQ(numbers.size(), size_t{kLines});
    EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  }
  EXPECT_EQ(log->dropped_lines(), 0u);
}

TEST_F(LogTest, ReconfiguredWhileOthersWriteNoLineIsLostOrDoubled) {
  options_.timestamps = false;
  const auto log = Open();
  std::atomic<int> running;
  std::vector<std::thread> writers = StartWriters(*log, running);
  const std::string files[] = {directory_ / "a", directory_ / "b", options_.file};
  int changes = 0;
  for (; running > 0 || changes < 30; ++changes) {
    LogOptions options = options_;
    options.file = files[changes % 3];
    options.debug = changes % 2 == 0;
    options.size_limit_bytes = changes % 5 == 0 ? 2000 : 0;
    ASSERT_TRUE(log->Reconfigure(options).ok());
    if (changes % 7 == 0) log->Reopen();
  }
  for (std::thread& thread : writers) thread.join();
  log->Flush();

  std::string all;
  for (const std::string& name : directory_.OthersThan("")) {
    const std::string content = ReadFile(directory_ / name);
    for (const std::vector<int>& numbers : NumbersByThread(content, kThreads)) {
      EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end())) << name;
    }
    all += content;
  }
  std::vector<int> expected(kLines);
  std::iota(expected.begin(), expected.end(), 0);
  for (std::vector<int>& numbers : NumbersByThread(all, kThreads)) {
    std::sort(numbers.begin(), numbers.end());
    EXPECT_EQ(numbers, expected);
  }
  EXPECT_EQ(log->dropped_lines(), 0u);
}

TEST_F(LogTest, ReconfigureDividesTheLinesWhereItWasCalled) {
  options_.timestamps = false;
  const std::string first = options_.file;
  const auto log = Open();
  LOG_INFO(*log, "before");
  LOG_DEBUG(*log, "hidden");
  options_.file = directory_ / "second.log";
  options_.debug = true;
  ASSERT_TRUE(log->Reconfigure(options_).ok());
  LOG_DEBUG(*log, "after");
  log->Flush();
  EXPECT_EQ(ReadFile(first), Pid() + "[INF] before\n");
  EXPECT_EQ(Content(), Pid() + "[DBG] after\n");
}

TEST_F(LogTest, ReconfigureChangesHowLinesLookInTheSameFile) {
  options_.timestamps = false;
  const auto log = Open();
  LOG_INFO(*log, "text");
  options_.format = LogFormat::kJson;
  ASSERT_TRUE(log->Reconfigure(options_).ok());
  LOG_INFO(*log, "object");
  log->Flush();
  EXPECT_TRUE(Content().starts_with(Pid() + "[INF] text\n{\"time\":\"")) << Content();
  EXPECT_TRUE(Content().ends_with("\"msg\":\"object\"}\n")) << Content();
}

TEST_F(LogTest, ReconfigureThatFailsChangesNothing) {
  options_.timestamps = false;
  const auto log = Open();
  LogOptions bad = options_;
  bad.file = directory_ / "none/server.log";
  bad.debug = true;
  EXPECT_EQ(log->Reconfigure(bad).message(),
            "error opening file: open " + bad.file + ": no such file or directory");
  bad.file.clear();
  bad.remote_syslog = "unix://" + (directory_ / "none");
  EXPECT_EQ(log->Reconfigure(bad).message(), "error connecting to syslog: \"dial unix " +
                                                 (directory_ / "none") +
                                                 ": connect: no such file or directory\"");
  bad.remote_syslog = "http://x";
  EXPECT_EQ(log->Reconfigure(bad).message(), "error invalid network type: \"http\"");
  EXPECT_FALSE(log->enabled(LogLevel::kDebug));
  LOG_INFO(*log, "still here");
  log->Flush();
  EXPECT_EQ(Content(), Pid() + "[INF] still here\n");
}

TEST_F(LogTest, ReopenWithoutAFileIsIgnored) {
  const UniqueFd old_stderr(::dup(STDERR_FILENO));
  const UniqueFd file(::open(options_.file.c_str(), O_WRONLY | O_CREAT, 0600));
  ASSERT_EQ(::dup2(file.get(), STDERR_FILENO), STDERR_FILENO);
  {
    const auto log = Log::Open({.timestamps = false});
    (*log)->Reopen();
  }
  ::dup2(old_stderr.get(), STDERR_FILENO);
  EXPECT_EQ(Content(), Pid() + "[INF] File log re-open ignored, not a file logger\n");
}

// One line to standard error, which is `fd` meanwhile.
void LogToStderr(int fd) {
  const UniqueFd old_stderr(::dup(STDERR_FILENO));
  ASSERT_EQ(::dup2(fd, STDERR_FILENO), STDERR_FILENO);
  LOG_INFO(**Log::Open({.timestamps = false}), "x");
  ::dup2(old_stderr.get(), STDERR_FILENO);
}

TEST_F(LogTest, OnlyATerminalGetsColours) {
  const UniqueFd file(::open(options_.file.c_str(), O_WRONLY | O_CREAT, 0600));
  LogToStderr(file.get());
  EXPECT_EQ(Content(), Pid() + "[INF] x\n");

  int controller = -1;
  int terminal = -1;
  if (::openpty(&controller, &terminal, nullptr, nullptr, nullptr) != 0) {
    GTEST_SKIP() << "no terminal to be had";
  }
  const UniqueFd owners[] = {UniqueFd(controller), UniqueFd(terminal)};
  LogToStderr(terminal);
  char text[256];
  const ssize_t got = ::read(controller, text, sizeof text);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(text, static_cast<size_t>(got)), Pid() + "[\x1b[32mINF\x1b[0m] x\r\n");
}

TEST_F(LogTest, RepeatsAreToldAsANumber) {
  options_.timestamps = false;
  options_.trace = true;
  const auto log = Open();
  for (int i = 0; i < 100; ++i) LOG_ERROR(*log, "again");
  for (int i = 0; i < 3; ++i) LOG_TRACE(*log, "traced");
  for (int i = 0; i < 3; ++i) LOG_ERROR(*log, "again");
  log->Flush();
  const std::string again = Pid() + "[ERR] again\n";
  const std::string traced = Pid() + "[TRC] traced\n";
  EXPECT_EQ(Content(), again + Pid() + "[ERR] repeated 99 times: again\n" + traced + traced +
                           traced + again + Pid() + "[ERR] repeated 2 times: again\n");
}

TEST_F(LogTest, RepeatsAreToldAfterASecondEvenIfNothingElseIsLogged) {
  const auto log = Open();
  for (int i = 0; i < 10; ++i) LOG_ERROR(*log, "again");
  const auto give_up_at = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Content().find("repeated 9 times: again\n") == std::string::npos) {
    ASSERT_LT(std::chrono::steady_clock::now(), give_up_at) << Content();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST_F(LogTest, WhatAFullDiskCostIsToldWhereThereIsRoom) {
  options_.timestamps = false;
  const std::string file = std::exchange(options_.file, "/dev/full");
  const auto log = Open();
  for (const char* text : {"a", "b", "c"}) log->Write(LogLevel::kInfo, text);
  log->Flush();
  EXPECT_EQ(log->dropped_lines(), 3u);
  options_.file = file;
  ASSERT_TRUE(log->Reconfigure(options_).ok());
  LOG_INFO(*log, "room again");
  log->Flush();
  const std::string again = Pid() + "[INF] room again\n";
  const std::string told =
      Pid() + "[WRN] 3 log lines dropped, the log could not be written in time\n";
  EXPECT_TRUE(Content() == again + told || Content() == told + again) << Content();
  EXPECT_EQ(log->dropped_lines(), 3u);
}

// A pipe that is open and never read.
class DeadEnd {
 public:
  explicit DeadEnd(const std::string& path) {
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    fd_ = UniqueFd(::open(path.c_str(), O_RDWR));
  }

 private:
  UniqueFd fd_;
};

TEST_F(LogTest, ADestinationThatTakesNothingDoesNotHoldUpTheEnd) {
  const DeadEnd pipe(options_.file);
  auto log = Open();
  for (int i = 0; i < 1000; ++i) {
    log->Write(LogLevel::kInfo, std::to_string(i) + std::string(1000, 'x'));
  }
  const auto begin = std::chrono::steady_clock::now();
  log.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5 * Log::kEndPatience);
}

TEST_F(LogTest, ADestinationThatTakesNothingCanBeExchanged) {
  options_.timestamps = false;
  const DeadEnd pipe(options_.file);
  const auto log = Open();
  constexpr int kCount = 1000;
  for (int i = 0; i < kCount; ++i) {
    LOG_INFO(*log, "%s %d", std::string(1000, 'x').c_str(), i);
  }
  options_.file = directory_ / "other.log";
  ASSERT_TRUE(log->Reconfigure(options_).ok());
  LOG_INFO(*log, "the last");
  log->Flush();
  // What was in the pipe is there; what waited for it and was not yet formatted goes here.
  const std::string content = Content();
  EXPECT_TRUE(content.find(" the last\n") != content.npos) << content.size();
  const auto lines = static_cast<uint64_t>(std::count(content.begin(), content.end(), '\n'));
  EXPECT_GT(lines, uint64_t{kCount} / 2);
  EXPECT_GT(log->dropped_lines(), 0u);
  EXPECT_LE(log->dropped_lines() + lines, uint64_t{kCount} + 2);
}

TEST_F(LogTest, ChangesBehindADestinationThatTakesNothingKeepTheirOrder) {
  options_.timestamps = false;
  const DeadEnd pipe(options_.file);
  const auto log = Open();
  for (int i = 0; i < 200; ++i) LOG_INFO(*log, "%d%s", i, std::string(1000, 'x').c_str());
  for (const char* name : {"a", "b", "c"}) {
    options_.file = directory_ / name;
    ASSERT_TRUE(log->Reconfigure(options_).ok());
    LOG_INFO(*log, "for %s", name);
  }
  log->Flush();
  EXPECT_NE(ReadFile(directory_ / "a").find("[INF] for a\n"), std::string::npos);
  EXPECT_EQ(ReadFile(directory_ / "b"), Pid() + "[INF] for b\n");
  const std::string last = ReadFile(directory_ / "c");
  EXPECT_TRUE(last.starts_with(Pid() + "[INF] for c\n")) << last;
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
