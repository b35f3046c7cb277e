#include "measure/process.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "measure/text_file.h"

namespace martlet::measure {
namespace {

namespace fs = std::filesystem;

double TicksPerSecond() { return static_cast<double>(sysconf(_SC_CLK_TCK)); }

uint64_t NumberAfter(std::string_view text, std::string_view key) {
  return ParseNumber<uint64_t>(LineAfter(text, key)).value_or(0);
}

/// Names in a folder of /proc that are numbers, rising. What vanishes meanwhile is left out.
std::vector<int> NumbersIn(const std::string& folder) {
  std::vector<int> numbers;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (const auto number = ParseNumber<int>(it->path().filename().native())) {
      numbers.push_back(*number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

/// User and system ticks. Nothing for a zombie. The command's name may hold anything, so that the
/// fields are counted from its last parenthesis: the state is the first.
std::optional<std::pair<uint64_t, uint64_t>> ReadTicks(std::string_view stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == stat.npos) return std::nullopt;
  const std::vector<std::string_view> fields = Words(stat.substr(name_end + 1));
  if (fields.size() < 13 || fields[0] == "Z" || fields[0] == "X") return std::nullopt;
  const auto user = ParseNumber<uint64_t>(fields[11]);
  const auto system = ParseNumber<uint64_t>(fields[12]);
  if (!user || !system) return std::nullopt;
  return std::pair(*user, *system);
}

/// Adds what only the threads know; returns the nanoseconds that those alive now have run.
uint64_t AddThreads(const std::string& folder, ProcessUse& use) {
  uint64_t ran_ns = 0;
  for (const int thread : NumbersIn(folder)) {
    const std::string path = folder + "/" + std::to_string(thread);
    ran_ns += ParseNumber<uint64_t>(ReadText(path + "/schedstat")).value_or(0);
    const std::string status = ReadText(path + "/status");
    use.voluntary_switches += NumberAfter(status, "voluntary_ctxt_switches:");
    use.involuntary_switches += NumberAfter(status, "nonvoluntary_ctxt_switches:");
    ++use.threads;
    if (LineAfter(status, "Name:").find("iou-wrk-") != std::string_view::npos) ++use.kernel_workers;
  }
  return ran_ns;
}

/// The ticks hold threads that have ended too, the nanoseconds are finer: the greater is right.
void SetTimes(std::pair<uint64_t, uint64_t> ticks, uint64_t ran_ns, ProcessUse& use) {
  const double user = static_cast<double>(ticks.first) / TicksPerSecond();
  const double system = static_cast<double>(ticks.second) / TicksPerSecond();
  const double rest = std::max(0.0, static_cast<double>(ran_ns) / 1e9 - user - system);
  const double user_share = user + system > 0 ? user / (user + system) : 1;
  use.user_seconds = user + rest * user_share;
  use.system_seconds = system + rest * (1 - user_share);
}

/// Inodes of the sockets that listen on `port`, from one of the tables in /proc/net.
void AddListening(const std::string& table, uint16_t port, std::vector<std::string>& links) {
  static constexpr std::string_view kListening = "0A";
  const std::string text = ReadText(table);
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::vector<std::string_view> fields = Words(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (fields.size() < 10 || fields[3] != kListening) continue;
    const std::string_view local = fields[1];
    const size_t colon = local.rfind(':');
    if (colon == local.npos) continue;
    if (ParseNumber<uint16_t>(local.substr(colon + 1), 16) == port) {
      links.push_back("socket:[" + std::string(fields[9]) + "]");
    }
  }
}

bool HoldsAny(const std::string& fd_folder, const std::vector<std::string>& links) {
  std::error_code error;
  for (fs::directory_iterator it(fd_folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code unreadable;
    const std::string link = fs::read_symlink(it->path(), unreadable).native();
    if (std::find(links.begin(), links.end(), link) != links.end()) return true;
  }
  return false;
}

}  // namespace

std::optional<ProcessUse> ReadProcess(int pid, const std::string& proc) {
  const std::string folder = proc + "/" + std::to_string(pid);
  const auto ticks = ReadTicks(ReadText(folder + "/stat"));
  if (!ticks) return std::nullopt;
  const std::string status = ReadText(folder + "/status");

  ProcessUse use;
  use.resident_bytes = NumberAfter(status, "VmRSS:") * 1024;
  use.peak_resident_bytes = NumberAfter(status, "VmHWM:") * 1024;
  const uint64_t ran_ns = AddThreads(folder + "/task", use);
  SetTimes(*ticks, ran_ns, use);
  return use;
}

std::optional<int> FindListener(uint16_t port, const std::string& proc) {
  std::vector<std::string> links;
  AddListening(proc + "/net/tcp", port, links);
  AddListening(proc + "/net/tcp6", port, links);
  if (links.empty()) return std::nullopt;
  for (const int pid : NumbersIn(proc)) {
    if (HoldsAny(proc + "/" + std::to_string(pid) + "/fd", links)) return pid;
  }
  return std::nullopt;
}

double MachineBusySeconds(const std::string& proc) {
  // user nice system idle iowait irq softirq steal; guests are in user and nice already.
  const std::string text = ReadText(proc + "/stat");
  const std::vector<std::string_view> fields = Words(LineAfter(text, "cpu "));
  uint64_t busy_ticks = 0;
  for (size_t i = 0; i < std::min<size_t>(fields.size(), 8); ++i) {
    if (i == 3 || i == 4) continue;
    busy_ticks += ParseNumber<uint64_t>(fields[i]).value_or(0);
  }
  return static_cast<double>(busy_ticks) / TicksPerSecond();
}

}  // namespace martlet::measure
