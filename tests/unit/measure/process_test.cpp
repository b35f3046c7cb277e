#include "measure/process.h"

#include <optional>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "fake_root.h"

namespace martlet::measure {
namespace {

/// Ticks are 10 ms on every Linux that matters; the kernel's files are written for that.
std::string Stat(const std::string& command, const std::string& state, int user, int system) {
  return "42 (" + command + ") " + state + " 1 42 42 0 -1 4194304 9 0 0 0 " + std::to_string(user) +
         " " + std::to_string(system) + " 0 0 20 0 2 0 100 1000 20\n";
}

TEST(ReadProcess, AddsUpTheThreads) {
  const FakeRoot proc;
  proc.Write("/42/stat", Stat("server", "S", 150, 50));
  proc.Write("/42/status", "Name:\tserver\nVmHWM:\t    3000 kB\nVmRSS:\t    2048 kB\n");
  proc.Write("/42/task/42/schedstat", "1500000000 7 9\n");
  proc.Write("/42/task/42/status",
             "voluntary_ctxt_switches:\t10\nnonvoluntary_ctxt_switches:\t3\n");
  proc.Write("/42/task/43/schedstat", "504000000 7 9\n");
  proc.Write("/42/task/43/status",
             "Name:\tiou-wrk-42\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t1\n");

  const std::optional<ProcessUse> use = ReadProcess(42, proc.path());
  ASSERT_TRUE(use.has_value());
  EXPECT_NEAR(use->cpu_seconds(), 2.004, 1e-9);  // finer than ticks
  EXPECT_NEAR(use->user_seconds, 1.503, 1e-9);   // split as the ticks are
  EXPECT_EQ(use->resident_bytes, 2048u * 1024);
  EXPECT_EQ(use->peak_resident_bytes, 3000u * 1024);
  EXPECT_EQ(use->voluntary_switches, 15u);
  EXPECT_EQ(use->involuntary_switches, 4u);
  EXPECT_EQ(use->threads, 2u);
  EXPECT_EQ(use->kernel_workers, 1u);
}

TEST(ReadProcess, CountsThreadsThatHaveEnded) {
  const FakeRoot proc;
  proc.Write("/42/stat", Stat("server", "R", 150, 50));
  proc.Write("/42/task/42/schedstat", "1000000000 7 9\n");
  EXPECT_NEAR(ReadProcess(42, proc.path())->cpu_seconds(), 2.0, 1e-9);
}

TEST(ReadProcess, IsNotFooledByTheName) {
  const FakeRoot proc;
  proc.Write("/42/stat", Stat("a) Z 1 (b\n", "S", 100, 0));
  ASSERT_TRUE(ReadProcess(42, proc.path()).has_value());
  EXPECT_NEAR(ReadProcess(42, proc.path())->cpu_seconds(), 1.0, 1e-9);
}

TEST(ReadProcess, SaysNothingOfTheDead) {
  const FakeRoot proc;
  proc.Write("/42/stat", Stat("server", "Z", 100, 0));
  proc.Write("/43/stat", "43 (cut");
  proc.Write("/44/stat", "");
  for (const int pid : {42, 43, 44, 45}) {
    EXPECT_FALSE(ReadProcess(pid, proc.path()).has_value()) << pid;
  }
}

TEST(ReadProcess, ReadsThisProcess) {
  const std::optional<ProcessUse> use = ReadProcess(getpid());
  ASSERT_TRUE(use.has_value());
  EXPECT_GT(use->resident_bytes, 0u);
  EXPECT_GE(use->peak_resident_bytes, use->resident_bytes);
  EXPECT_GE(use->threads, 1u);
}

constexpr char kTableHead[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode\n";

TEST(FindListener, FindsTheLowestHolderOfTheSocket) {
  const FakeRoot proc;
  proc.Write("/net/tcp", std::string(kTableHead) +
                             "   0: 0100007F:107E 00000000:0000 01 00000000:00000000 00:00000000 "
                             "00000000     0        0 777 1 0 100 0 0 10 0\n"
                             "   1: 00000000:107E 00000000:0000 0A 00000000:00000000 00:00000000 "
                             "00000000     0        0 888 1 0 100 0 0 10 0\n");
  proc.Write("/net/tcp6", kTableHead);
  proc.Link("/7/fd/3", "socket:[777]");  // a connection, no listener
  proc.Link("/12/fd/0", "/dev/null");
  proc.Link("/12/fd/9", "socket:[888]");
  proc.Link("/100/fd/9", "socket:[888]");
  EXPECT_EQ(FindListener(4222, proc.path()), 12);
  EXPECT_EQ(FindListener(4223, proc.path()), std::nullopt);
}

TEST(FindListener, LooksAtIpv6Too) {
  const FakeRoot proc;
  proc.Write("/net/tcp6", std::string(kTableHead) +
                              "   0: 00000000000000000000000000000000:107E "
                              "00000000000000000000000000000000:0000 0A 00000000:00000000 "
                              "00:00000000 00000000     0        0 999 1 0 100 0 0 10 0\n");
  proc.Link("/5/fd/4", "socket:[999]");
  EXPECT_EQ(FindListener(4222, proc.path()), 5);
}

TEST(FindListener, FindsNobodyWhereItMayNotLook) {
  const FakeRoot proc;
  EXPECT_EQ(FindListener(4222, proc.path()), std::nullopt);
}

TEST(MachineBusySeconds, LeavesOutIdleAndDisks) {
  const FakeRoot proc;
  proc.Write("/stat", "cpu  100 20 300 9000 8000 1 2 3 50 60\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
  EXPECT_NEAR(MachineBusySeconds(proc.path()), 4.26, 1e-9);
  EXPECT_EQ(MachineBusySeconds(proc.path() + "/none"), 0);
  EXPECT_GT(MachineBusySeconds(), 0);
}

}  // namespace
}  // namespace martlet::measure
