#include "base/syslog_sink.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include "base/unique_fd.h"
#include "log_directory.h"

namespace martlet::base {
namespace {

std::string Formatted(SyslogNetwork network, const LogLine& line, const LogOptions& options = {}) {
  SyslogFormatter formatter(network);
  formatter.Adopt(options);
  std::string out;
  formatter.Format(line, out);
  return out;
}

class SyslogFormatterTest : public testing::Test {
 protected:
  static void SetZone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~SyslogFormatterTest() override {
    ::unsetenv("TZ");
    ::tzset();
  }

  static constexpr timespec kAt = {1709251198, 5};  // 2024-02-29 23:59:58 UTC
  const std::string tag_ = "nats-server[" + std::to_string(::getpid()) + "]: ";
};

TEST_F(SyslogFormatterTest, LocalMessagesHaveGosStampAndNoHost) {
  SetZone("XYZ-0:30");
  EXPECT_EQ(Formatted(SyslogNetwork::kLocal, {kAt, LogLevel::kInfo, "x"}),
            "<29>Mar  1 00:29:58 " + tag_ + "x\n");
  EXPECT_EQ(Formatted(SyslogNetwork::kUnix, {kAt, LogLevel::kInfo, "x\n"}),
            "<5>Mar  1 00:29:58 " + tag_ + "x\n");
}

TEST_F(SyslogFormatterTest, MessagesOverTheNetHaveRfc3339AndTheHost) {
  std::array<char, 256> host{};
  ASSERT_EQ(::gethostname(host.data(), host.size() - 1), 0);
  const std::string rest = " " + std::string(host.data()) + " " + tag_ + "x\n";
  for (const SyslogNetwork network : {SyslogNetwork::kUdp, SyslogNetwork::kTcp}) {
    const LogLine line{kAt, LogLevel::kInfo, "x"};
    SetZone("UTC");
    EXPECT_EQ(Formatted(network, line), "<5>2024-02-29T23:59:58Z" + rest);
    SetZone("XYZ-5:30");
    EXPECT_EQ(Formatted(network, line), "<5>2024-03-01T05:29:58+05:30" + rest);
    SetZone("XYZ+3:30");
    EXPECT_EQ(Formatted(network, line), "<5>2024-02-29T20:29:58-03:30" + rest);
  }
}

TEST_F(SyslogFormatterTest, PrioritiesAreTheReferences) {
  const auto priority = [](SyslogNetwork network, LogLevel level) {
    const std::string text = Formatted(network, {kAt, level, ""});
    return std::stoi(text.substr(1));
  };
  for (const auto& [network, facility] : {std::pair{SyslogNetwork::kLocal, 24},
                                          {SyslogNetwork::kUnix, 0},
                                          {SyslogNetwork::kUdp, 0}}) {
    EXPECT_EQ(priority(network, LogLevel::kInfo), facility + 5);
    EXPECT_EQ(priority(network, LogLevel::kDebug), facility + 7);
    EXPECT_EQ(priority(network, LogLevel::kWarning), facility + 4);
    EXPECT_EQ(priority(network, LogLevel::kError), facility + 3);
    EXPECT_EQ(priority(network, LogLevel::kFatal), facility + 2);
    EXPECT_EQ(priority(network, LogLevel::kTrace), facility + 5);
  }
}

TEST_F(SyslogFormatterTest, TheMessageIsJsonWhereThatIsAskedFor) {
  LogOptions options;
  options.format = LogFormat::kJson;
  options.syslog_tag = "mine";
  const std::string text = Formatted(SyslogNetwork::kUnix, {kAt, LogLevel::kInfo, "x"}, options);
  EXPECT_NE(text.find(" mine["), std::string::npos) << text;
  EXPECT_NE(text.find("]: {\"time\":\"2024-02-29T23:59:58.000000005Z\","), std::string::npos);
  EXPECT_TRUE(text.ends_with("\"msg\":\"x\"}\n"));
}

// A daemon on a unix socket, of datagrams or of a stream.
class Daemon {
 public:
  Daemon(const std::string& path, int type) : fd_(::socket(AF_UNIX, type, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    ::unlink(path.c_str());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd_.get(), 8), 0);
    }
  }

  UniqueFd Accept() { return UniqueFd(::accept(fd_.get(), nullptr, nullptr)); }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
};

std::string Receive(int fd) {
  std::string text(1 << 16, '\0');
  const ssize_t got = ::recv(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

// Behind the tag.
std::string Message(const std::string& text) { return text.substr(text.find("]: ") + 3); }

class SyslogSinkTest : public testing::Test {
 protected:
  std::unique_ptr<LogSink> Open() {
    absl::StatusOr<std::unique_ptr<LogSink>> sink = SyslogSink::Open({SyslogNetwork::kUnix, path_});
    EXPECT_TRUE(sink.ok()) << sink.status();
    (*sink)->Adopt({});
    return *std::move(sink);
  }
  static bool Write(LogSink& sink, const std::string& text) {
    return sink.Write({{}, LogLevel::kInfo, text});
  }
  // As the log does: waits as long as the sink says.
  static bool WriteInTime(LogSink& sink, const std::string& text) {
    for (int attempt = 0; attempt < 20; ++attempt) {
      if (Write(sink, text)) return true;
      std::this_thread::sleep_for(sink.retry_in());
    }
    return false;
  }

  LogDirectory directory_;
  const std::string path_ = directory_ / "syslog";
};

TEST_F(SyslogSinkTest, OpenFailsWithTheReferencesWords) {
  EXPECT_EQ(SyslogSink::Open({SyslogNetwork::kUnix, path_}).status().message(),
            "error connecting to syslog: \"dial unix " + path_ +
                ": connect: no such file or directory\"");
}

TEST_F(SyslogSinkTest, EachLineIsADatagram) {
  const Daemon daemon(path_, SOCK_DGRAM);
  const auto sink = Open();
  EXPECT_TRUE(Write(*sink, "one"));
  EXPECT_TRUE(Write(*sink, "two\n"));
  EXPECT_EQ(Message(Receive(daemon.fd())), "one\n");
  EXPECT_EQ(Message(Receive(daemon.fd())), "two\n");
}

TEST_F(SyslogSinkTest, AStreamHasALineForEachMessage) {
  Daemon daemon(path_, SOCK_STREAM);
  const auto sink = Open();
  const UniqueFd peer = daemon.Accept();
  EXPECT_TRUE(Write(*sink, "one"));
  EXPECT_EQ(Message(Receive(peer.get())), "one\n");
  EXPECT_TRUE(Write(*sink, "two"));
  EXPECT_EQ(Message(Receive(peer.get())), "two\n");
}

TEST_F(SyslogSinkTest, ADaemonThatReadsNothingIsNotWaitedFor) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    Daemon daemon(path_, type);
    const auto sink = Open();
    const UniqueFd peer = type == SOCK_STREAM ? daemon.Accept() : UniqueFd();
    const std::string text(10'000, 'x');
    int taken = 0;
    while (taken < 10'000 && Write(*sink, text + std::to_string(taken))) ++taken;
    EXPECT_LT(taken, 10'000);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_FALSE(Write(*sink, text + std::to_string(taken)));
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10 * LogSink::kPatience);

    // Once it reads again, the same line goes on where it stopped, and nothing is missing.
    std::string all;
    const int fd = type == SOCK_STREAM ? peer.get() : daemon.fd();
    const std::string last = text + std::to_string(taken) + "\n";
    bool sent = false;
    while (!all.ends_with(last)) {
      const std::string piece = Receive(fd);
      ASSERT_FALSE(piece.empty());
      all += piece;
      if (!sent) sent = Write(*sink, text + std::to_string(taken));
    }
    for (int i = 0; i <= taken; ++i) {
      EXPECT_NE(all.find("]: " + text + std::to_string(i) + "\n"), std::string::npos) << i;
    }
    EXPECT_EQ(sink->TakeLost(), 0u);
  }
}

TEST_F(SyslogSinkTest, ADaemonThatStartsAgainIsFoundAgain) {
  for (const int type : {SOCK_DGRAM, SOCK_STREAM}) {
    auto daemon = std::make_unique<Daemon>(path_, type);
    const auto sink = Open();
    {
      const UniqueFd peer = type == SOCK_STREAM ? daemon->Accept() : UniqueFd();
      EXPECT_TRUE(Write(*sink, "before"));
    }
    daemon.reset();
    EXPECT_FALSE(Write(*sink, "while it is gone"));
    EXPECT_GT(sink->retry_in(), std::chrono::milliseconds(0));
    EXPECT_LE(sink->retry_in(), SyslogSink::kFirstPause);

    daemon = std::make_unique<Daemon>(path_, type);
    EXPECT_TRUE(WriteInTime(*sink, "while it is gone"));
    const UniqueFd peer = type == SOCK_STREAM ? daemon->Accept() : UniqueFd();
    EXPECT_EQ(Message(Receive(type == SOCK_STREAM ? peer.get() : daemon->fd())),
              "while it is gone\n");
    EXPECT_EQ(sink->TakeLost(), 0u);
  }
}

TEST_F(SyslogSinkTest, PausesBetweenAttemptsDouble) {
  auto daemon = std::make_unique<Daemon>(path_, SOCK_DGRAM);
  const auto sink = Open();
  daemon.reset();
  std::chrono::milliseconds longest{0};
  for (int attempt = 0; attempt < 3; ++attempt) {
    EXPECT_FALSE(Write(*sink, "x"));
    longest = sink->retry_in();
    std::this_thread::sleep_for(longest);
  }
  EXPECT_GT(longest, 2 * SyslogSink::kFirstPause);
  EXPECT_LE(longest, 4 * SyslogSink::kFirstPause);
}

TEST_F(SyslogSinkTest, ALineThatNoDatagramHoldsIsLostAndCounted) {
  const Daemon daemon(path_, SOCK_DGRAM);
  const auto sink = Open();
  EXPECT_TRUE(Write(*sink, std::string(4 << 20, 'x')));
  EXPECT_EQ(sink->TakeLost(), 1u);
  EXPECT_TRUE(Write(*sink, "short"));
  EXPECT_EQ(Message(Receive(daemon.fd())), "short\n");
}

TEST_F(SyslogSinkTest, ThereIsNothingToReopen) {
  const Daemon daemon(path_, SOCK_DGRAM);
  EXPECT_EQ(Open()->Reopen().text, "File log re-open ignored, not a file logger");
}

}  // namespace
}  // namespace martlet::base
