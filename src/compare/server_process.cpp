#include "compare/server_process.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string_view>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/go_text.h"

namespace martlet::compare {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{2};
constexpr int kStartTries = 3;

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// A port that was free a moment ago; 0 when there is none.
uint16_t FreePort() {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return 0;
  }
  return ntohs(address.sin_port);
}

base::UniqueFd OpenOutput() {
  base::UniqueFd fd(::open(P_tmpdir, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600));
  if (!fd) fd.Reset(::memfd_create("server-output", MFD_CLOEXEC));
  return fd;
}

/// Whether it answers on `port` as a server does.
enum class Greeting : uint8_t { kRefused, kSilent, kInfo, kOther };

Greeting Greet(uint16_t port, bool expect_info, milliseconds patience) {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = Loopback(port);
  if (!fd ||
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Greeting::kRefused;
  }
  if (!expect_info) return Greeting::kInfo;
  // To the end of the line: closing on unread bytes would reset the connection, and be logged.
  static constexpr size_t kLineMax = size_t{64} << 10;
  std::string line;
  const Clock::time_point until = Clock::now() + patience;
  while (line.find('\n') == std::string::npos && line.size() < kLineMax) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now()).count();
    pollfd wanted{fd.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&wanted, 1, static_cast<int>(left)) <= 0) return Greeting::kSilent;
    char bytes[4096];
    const ssize_t got = ::recv(fd.get(), bytes, sizeof bytes, 0);
    if (got <= 0) return Greeting::kRefused;  // it may have been on its way up
    line.append(bytes, static_cast<size_t>(got));
  }
  return line.starts_with("INFO ") ? Greeting::kInfo : Greeting::kOther;
}

/// Everything that the child needs between fork and exec, where it may allocate nothing.
struct ChildPlan {
  std::vector<std::string> environment_texts;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  cpu_set_t cpus{};
  bool pinned = false;
  pid_t parent = 0;
  int input = -1;
  int output = -1;
  int failure = -1;  // gets errno when exec fails; closed by exec otherwise
};

bool Sets(const std::vector<std::pair<std::string, std::string>>& environment,
          std::string_view name) {
  return std::any_of(environment.begin(), environment.end(),
                     [name](const auto& entry) { return entry.first == name; });
}

std::vector<std::string> Environment(const StartOptions& options, const Command& command) {
  std::vector<std::pair<std::string, std::string>> own = command.environment;
  if (!options.cpus.empty() && !Sets(own, "GOMAXPROCS")) {
    own.emplace_back("GOMAXPROCS", std::to_string(options.cpus.size()));
  }
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!Sets(own, text.substr(0, text.find('=')))) out.emplace_back(text);
  }
  for (const auto& [name, value] : own) out.emplace_back(name).append("=").append(value);
  return out;
}

/// Points into `command`, which outlives the fork.
ChildPlan PlanChild(const StartOptions& options, const Command& command) {
  ChildPlan plan;
  for (const std::string& word : command.words) {
    plan.arguments.push_back(const_cast<char*>(word.c_str()));
  }
  plan.arguments.push_back(nullptr);
  plan.environment_texts = Environment(options, command);
  for (std::string& entry : plan.environment_texts) plan.environment.push_back(entry.data());
  plan.environment.push_back(nullptr);
  CPU_ZERO(&plan.cpus);
  for (const int cpu : options.cpus) CPU_SET(static_cast<unsigned>(cpu), &plan.cpus);
  plan.pinned = !options.cpus.empty();
  plan.parent = ::getpid();
  return plan;
}

[[noreturn]] void RunChild(const ChildPlan& plan) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have gone before that took hold.
  if (::getppid() != plan.parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
  const bool ready = ::dup2(plan.input, 0) >= 0 && ::dup2(plan.output, 1) >= 0 &&
                     ::dup2(plan.output, 2) >= 0 &&
                     (!plan.pinned || ::sched_setaffinity(0, sizeof plan.cpus, &plan.cpus) == 0);
  // Old kernels refuse: then only what was opened without O_CLOEXEC gets through.
  if (ready) ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (ready) ::execvpe(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(plan.failure, &error, sizeof error);
  ::_exit(127);
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

bool PortWasTaken(const ServerProcess& process) {
  return Lower(process.OutputTail()).find("address already in use") != std::string::npos;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const StartOptions& options) {
  const absl::StatusOr<Command> command = ParseCommand(options.command);
  if (!command.ok()) return command.status();
  absl::StatusOr<std::unique_ptr<ServerProcess>> process;
  for (int tries = 0; tries < kStartTries; ++tries) {
    process = TryStart(options, *command);
    if (process.ok() || !absl::IsAlreadyExists(process.status())) break;
  }
  return process;
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::TryStart(const StartOptions& options,
                                                                       const Command& command) {
  std::unique_ptr<ServerProcess> process(new ServerProcess());
  process->stop_within_ = options.stop_within;
  process->port_ = FreePort();
  if (process->port_ == 0) return absl::UnavailableError("no free port on 127.0.0.1");
  absl::Status status =
      process->Launch(options, WithPort(command, process->port_, options.append_port));
  if (status.ok()) status = process->WaitUntilReady(options);
  if (status.ok()) return process;

  const bool taken = process->ended_ && PortWasTaken(*process);
  std::string text = "server \"" + options.command + "\": " + std::string(status.message());
  const std::string tail = process->OutputTail();
  if (!tail.empty()) text += "; the end of its output:\n" + tail;
  return taken ? absl::AlreadyExistsError(text) : absl::Status(status.code(), text);
}

absl::Status ServerProcess::Launch(const StartOptions& options, const Command& command) {
  output_ = OpenOutput();
  const base::UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  int ends[2];
  if (!output_ || !input || ::pipe2(ends, O_CLOEXEC) != 0) {
    return absl::UnavailableError("no descriptors for its output: " + base::GoErrno(errno));
  }
  const base::UniqueFd failed(ends[0]);
  base::UniqueFd fail(ends[1]);
  ChildPlan plan = PlanChild(options, command);
  plan.input = input.get();
  plan.output = output_.get();
  plan.failure = fail.get();
  const pid_t pid = ::fork();
  if (pid == 0) RunChild(plan);
  if (pid < 0) return absl::UnavailableError("fork: " + base::GoErrno(errno));
  pid_ = pid;
  ::setpgid(pid, pid);  // whichever of the two comes first; the other's refusal does not matter
  fail.Reset();
  int error = 0;
  if (::read(failed.get(), &error, sizeof error) != sizeof error) return absl::OkStatus();
  return absl::NotFoundError("cannot be started: " + base::GoErrno(error));
}

absl::Status ServerProcess::WaitUntilReady(const StartOptions& options) {
  const Clock::time_point until = Clock::now() + options.ready_within;
  Greeting last = Greeting::kRefused;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - Clock::now());
    if (left.count() <= 0) break;
    last = Greet(port_, options.expect_info, left);
    // Somebody else may answer there, should ours have failed to listen.
    if (!Running()) return absl::UnavailableError("ended before it was ready: " + Ending());
    if (last == Greeting::kInfo) return absl::OkStatus();
    if (last == Greeting::kOther) {
      return absl::FailedPreconditionError("answers on port " + std::to_string(port_) +
                                           ", but not with INFO");
    }
    std::this_thread::sleep_for(kPoll);
  }
  return absl::DeadlineExceededError(
      (last == Greeting::kSilent ? "accepts on port " + std::to_string(port_) + " but sends no INFO"
                                 : "does not listen on port " + std::to_string(port_)) +
      " within " + base::GoDuration(options.ready_within));
}

bool ServerProcess::Running() {
  if (ended_ || pid_ < 0) return false;
  siginfo_t info{};
  // It stays a zombie until Stop(): so long its process group cannot become somebody else's.
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return false;
  }
  if (info.si_pid == 0) return true;
  ended_ = true;
  ending_code_ = info.si_code;
  ending_status_ = info.si_status;
  return false;
}

std::string ServerProcess::Ending() {
  if (Running() || !ended_) return {};
  if (ending_code_ == CLD_EXITED) return "exit status " + std::to_string(ending_status_);
  const char* name = ::sigdescr_np(ending_status_);
  std::string out = "signal " + std::to_string(ending_status_);
  if (name != nullptr) out += " (" + std::string(name) + ")";
  return out;
}

bool ServerProcess::EndsWithin(milliseconds time) {
  const Clock::time_point until = Clock::now() + time;
  while (Running()) {
    if (Clock::now() >= until) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

void ServerProcess::Stop() {
  if (pid_ < 0) return;
  if (Running()) {
    ::kill(-pid_, SIGTERM);
    EndsWithin(stop_within_);
  }
  ::kill(-pid_, SIGKILL);  // it, or what it has started and left behind
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  if (!ended_) {
    ended_ = true;
    ending_code_ = info.si_code;
    ending_status_ = info.si_status;
  }
  pid_ = -1;
}

std::string ServerProcess::OutputTail(size_t lines) const {
  static constexpr off_t kBytesMax = 4096;
  struct stat file {};
  if (::fstat(output_.get(), &file) != 0 || file.st_size == 0) return {};
  const off_t from = std::max<off_t>(0, file.st_size - kBytesMax);
  std::string text(static_cast<size_t>(file.st_size - from), '\0');
  const ssize_t got = ::pread(output_.get(), text.data(), text.size(), from);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  size_t at = text.size();
  for (size_t line = 0; line < lines && at != std::string::npos && at > 0; ++line) {
    at = text.rfind('\n', at - 1);
  }
  if (at != std::string::npos && at > 0) text.erase(0, at + 1);
  return text;
}

}  // namespace martlet::compare
