#include "measure/machine.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fake_root.h"

namespace martlet::measure {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

TEST(ReadMachine, ReadsWhatTheKernelSays) {
  const FakeRoot root;
  root.Write("/proc/cpuinfo",
             "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nflags\t\t: fpu hypervisor sse\n");
  root.Write("/proc/meminfo", "MemTotal:       16384000 kB\nMemFree: 1 kB\n");
  root.Write("/sys/class/dmi/id/sys_vendor", "QEMU\n");
  root.Write("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
  root.Write("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n");
  root.Write("/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n");
  root.Write("/etc/os-release", "NAME=x\nPRETTY_NAME=\"Some Linux 12\"\n");
  root.Write("/.dockerenv", "");

  const Machine machine = ReadMachine(root.path());
  EXPECT_EQ(machine.cpu, "Some CPU @ 2.0GHz");
  EXPECT_EQ(machine.memory_bytes, 16384000u * 1024ull);
  EXPECT_EQ(machine.virtualization, "kvm, docker");
  EXPECT_EQ(machine.governor, "performance");
  EXPECT_EQ(machine.mitigations, std::vector<std::string>{"spectre_v2: Mitigation: Retpolines"});
  EXPECT_EQ(machine.distribution, "Some Linux 12");
  EXPECT_TRUE(machine.kernel.starts_with("Linux ")) << machine.kernel;
  EXPECT_GE(machine.cpus, 1u);
}

TEST(ReadMachine, AServersMakerIsNoHypervisor) {
  const FakeRoot root;
  root.Write("/proc/cpuinfo", "flags\t\t: fpu sse\n");
  root.Write("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n");
  EXPECT_EQ(ReadMachine(root.path()).virtualization, "");
}

TEST(ReadMachine, ToleratesAnEmptySystem) {
  const FakeRoot root;
  const Machine machine = ReadMachine(root.path());
  EXPECT_EQ(machine.cpu, "");
  EXPECT_EQ(machine.virtualization, "");
  EXPECT_EQ(machine.memory_bytes, 0u);
  EXPECT_TRUE(machine.mitigations.empty());
}

TEST(Machine, RowsHoldOnlyWhatIsKnown) {
  EXPECT_EQ(Machine().Rows(), Rows());
  Machine machine;
  machine.cpu = "c";
  machine.cpus = 2;
  machine.cpus_online = 8;
  machine.memory_bytes = uint64_t{3} << 30;
  machine.mitigations = {"a: b", "c: d"};
  EXPECT_EQ(machine.Rows(), (Rows{{"CPU", "c"},
                                  {"CPUs usable", "2 of 8"},
                                  {"memory", "3.0 GiB"},
                                  {"mitigations", "a: b\nc: d"}}));
}

}  // namespace
}  // namespace martlet::measure
