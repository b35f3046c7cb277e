#include "cli/subprocess.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/go_text.h"
#include "base/unique_fd.h"

namespace martlet::cli {
namespace {

/// A file in memory: unlike a pipe it takes any input without a reader.
base::UniqueFd FileWith(std::string_view text) {
  base::UniqueFd fd(::memfd_create("input", MFD_CLOEXEC));
  while (fd && !text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0) return base::UniqueFd();
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (fd) ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Environment(
    const std::vector<std::pair<std::string, std::string>>& extra) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  for (const auto& [name, value] : extra) {
    std::string& entry = all.emplace_back(name);
    entry.append("=").append(value);
  }
  return all;
}

/// Starts it with `input` as its standard input and `output` as its outputs; 0 or an errno.
int Start(const std::vector<std::string>& words,
          const std::vector<std::pair<std::string, std::string>>& environment, int input,
          int output, pid_t& pid) {
  std::vector<std::string> arguments = words;
  std::vector<std::string> variables = Environment(environment);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  ::posix_spawnattr_init(&attributes);
  sigset_t defaults;
  ::sigemptyset(&defaults);
  ::sigaddset(&defaults, SIGPIPE);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int error = ::posix_spawnp(&pid, arguments[0].c_str(), &actions, &attributes,
                                   Pointers(arguments).data(), Pointers(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  return error;
}

std::string ReadAll(int fd, const std::function<void()>& meanwhile) {
  constexpr int kWaitMs = 5;
  std::string all;
  char buffer[65536];
  while (true) {
    meanwhile();
    pollfd wait = {.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&wait, 1, kWaitMs) <= 0) continue;
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return all;
    all.append(buffer, static_cast<size_t>(got));
  }
}

std::string HowItEnded(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return "signal: " + std::to_string(WTERMSIG(status));
  if (WEXITSTATUS(status) == 0) return {};
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

CommandResult RunCommand(const std::vector<std::string>& words, std::string_view input,
                         const std::vector<std::pair<std::string, std::string>>& environment,
                         const std::function<void()>& meanwhile) {
  const base::UniqueFd in = FileWith(input);
  int ends[2];
  if (!in || ::pipe2(ends, O_CLOEXEC) != 0) return {.output = {}, .error = base::GoErrno(errno)};
  const base::UniqueFd out(ends[0]);
  base::UniqueFd theirs(ends[1]);
  pid_t pid = 0;
  const int error = Start(words, environment, in.get(), theirs.get(), pid);
  theirs.Reset();
  if (error == ENOENT && words[0].find('/') == std::string::npos) {
    return {.output = {},
            .error = "exec: " + base::GoQuote(words[0]) + ": executable file not found in $PATH"};
  }
  if (error != 0) return {.output = {}, .error = "exec " + words[0] + ": " + base::GoErrno(error)};
  CommandResult result;
  result.output = ReadAll(out.get(), meanwhile);
  result.error = HowItEnded(pid);
  return result;
}

}  // namespace martlet::cli
