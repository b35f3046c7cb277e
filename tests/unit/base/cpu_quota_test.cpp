#include "base/cpu_quota.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

/// A control group tree in a folder of its own.
class CpuQuotaTest : public testing::Test {
 protected:
  CpuQuotaTest() {
    std::string name = testing::TempDir() + "quota-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  ~CpuQuotaTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double Quota() const { return CpuQuota(root_ / "membership", root_ / "mount"); }

  std::filesystem::path root_;
};

TEST_F(CpuQuotaTest, NothingToReadMeansNoLimit) { EXPECT_EQ(Quota(), 0); }

TEST_F(CpuQuotaTest, Version2TakesTheSmallestOnTheWayUp) {
  Write("membership", "0::/pod/box\n");
  Write("mount/pod/box/cpu.max", "max 100000\n");
  EXPECT_EQ(Quota(), 0);
  Write("mount/pod/cpu.max", "250000 100000\n");
  EXPECT_DOUBLE_EQ(Quota(), 2.5);
  Write("mount/pod/box/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(Quota(), 0.5);
}

TEST_F(CpuQuotaTest, AsksTheRootWhereThePathIsTheHosts) {
  Write("membership", "0::/docker/0123\n");
  Write("mount/cpu.max", "150000 100000\n");
  EXPECT_DOUBLE_EQ(Quota(), 1.5);
}

TEST_F(CpuQuotaTest, Version1HasItsControllersInFolders) {
  Write("membership", "9:memory:/a\n4:cpu,cpuacct:/a\n0::/\n");
  Write("mount/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  Write("mount/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(Quota(), 0);
  Write("mount/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
  EXPECT_DOUBLE_EQ(Quota(), 3);
}

TEST_F(CpuQuotaTest, NonsenseIsNoLimit) {
  Write("membership", "no colons\n0:cpu\n0::/\n\n");
  Write("mount/cpu.max", "-5 0\n");
  EXPECT_EQ(Quota(), 0);
}

}  // namespace
}  // namespace martlet::base
