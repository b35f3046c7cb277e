#include "server/startup.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fake_environment.h"

namespace martlet::server {
namespace {

using Arguments = std::vector<std::string_view>;

std::variant<Start, ops::ExitNow> PrepareWith(const std::string& file, const Arguments& arguments) {
  config::FakeEnvironment environment(file);
  return Prepare(arguments, environment);
}

ops::ExitNow ExitOf(const std::string& file, const Arguments& arguments) {
  auto prepared = PrepareWith(file, arguments);
  EXPECT_TRUE(std::holds_alternative<ops::ExitNow>(prepared));
  return std::get<ops::ExitNow>(std::move(prepared));
}

TEST(Prepare, FlagsGoOverTheFile) {
  auto prepared = PrepareWith("port: 5000\nserver_name: a\nping_interval: 5\n",
                              {"-c", "main.conf", "-p", "6000"});
  ASSERT_TRUE(std::holds_alternative<Start>(prepared));
  const Start& start = std::get<Start>(prepared);
  EXPECT_EQ(start.options.port, 6000);
  EXPECT_EQ(start.options.server_name, "a");
  EXPECT_TRUE(start.digest.starts_with("sha256:"));
  EXPECT_NE(start.warnings.find("should be converted to a duration"), std::string::npos);
}

TEST(Prepare, ChecksAFile) {
  const ops::ExitNow good = ExitOf("port: 1\n", {"-t", "-c", "main.conf"});
  EXPECT_EQ(good.code, 0);
  EXPECT_TRUE(good.err.starts_with("nats-server: configuration file main.conf is valid (sha256:"));
  EXPECT_EQ(ExitOf("prot: 1\n", {"-t", "-c", "main.conf"}).code, 1);
  EXPECT_EQ(ExitOf("ping_interval: 5\n", {"-t", "-c", "main.conf"}).code, 1) << "warnings count";
  EXPECT_EQ(ExitOf("jetstream: true\n", {"-t", "-c", "main.conf"}).code, 0)
      << "valid, if not supported";
  EXPECT_EQ(ExitOf("", {"-t"}).err,
            "nats-server: must specify [-c, --config] option to check configuration file syntax\n");
  EXPECT_EQ(ExitOf("", {"-t", "-c", "nope"}).err,
            "nats-server: open nope: no such file or directory\n");
}

TEST(Prepare, StartsNothingWithLessThanIsAskedFor) {
  EXPECT_EQ(ExitOf("jetstream: true\n", {"-c", "main.conf"}).err,
            "nats-server: main.conf:1:0: \"jetstream\" asks for JetStream, which is not supported "
            "yet by this release of martlet-server\n");
  EXPECT_EQ(ExitOf("", {"-js"}).err,
            "nats-server: flag -js is not supported yet by this release of martlet-server\n");
}

TEST(Prepare, ChecksWhatBelongsTogether) {
  EXPECT_EQ(ExitOf("", {"-n", "a b"}).err, "nats-server: server name cannot contain spaces\n");
  EXPECT_EQ(ExitOf("max_pending: 1k\n", {"-c", "main.conf"}).code, 1);
}

}  // namespace
}  // namespace martlet::server
