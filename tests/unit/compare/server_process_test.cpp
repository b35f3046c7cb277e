#include "compare/server_process.h"

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>

#include <gtest/gtest.h>

#include "compare/placement.h"
#include "little_server.h"

namespace martlet::compare {
namespace {

using Process = std::unique_ptr<ServerProcess>;
using std::chrono::milliseconds;

absl::StatusOr<Process> Start(const std::string& command) {
  return ServerProcess::Start({.command = command});
}

bool Accepts(uint16_t port) {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

/// Waits for what must come by itself; generous, because a test machine may be slow.
bool EndsByItself(ServerProcess& process) {
  for (int i = 0; i < 2000 && process.Running(); ++i) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  return !process.Running();
}

TEST(ServerProcess, IsReadyWhenStartedAndGoneWhenStopped) {
  const absl::StatusOr<Process> process = Start(LittleServer() + " {port}");
  ASSERT_TRUE(process.ok()) << process.status();
  const pid_t pid = (*process)->pid();
  EXPECT_TRUE((*process)->Running());
  EXPECT_TRUE(Accepts((*process)->port()));
  EXPECT_EQ(::getpgid(pid), pid);
  (*process)->Stop();
  EXPECT_FALSE((*process)->Running());
  EXPECT_FALSE(Accepts((*process)->port()));
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ((*process)->Ending(), "signal 15 (Terminated)");
  (*process)->Stop();
}

TEST(ServerProcess, AppendsThePortWhereTheCommandHasNone) {
  const absl::StatusOr<Process> process =
      Start(LittleServer("INFO {}", "print(sys.argv[1:], flush=True)") + " -V");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ((*process)->OutputTail(),
            "['-V', '-a', '127.0.0.1', '-p', '" + std::to_string((*process)->port()) + "']");
}

TEST(ServerProcess, PinsAndTellsGoHowManyCpusThereAre) {
  static constexpr const char* kTell =
      "print(os.environ.get(\"GOMAXPROCS\"), sorted(os.sched_getaffinity(0)), flush=True)";
  const int cpu = ReadCpus().cpus.back();
  StartOptions options{.command = LittleServer("INFO {}", kTell)};
  options.cpus = {cpu};
  const absl::StatusOr<Process> pinned = ServerProcess::Start(options);
  ASSERT_TRUE(pinned.ok()) << pinned.status();
  EXPECT_EQ((*pinned)->OutputTail(), "1 [" + std::to_string(cpu) + "]");

  options.command = "GOMAXPROCS=7 " + options.command;
  const absl::StatusOr<Process> own = ServerProcess::Start(options);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ((*own)->OutputTail(), "7 [" + std::to_string(cpu) + "]");
}

TEST(ServerProcess, SaysThatThereIsNoSuchProgram) {
  EXPECT_EQ(Start("/nonexistent/server -x").status().message(),
            "server \"/nonexistent/server -x\": cannot be started: no such file or directory");
}

TEST(ServerProcess, ShowsTheOutputOfOneThatEndsAtOnce) {
  const absl::Status status =
      Start("python3 -S -E -c 'import sys; sys.exit(\"no licence\")'").status();
  EXPECT_NE(status.message().find("ended before it was ready: exit status 1; the end of its "
                                  "output:\nno licence"),
            std::string::npos)
      << status;
}

TEST(ServerProcess, RefusesAnotherGreeting) {
  const absl::Status status = Start(LittleServer("HELLO you")).status();
  EXPECT_NE(status.message().find("but not with INFO"), std::string::npos) << status;
}

TEST(ServerProcess, WaitsForInfoOnlySoLong) {
  StartOptions options{.command =
                           LittleServer("", "print(\"sleeping\", flush=True); signal.pause()")};
  options.ready_within = milliseconds(300);
  const absl::Status status = ServerProcess::Start(options).status();
  EXPECT_NE(status.message().find("does not listen on port"), std::string::npos) << status;
  EXPECT_NE(status.message().find("within 300ms"), std::string::npos) << status;
}

TEST(ServerProcess, AcceptingIsEnoughWhereNoInfoIsExpected) {
  StartOptions options{.command = LittleServer("\\x16\\x03")};
  options.expect_info = false;
  EXPECT_TRUE(ServerProcess::Start(options).ok());
}

TEST(ServerProcess, KillsOneThatDoesNotMindTheSignal) {
  StartOptions options{
      .command = LittleServer("INFO {}", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")};
  options.stop_within = milliseconds(50);
  const absl::StatusOr<Process> process = ServerProcess::Start(options);
  ASSERT_TRUE(process.ok()) << process.status();
  (*process)->Stop();
  EXPECT_EQ((*process)->Ending(), "signal 9 (Killed)");
}

TEST(ServerProcess, TakesWhatItStartedAlong) {
  // Orphans become ours, so that their end can be seen.
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const absl::StatusOr<Process> process = Start(
      LittleServer("INFO {}", "print(subprocess.Popen([\"sleep\", \"1000\"]).pid, flush=True)"));
  ASSERT_TRUE(process.ok()) << process.status();
  const pid_t grandchild = std::atoi((*process)->OutputTail().c_str());
  ASSERT_GT(grandchild, 0);
  (*process)->Stop();
  int status = 0;
  EXPECT_EQ(::waitpid(grandchild, &status, 0), grandchild);
  EXPECT_TRUE(WIFSIGNALED(status));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(ServerProcess, KnowsThatItEnded) {
  const absl::StatusOr<Process> process = Start(LittleServer());
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_EQ((*process)->Ending(), "");
  ASSERT_EQ(::kill((*process)->pid(), SIGSEGV), 0);
  EXPECT_TRUE(EndsByItself(**process));
  EXPECT_EQ((*process)->Ending(), "signal 11 (Segmentation fault)");
}

TEST(ServerProcess, DiesWithTheThreadThatStartedIt) {
  absl::StatusOr<Process> process;
  std::thread([&process] { process = Start(LittleServer()); }).join();
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE(EndsByItself(**process));
  EXPECT_EQ((*process)->Ending(), "signal 9 (Killed)");
}

}  // namespace
}  // namespace martlet::compare
