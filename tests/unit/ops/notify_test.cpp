#include "ops/notify.h"

#include <cstring>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>

#include <gtest/gtest.h>

namespace martlet::ops {
namespace {

// The service manager's end.
class Manager {
 public:
  explicit Manager(const std::string& name)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  }

  std::string Receive() const {
    char buffer[256];
    const ssize_t bytes = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    return bytes < 0 ? "" : std::string(buffer, static_cast<size_t>(bytes));
  }

 private:
  base::UniqueFd fd_;
};

TEST(Notifier, SendsToAPathAndToAnAbstractName) {
  const std::string path = testing::TempDir() + "notify_test_" + std::to_string(::getpid());
  for (const std::string& name : {path, "@martlet-notify-test-" + std::to_string(::getpid())}) {
    const Manager manager(name);
    const Notifier notifier(name);
    ASSERT_TRUE(notifier.active()) << name;
    notifier.Send("READY=1\nSTATUS=x");
    EXPECT_EQ(manager.Receive(), "READY=1\nSTATUS=x");
  }
  std::filesystem::remove(path);
}

TEST(Notifier, IsQuietWhereNobodyListens) {
  for (const std::string& name : {std::string(), std::string("relative"), std::string("/no/such"),
                                  "/" + std::string(200, 'x'), std::string("@")}) {
    const Notifier notifier(name);
    EXPECT_FALSE(notifier.active()) << name;
    notifier.Send("READY=1");
  }
}

TEST(WatchdogPeriod, IsHalfOfWhatIsAskedFor) {
  using std::chrono::milliseconds;
  EXPECT_EQ(WatchdogPeriod("30000000", "", 1), milliseconds(15000));
  EXPECT_EQ(WatchdogPeriod("30000000", "1", 1), milliseconds(15000));
  EXPECT_EQ(WatchdogPeriod("30000000", "2", 1), milliseconds(0)) << "for another process";
  EXPECT_EQ(WatchdogPeriod("", "", 1), milliseconds(0));
  EXPECT_EQ(WatchdogPeriod("x", "", 1), milliseconds(0));
  EXPECT_EQ(WatchdogPeriod("100", "", 1), milliseconds(1));
}

}  // namespace
}  // namespace martlet::ops
