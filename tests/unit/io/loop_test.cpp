#include <array>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <thread>

#include "loop_fixture.h"

namespace martlet::io {
namespace {

class LoopTest : public LoopFixture {};

TEST_P(LoopTest, CarriesBytesBothWaysOverTcp) {
  OPEN_LOOP_OR_SKIP();
  Listener listener;
  Recorder accept, connect, receive, send;
  loop->Accept(accept.op, listener.fd.get());
  base::UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  loop->Connect(connect.op, client.get(), listener.where(), sizeof listener.address);
  ASSERT_TRUE(RunUntil([&] { return connect.ended && !accept.results.empty(); }));
  EXPECT_EQ(connect.last_result, 0);
  base::UniqueFd server(accept.results[0]);
  ASSERT_GE(server.get(), 0);

  loop->Receive(receive.op, server.get());
  const std::array parts = {Part("PUB a 5\r\n"), Part("hello"), Part("\r\n")};
  loop->Send(send.op, client.get(), parts);
  ASSERT_TRUE(RunUntil([&] { return send.ended && receive.bytes.size() == 16; }));
  EXPECT_EQ(send.last_result, 16);
  EXPECT_EQ(receive.bytes, "PUB a 5\r\nhello\r\n");

  loop->Cancel(accept.op);
  loop->Cancel(receive.op);
  ASSERT_TRUE(RunUntil([&] { return accept.ended && receive.ended; }));
  EXPECT_EQ(accept.last_result, -ECANCELED);
  EXPECT_EQ(receive.last_result, -ECANCELED);
}

TEST_P(LoopTest, WorksOnBlockingAndNonBlockingSockets) {
  OPEN_LOOP_OR_SKIP();
  for (const int mode : {0, static_cast<int>(SOCK_NONBLOCK)}) {
    SocketPair pair(mode);
    Recorder receive, send;
    const std::string bytes = Pattern(4 << 20);
    loop->Send(send.op, pair.far.get(), std::array{Part(bytes)});
    RunTurns(2);
    EXPECT_FALSE(send.ended);
    loop->Receive(receive.op, pair.near.get());
    ASSERT_TRUE(RunUntil([&] { return send.ended && receive.bytes.size() == bytes.size(); }));
    EXPECT_EQ(send.last_result, static_cast<int>(bytes.size()));
    EXPECT_EQ(receive.bytes, bytes);
    loop->Cancel(receive.op);
    ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
  }
}

TEST_P(LoopTest, FinishesALargeSendToASlowReader) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  const std::string bytes = Pattern(8 << 20);
  std::vector<iovec> parts;
  const size_t step = bytes.size() / Loop::kSendPartsMax;
  for (size_t i = 0; i < Loop::kSendPartsMax; ++i) {
    parts.push_back(Part(std::string_view(bytes).substr(i * step, step)));
  }
  Recorder send;
  loop->Send(send.op, pair.near.get(), parts);
  parts.clear();  // lent for the call only
  std::string seen;
  std::vector<char> buffer(500'001);
  ASSERT_TRUE(RunUntil([&] {
    const ssize_t got = recv(pair.far.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) seen.append(buffer.data(), static_cast<size_t>(got));
    return send.ended && seen.size() == bytes.size();
  }));
  EXPECT_EQ(send.last_result, static_cast<int>(bytes.size()));
  EXPECT_EQ(seen, bytes);
}

TEST_P(LoopTest, AnswersASendNeverInsideTheCall) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder send;
  int sends = 0;
  send.hook = [&](const Completion&) {
    if (++sends == 100) return;
    send.Restart();
    loop->Send(send.op, pair.near.get(), std::array{Part("x")});
    EXPECT_TRUE(send.op.in_flight());
  };
  loop->Send(send.op, pair.near.get(), std::array{Part("x")});
  EXPECT_TRUE(send.op.in_flight());
  ASSERT_TRUE(RunUntil([&] { return sends == 100; }));
}

TEST_P(LoopTest, KeepsAllBytesWhenAReceiveIsCancelledAndArmedAgain) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  const std::string bytes = Pattern(1 << 20);
  Recorder receive, send;
  int rounds = 0;
  // Cancels from inside, with data, and starts again from the last answer.
  receive.hook = [&](const Completion& done) {
    if (done.more) return loop->Cancel(receive.op);
    ++rounds;
    receive.Restart();
    loop->Receive(receive.op, pair.near.get());
  };
  loop->Receive(receive.op, pair.near.get());
  loop->Send(send.op, pair.far.get(), std::array{Part(bytes)});
  ASSERT_TRUE(
      RunUntil([&] { return send.ended && receive.bytes.size() == bytes.size() && rounds > 0; }));
  EXPECT_EQ(receive.bytes, bytes);
}

TEST_P(LoopTest, ReadsNothingAfterACancelledReceive) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder receive;
  loop->Receive(receive.op, pair.near.get());
  RunTurns(1);
  loop->Cancel(receive.op);
  EXPECT_FALSE(receive.ended);
  ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
  EXPECT_EQ(receive.last_result, -ECANCELED);
  ASSERT_EQ(send(pair.far.get(), "abc", 3, 0), 3);
  RunTurns(3);
  EXPECT_EQ(receive.bytes, "");
  receive.Restart();
  loop->Receive(receive.op, pair.near.get());
  ASSERT_TRUE(RunUntil([&] { return receive.bytes == "abc"; }));
}

TEST_P(LoopTest, IgnoresCancellationOfAnOperationThatIsNotInFlight) {
  OPEN_LOOP_OR_SKIP();
  Recorder receive;
  loop->Cancel(receive.op);
  RunTurns(2);
  EXPECT_TRUE(receive.results.empty());
}

TEST_P(LoopTest, CancelsAStuckSendAndTellsWhatHasLeft) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  const std::string bytes = Pattern(8 << 20);
  Recorder send;
  loop->Send(send.op, pair.near.get(), std::array{Part(bytes)});
  RunTurns(2);
  ASSERT_FALSE(send.ended);
  loop->Cancel(send.op);
  ASSERT_TRUE(RunUntil([&] { return send.ended; }));
  shutdown(pair.near.get(), SHUT_WR);
  std::vector<char> buffer(bytes.size());
  size_t arrived = 0;
  for (ssize_t got = 1; got > 0; arrived += static_cast<size_t>(std::max<ssize_t>(got, 0))) {
    got = recv(pair.far.get(), buffer.data(), buffer.size(), 0);
  }
  EXPECT_EQ(send.last_result, static_cast<int>(arrived));
}

TEST_P(LoopTest, EndsWithZeroWhenThePeerCloses) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder receive;
  loop->Receive(receive.op, pair.near.get());
  ASSERT_EQ(send(pair.far.get(), "bye", 3, 0), 3);
  pair.far.Reset();
  ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
  EXPECT_EQ(receive.bytes, "bye");
  EXPECT_EQ(receive.last_result, 0);
}

TEST_P(LoopTest, EndsReceivesAndSendsWhenTheOwnerShutsTheSocketDown) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder receive, send;
  const std::string bytes = Pattern(8 << 20);
  loop->Receive(receive.op, pair.near.get());
  loop->Send(send.op, pair.near.get(), std::array{Part(bytes)});
  RunTurns(2);
  shutdown(pair.near.get(), SHUT_RDWR);
  ASSERT_TRUE(RunUntil([&] { return receive.ended && send.ended; }));
  EXPECT_EQ(receive.last_result, 0);
  EXPECT_LT(send.last_result, static_cast<int>(bytes.size()));
}

TEST_P(LoopTest, ReportsAConnectionReset) {
  OPEN_LOOP_OR_SKIP();
  Listener listener;
  base::UniqueFd client = listener.Dial();
  base::UniqueFd server(accept(listener.fd.get(), nullptr, nullptr));
  Recorder receive;
  loop->Receive(receive.op, server.get());
  RunTurns(1);
  const linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  client.Reset();
  ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
  EXPECT_EQ(receive.last_result, -ECONNRESET);

  Recorder send;
  loop->Send(send.op, server.get(), std::array{Part("x")});
  ASSERT_TRUE(RunUntil([&] { return send.ended; }));
  EXPECT_EQ(send.last_result, -EPIPE);  // and no SIGPIPE
}

TEST_P(LoopTest, ReportsARefusedConnect) {
  OPEN_LOOP_OR_SKIP();
  Listener listener;
  listener.fd.Reset();
  base::UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Recorder connect;
  loop->Connect(connect.op, client.get(), listener.where(), sizeof listener.address);
  ASSERT_TRUE(RunUntil([&] { return connect.ended; }));
  EXPECT_EQ(connect.last_result, -ECONNREFUSED);
}

TEST_P(LoopTest, AcceptsManyAndKeepsAcceptingAfterRunningOutOfDescriptors) {
  OPEN_LOOP_OR_SKIP();
  Listener listener;
  std::vector<base::UniqueFd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(listener.Dial());
  rlimit old = {};
  getrlimit(RLIMIT_NOFILE, &old);
  base::UniqueFd next(dup(listener.fd.get()));  // the lowest free number
  const rlimit tight = {.rlim_cur = static_cast<rlim_t>(next.get()) + 10, .rlim_max = old.rlim_max};
  next.Reset();
  setrlimit(RLIMIT_NOFILE, &tight);
  Recorder accept;
  std::vector<base::UniqueFd> accepted;
  accept.hook = [&](const Completion& done) {
    if (done.result >= 0) accepted.emplace_back(done.result);
  };
  loop->Accept(accept.op, listener.fd.get());
  const bool ran_out = RunUntil([&] { return accept.ended; });
  setrlimit(RLIMIT_NOFILE, &old);
  ASSERT_TRUE(ran_out);
  EXPECT_EQ(accept.last_result, -EMFILE);

  accept.Restart();
  loop->Accept(accept.op, listener.fd.get());
  // A kernel may have dropped the connection whose descriptor it could not make.
  ASSERT_TRUE(RunUntil([&] { return accepted.size() >= 99; }));
  loop->Cancel(accept.op);
  ASSERT_TRUE(RunUntil([&] { return accept.ended; }));
  EXPECT_EQ(accept.last_result, -ECANCELED);
}

TEST_P(LoopTest, AnswersAcceptOnAClosedListener) {
  OPEN_LOOP_OR_SKIP();
  base::UniqueFd not_listening(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Recorder accept;
  loop->Accept(accept.op, not_listening.get());
  ASSERT_TRUE(RunUntil([&] { return accept.ended; }));
  EXPECT_EQ(accept.last_result, -EINVAL);
}

TEST_P(LoopTest, PollsUntilCancelled) {
  OPEN_LOOP_OR_SKIP();
  base::UniqueFd event(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  Recorder poll;
  eventfd_t total = 0;
  poll.hook = [&](const Completion&) {
    eventfd_t value = 0;
    if (eventfd_read(event.get(), &value) == 0) total += value;
  };
  loop->PollReadable(poll.op, event.get());
  for (eventfd_t i = 1; i <= 3; ++i) {
    eventfd_write(event.get(), 1);
    ASSERT_TRUE(RunUntil([&] { return total == i; }));
  }
  loop->Cancel(poll.op);
  ASSERT_TRUE(RunUntil([&] { return poll.ended; }));
  EXPECT_EQ(poll.last_result, -ECANCELED);
}

TEST_P(LoopTest, MayReuseADescriptorNumberAtOnce) {
  OPEN_LOOP_OR_SKIP();
  for (int round = 0; round < 50; ++round) {
    SocketPair pair;
    Recorder receive;
    loop->Receive(receive.op, pair.near.get());
    ASSERT_EQ(send(pair.far.get(), "ab", 2, 0), 2);
    ASSERT_TRUE(RunUntil([&] { return receive.bytes == "ab"; }));
    shutdown(pair.near.get(), SHUT_RDWR);
    ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
  }
}

TEST_P(LoopTest, DiesQuietlyWithOperationsInFlight) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder receive, send, unsubmitted;
  const std::string bytes = Pattern(8 << 20);
  loop->Receive(receive.op, pair.near.get());
  loop->Send(send.op, pair.near.get(), std::array{Part(bytes)});
  RunTurns(1);
  SocketPair other;
  loop->Receive(unsubmitted.op, other.near.get());
  loop.reset();
  EXPECT_FALSE(receive.ended);
}

TEST_P(LoopTest, NeedsNoBuffersWhenItDoesNotReceive) {
  OPEN_LOOP_OR_SKIP({.receives = false});
  SocketPair pair;
  Recorder send;
  loop->Send(send.op, pair.near.get(), std::array{Part("x")});
  ASSERT_TRUE(RunUntil([&] { return send.ended; }));
  EXPECT_EQ(send.last_result, 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, LoopTest,
                         testing::Values(kUring, kUringLinux61, kUringLinux519, kEpoll),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace martlet::io
