#include "ops/process_signal.h"

#include <csignal>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

std::string ErrorOf(const SignalRequest& request, const std::vector<pid_t>& running) {
  const absl::StatusOr<SignalPlan> plan = PlanSignal(request, running);
  return plan.ok() ? "" : std::string(plan.status().message());
}

TEST(ParseSignalRequest, TakesCommandAndTargetApart) {
  EXPECT_EQ(ParseSignalRequest("reload")->command, "reload");
  EXPECT_EQ(ParseSignalRequest("reload")->target, "");
  EXPECT_EQ(ParseSignalRequest("reload=123")->target, "123");
  EXPECT_EQ(ParseSignalRequest("a=b=c=d").status().message(), "invalid signal parameters: [c d]");
}

TEST(ParseSignalRequest, ReadsThePidFile) {
  const std::string path = testing::TempDir() + "process_signal_test_" + std::to_string(::getpid());
  std::ofstream(path) << "4711";
  EXPECT_EQ(ParseSignalRequest("reload=" + path)->target, "4711");
  std::remove(path.c_str());
}

TEST(PlanSignal, KnowsTheCommands) {
  const std::pair<const char*, int> kCommands[] = {{"stop", SIGKILL},  {"quit", SIGINT},
                                                   {"term", SIGTERM},  {"reopen", SIGUSR1},
                                                   {"reload", SIGHUP}, {"ldm", SIGUSR2}};
  for (const auto& [command, signal] : kCommands) {
    const absl::StatusOr<SignalPlan> plan = PlanSignal({command, "5"}, {});
    ASSERT_TRUE(plan.ok()) << command;
    EXPECT_EQ(plan->signal, signal);
    EXPECT_EQ(plan->pids, std::vector<pid_t>{5});
  }
  EXPECT_EQ(ErrorOf({"foo", "5"}, {}), "unknown signal \"foo\"");
}

TEST(PlanSignal, WithoutAPidThereMustBeOneServer) {
  EXPECT_EQ(PlanSignal({"quit", ""}, {7})->pids, std::vector<pid_t>{7});
  EXPECT_EQ(ErrorOf({"quit", ""}, {}), "no nats-server processes running");
  EXPECT_EQ(ErrorOf({"quit", ""}, {7, 8}), "multiple nats-server processes running:\n7\n8");
  EXPECT_EQ(ErrorOf({"quit", "abc"}, {7}), "invalid pid: abc");
}

TEST(PlanSignal, AStarTakesAllThatBeginSo) {
  EXPECT_EQ(PlanSignal({"quit", "*"}, {7, 8})->pids, (std::vector<pid_t>{7, 8}));
  EXPECT_EQ(PlanSignal({"quit", "12*"}, {12, 123, 212})->pids, (std::vector<pid_t>{12, 123}));
  EXPECT_EQ(ErrorOf({"quit", "*"}, {}), "no nats-server processes running");
}

}  // namespace
}  // namespace martlet::ops
