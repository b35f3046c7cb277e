#include "ops/cluster_flags.h"

#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "ops/command_line.h"

namespace martlet::ops {
namespace {

Invocation InvokeCluster(const std::vector<std::string_view>& arguments) {
  CommandLine command = ParseCommandLine(arguments);
  EXPECT_TRUE(std::holds_alternative<Invocation>(command));
  return std::get<Invocation>(std::move(command));
}

TEST(ClusterFlags, AreThoseOfTheUpgradeGuide) {
  const Invocation invocation =
      InvokeCluster({"-D", "-p", "4222", "-cluster", "nats://localhost:6222", "-routes",
                     "nats://localhost:6222,nats://localhost:6333"});
  EXPECT_EQ(invocation.Problem({}), "");
  const ClusterOptions cluster = invocation.options().cluster;
  EXPECT_EQ(cluster.host, "localhost");
  EXPECT_EQ(cluster.port, 6222);
  EXPECT_EQ(cluster.routes,
            (std::vector<std::string>{"nats://localhost:6222", "nats://localhost:6333"}));
  EXPECT_EQ(cluster.pinned_accounts, std::vector<std::string>{"$SYS"});
}

TEST(ClusterFlags, TheRestIsSetToo) {
  const ClusterOptions cluster =
      InvokeCluster({"-cluster_listen", "nats://u:p@0.0.0.0:-1", "-cluster_name", "C",
                     "-no_advertise", "-cluster_advertise", "h:1", "-connect_retries", "7"})
          .options()
          .cluster;
  EXPECT_EQ(cluster.port, -1);
  EXPECT_EQ(cluster.user + "/" + cluster.password, "u/p");
  EXPECT_EQ(cluster.name, "C");
  EXPECT_TRUE(cluster.no_advertise);
  EXPECT_EQ(cluster.advertise, "h:1");
  EXPECT_EQ(cluster.connect_retries, 7);
}

TEST(ClusterFlags, BeatTheFile) {
  Options file;
  file.cluster.port = 1;
  file.cluster.user = "old";
  file.cluster.routes = {"nats://old:1"};
  const Options options = InvokeCluster({"-cluster", "nats://h:2", "-routes", ""}).Over(file);
  EXPECT_EQ(options.cluster.port, 2);
  EXPECT_EQ(options.cluster.user, "") << "a URL without a user wants none";
  EXPECT_TRUE(options.cluster.routes.empty());
}

TEST(ClusterFlags, TellWhatIsWrong) {
  EXPECT_EQ(InvokeCluster({"-routes", "nats://h:1"}).Problem({}),
            "solicited routes require cluster capabilities, e.g. --cluster");
  EXPECT_EQ(InvokeCluster({"-cluster", "nats://u@h:1"}).Problem({}),
            "expected cluster password to be set");
  EXPECT_NE(InvokeCluster({"-cluster", "nats://h"}).Problem({}), "");
  EXPECT_NE(InvokeCluster({"-cluster", "nats://h:x"}).Problem({}), "");
  EXPECT_NE(InvokeCluster({"-cluster", "nats://h:1", "-routes", "h:1,,"}).Problem({}), "");
}

}  // namespace
}  // namespace martlet::ops
