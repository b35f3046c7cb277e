#include "ops/ports_file.h"

#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

using Urls = std::vector<std::string>;

TEST(ListenerUrls, WildcardsStandForEveryInterface) {
  const Urls interfaces = {"127.0.0.1", "::1", "192.0.2.2"};
  const Urls all = {"nats://127.0.0.1:4222", "nats://[::1]:4222", "nats://192.0.2.2:4222"};
  EXPECT_EQ(ListenerUrls("nats", "0.0.0.0", 4222, interfaces), all);
  EXPECT_EQ(ListenerUrls("nats", "::", 4222, interfaces), all);
  EXPECT_EQ(ListenerUrls("tls", "::1", 1, interfaces), Urls{"tls://[::1]:1"});
  EXPECT_EQ(ListenerUrls("nats", "localhost", 1, interfaces), Urls{"nats://localhost:1"});
}

TEST(PortsFilePath, NamesTheExecutableAndTheProcess) {
  EXPECT_EQ(PortsFilePath("/tmp", "/usr/bin/nats-server", 7), "/tmp/nats-server_7.ports");
  EXPECT_EQ(PortsFilePath("dir/", "./martlet-server", 7), "dir/martlet-server_7.ports");
  EXPECT_EQ(PortsFilePath(".", "nats-server", 7), "./nats-server_7.ports");
}

TEST(PortsText, LeavesOutWhatDoesNotListen) {
  EXPECT_EQ(PortsText({.nats = {"nats://127.0.0.1:4222", "nats://[::1]:4222"},
                       .cluster = {"nats://127.0.0.1:6222"}}),
            R"({"nats":["nats://127.0.0.1:4222","nats://[::1]:4222"],)"
            R"("cluster":["nats://127.0.0.1:6222"]})");
  EXPECT_EQ(PortsText({}), "{}");
}

TEST(PortsFile, IsWrittenAndRemoved) {
  const std::string path = PortsFilePath(testing::TempDir(), "ports_file_test", ::getpid());
  const Ports ports{.nats = {"nats://127.0.0.1:4222"}};
  ASSERT_TRUE(WritePortsFile(path, ports).ok());
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  EXPECT_EQ(content.str(), PortsText(ports));
  EXPECT_TRUE(RemovePortsFile(path).ok());
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
  EXPECT_TRUE(RemovePortsFile(path).ok()) << "a file that is gone is no error";
}

TEST(PortsFile, ErrorNamesFileAndCause) {
  EXPECT_EQ(WritePortsFile("/nonexistent/x", {}).message(),
            "open /nonexistent/x: no such file or directory");
  EXPECT_EQ(RemovePortsFile("/").message(), "remove /: is a directory");
}

}  // namespace
}  // namespace martlet::ops
