#include "measure/machine.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sched.h>
#include <string_view>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>

#include "measure/text_file.h"

namespace martlet::measure {
namespace {

namespace fs = std::filesystem;

std::string Kernel() {
  utsname name = {};
  if (uname(&name) != 0) return {};
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

unsigned UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  return static_cast<unsigned>(CPU_COUNT(&set));
}

/// The value of the first line of cpuinfo or meminfo that begins with `key`.
std::string_view ColonValue(std::string_view text, std::string_view key) {
  std::string_view line = LineAfter(text, key);
  if (!line.starts_with(':')) return line;
  line.remove_prefix(1);
  return line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
}

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

/// The hypervisor as the firmware names it: vendors put their own name there.
std::string Hypervisor(const std::string& root, std::string_view cpuinfo) {
  struct Known {
    std::string_view firmware;
    std::string_view name;
  };
  static constexpr Known kKnown[] = {
      {"KVM", "kvm"},
      {"QEMU", "kvm"},
      {"Google", "kvm (Google)"},
      {"Amazon EC2", "amazon"},
      {"VMware", "vmware"},
      {"VirtualBox", "virtualbox"},
      {"Microsoft", "hyper-v"},
      {"Xen", "xen"},
      {"DigitalOcean", "kvm (DigitalOcean)"},
      {"Hetzner", "kvm (Hetzner)"},
  };
  // A server of these makers that is no guest does not set the flag; an ARM guest has no flags.
  const std::string_view flags = ColonValue(cpuinfo, "flags");
  const std::vector<std::string_view> words = Words(flags);
  const bool guest = std::find(words.begin(), words.end(), "hypervisor") != words.end();
  if (!guest && !flags.empty()) return {};
  const std::string firmware = ReadText(root + "/sys/class/dmi/id/sys_vendor") + " " +
                               ReadText(root + "/sys/class/dmi/id/product_name");
  for (const Known& known : kKnown) {
    if (firmware.find(known.firmware) != firmware.npos) return std::string(known.name);
  }
  std::string type = ReadText(root + "/sys/hypervisor/type");
  if (!type.empty()) return type;
  return guest ? "virtual machine" : "";
}

std::string Container(const std::string& root) {
  if (Exists(root + "/.dockerenv")) return "docker";
  if (Exists(root + "/run/.containerenv")) return "podman";
  return ReadText(root + "/run/systemd/container");
}

std::string Virtualization(const std::string& root, std::string_view cpuinfo) {
  std::string text = Hypervisor(root, cpuinfo);
  const std::string container = Container(root);
  if (!text.empty() && !container.empty()) text += ", ";
  return text + container;
}

std::vector<std::string> Mitigations(const std::string& root) {
  std::vector<std::string> found;
  std::error_code error;
  fs::directory_iterator it(root + "/sys/devices/system/cpu/vulnerabilities", error);
  for (const fs::directory_iterator end; !error && it != end; it.increment(error)) {
    const std::string state = ReadText(it->path().native());
    if (state.starts_with("Mitigation")) {
      found.push_back(it->path().filename().native() + ": " + state);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string Distribution(const std::string& root) {
  const std::string text = ReadText(root + "/etc/os-release");
  std::string_view name = LineAfter(text, "PRETTY_NAME=");
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
    name = name.substr(1, name.size() - 2);
  }
  return std::string(name);
}

std::string CpuModel(std::string_view cpuinfo) {
  for (const std::string_view key : {"model name", "Model", "Hardware", "uarch"}) {
    if (const std::string_view model = ColonValue(cpuinfo, key); !model.empty()) {
      return std::string(model);
    }
  }
  return {};
}

std::string Gibibytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / (1024.0 * 1024 * 1024));
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Machine::Rows() const {
  std::vector<std::pair<std::string, std::string>> rows;
  const auto add = [&rows](const char* name, const std::string& value) {
    if (!value.empty()) rows.emplace_back(name, value);
  };
  add("CPU", cpu);
  if (cpus != 0) {
    std::string count = std::to_string(cpus);
    if (cpus_online != 0 && cpus_online != cpus) count += " of " + std::to_string(cpus_online);
    add("CPUs usable", count);
  }
  add("CPU governor", governor);
  if (memory_bytes != 0) add("memory", Gibibytes(memory_bytes));
  add("virtualization", virtualization);
  add("kernel", kernel);
  add("distribution", distribution);
  std::string all;
  for (const std::string& mitigation : mitigations) all += (all.empty() ? "" : "\n") + mitigation;
  add("mitigations", all);
  return rows;
}

Machine ReadMachine(const std::string& root) {
  const std::string cpuinfo = ReadText(root + "/proc/cpuinfo");
  const std::string meminfo = ReadText(root + "/proc/meminfo");
  Machine machine;
  machine.kernel = Kernel();
  machine.cpu = CpuModel(cpuinfo);
  machine.cpus = UsableCpus();
  machine.cpus_online = static_cast<unsigned>(std::max(0L, sysconf(_SC_NPROCESSORS_ONLN)));
  machine.governor = ReadText(root + "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  machine.virtualization = Virtualization(root, cpuinfo);
  machine.memory_bytes =
      ParseNumber<uint64_t>(ColonValue(meminfo, "MemTotal:")).value_or(0) * uint64_t{1024};
  machine.mitigations = Mitigations(root);
  machine.distribution = Distribution(root);
  return machine;
}

}  // namespace martlet::measure
