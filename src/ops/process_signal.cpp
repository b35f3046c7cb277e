#include "ops/process_signal.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <dirent.h>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <unistd.h>

#include "base/go_parse.h"
#include "base/go_text.h"

namespace martlet::ops {
namespace {

constexpr size_t kPidFileBytesMax = 4096;

std::optional<int> SignalOf(std::string_view command) {
  struct Name {
    std::string_view command;
    int signal;
  };
  static constexpr Name kNames[] = {
      {"stop", SIGKILL},  {"quit", SIGINT}, {"reopen", SIGUSR1},
      {"reload", SIGHUP}, {"ldm", SIGUSR2}, {"term", SIGTERM},
  };
  for (const Name& name : kNames) {
    if (name.command == command) return name.signal;
  }
  return std::nullopt;
}

std::optional<std::string> ReadSmallFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string text(kPidFileBytesMax, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return std::nullopt;
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace

absl::StatusOr<SignalRequest> ParseSignalRequest(std::string_view text) {
  const size_t equals = text.find('=');
  SignalRequest request;
  request.command = text.substr(0, equals);
  if (equals == text.npos) return request;
  const std::string_view target = text.substr(equals + 1);
  if (const size_t more = target.find('='); more != target.npos) {
    std::string rest(target.substr(more + 1));
    std::replace(rest.begin(), rest.end(), '=', ' ');
    return absl::InvalidArgumentError("invalid signal parameters: [" + rest + "]");
  }
  request.target = target;
  if (const auto content = ReadSmallFile(request.target)) request.target = *content;
  return request;
}

absl::StatusOr<SignalPlan> PlanSignal(const SignalRequest& request,
                                      const std::vector<pid_t>& running) {
  std::string_view pid_text = request.target;
  const bool several = pid_text.ends_with('*');
  if (several) pid_text.remove_suffix(1);
  SignalPlan plan;
  if (!pid_text.empty()) {
    const std::optional<int64_t> pid = base::ParseGoInt(pid_text);
    if (!pid) return absl::InvalidArgumentError("invalid pid: " + std::string(pid_text));
    plan.pids = {static_cast<pid_t>(*pid)};
  }
  if (pid_text.empty() || several) plan.pids = running;
  if (plan.pids.size() > 1 && !several) {
    std::string text = "multiple nats-server processes running:";
    for (const pid_t pid : plan.pids) text += "\n" + std::to_string(pid);
    return absl::FailedPreconditionError(text);
  }
  if (plan.pids.empty()) return absl::NotFoundError("no nats-server processes running");
  const std::optional<int> signal = SignalOf(request.command);
  if (!signal) {
    return absl::InvalidArgumentError("unknown signal " + base::GoQuote(request.command));
  }
  plan.signal = *signal;
  if (several) {
    std::erase_if(plan.pids, [&](pid_t pid) { return !std::to_string(pid).starts_with(pid_text); });
  }
  return plan;
}

std::vector<pid_t> RunningServers() {
  std::vector<pid_t> pids;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc"), &::closedir);
  if (directory == nullptr) return pids;
  while (const dirent* entry = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
    const std::optional<int64_t> pid = base::ParseGoInt(entry->d_name);
    if (!pid || *pid == ::getpid()) continue;
    std::ifstream comm("/proc/" + std::to_string(*pid) + "/comm");
    std::string name;
    std::getline(comm, name);
    if (name == "nats-server" || name == "martlet-server") {
      pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

absl::Status SendSignal(std::string_view text) {
  const absl::StatusOr<SignalRequest> request = ParseSignalRequest(text);
  if (!request.ok()) return request.status();
  const absl::StatusOr<SignalPlan> plan = PlanSignal(*request, RunningServers());
  if (!plan.ok()) return plan.status();
  std::string failed;
  for (const pid_t pid : plan->pids) {
    if (::kill(pid, plan->signal) == 0) continue;
    failed += "\nsignal " + base::GoQuote(request->command) + " " + std::to_string(pid) + ": " +
              base::GoErrno(errno);
  }
  return failed.empty() ? absl::OkStatus() : absl::UnavailableError(failed);
}

}  // namespace martlet::ops
