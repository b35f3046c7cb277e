// What a turn takes on, what it leaves for the next one, and how it looks for more.
#include <algorithm>
#include <array>
#include <sys/eventfd.h>
#include <thread>

#include "io/send_now.h"
#include "loop_fixture.h"

namespace martlet::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class TurnTest : public LoopFixture {
 protected:
  /// Turns that wait for nothing, until `done`.
  bool SpinUntil(const std::function<bool()>& done, const TurnBudget& budget = {}) {
    const auto limit = steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (steady_clock::now() > limit) return false;
      if (!loop->Poll()) continue;
      loop->SubmitAndWait(0);
      loop->RunCompletions(budget);
    }
    return true;
  }
};

void Write(const base::UniqueFd& fd, std::string_view bytes) {
  ASSERT_EQ(send(fd.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
}

TEST_P(TurnTest, PollSeesWhatComes) {
  OPEN_LOOP_OR_SKIP();
  RunTurns(3);
  SocketPair pair;
  Recorder receive;
  loop->Receive(receive.op, pair.near.get());
  RunTurns(3);
  EXPECT_FALSE(loop->Poll());
  Write(pair.far, "here");
  ASSERT_TRUE(SpinUntil([&] { return receive.bytes == "here"; }));
  EXPECT_FALSE(loop->Poll());
  // A plain event from another thread is work, too.
  std::thread([fd = loop->waker().event_fd] { eventfd_write(fd, 1); }).join();
  const auto limit = steady_clock::now() + std::chrono::seconds(10);
  while (!loop->Poll() && steady_clock::now() < limit) {
  }
  EXPECT_TRUE(loop->Poll());
  loop->Cancel(receive.op);
  ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
}

TEST_P(TurnTest, KeepsWhatTheBudgetLeftOver) {
  OPEN_LOOP_OR_SKIP();
  constexpr size_t kPairs = 8;
  std::array<SocketPair, kPairs> pairs;
  std::array<Recorder, kPairs> receivers;
  for (size_t i = 0; i < kPairs; ++i) loop->Receive(receivers[i].op, pairs[i].near.get());
  RunTurns(3);
  for (const SocketPair& pair : pairs) Write(pair.far, "12345678");
  const auto answered = [&] {
    size_t sum = 0;
    for (const Recorder& receiver : receivers) sum += receiver.bytes.size() / 8;
    return sum;
  };
  for (const TurnBudget budget : {TurnBudget{.completions = 2}, TurnBudget{.received_bytes = 9}}) {
    const size_t before = answered();
    const auto limit = steady_clock::now() + std::chrono::seconds(10);
    while (answered() == before && steady_clock::now() < limit) {
      // With something left over it must not wait.
      loop->SubmitAndWait(1'000'000'000);
      EXPECT_LE(loop->RunCompletions(budget), 2u);
    }
    EXPECT_LE(answered(), before + 2);
  }
  const auto start = steady_clock::now();
  ASSERT_TRUE(RunUntil([&] { return answered() == kPairs; }));
  EXPECT_LT(steady_clock::now() - start, milliseconds(500));
  for (Recorder& receiver : receivers) loop->Cancel(receiver.op);
  ASSERT_TRUE(RunUntil([&] {
    return std::all_of(receivers.begin(), receivers.end(), [](auto& one) { return one.ended; });
  }));
}

TEST_P(TurnTest, ABusyConnectionLeavesRoomForOthers) {
  constexpr size_t kCap = 4096;
  OPEN_LOOP_OR_SKIP({.receive_cap_bytes = kCap});
  SocketPair pair;
  Recorder receive;
  loop->Receive(receive.op, pair.near.get());
  RunTurns(3);
  const std::string bytes = Pattern(100'000);
  Write(pair.far, bytes);
  size_t most = 0;  // in one turn
  size_t before = 0;
  ASSERT_TRUE(RunUntil([&] {
    most = std::max(most, receive.bytes.size() - before);
    before = receive.bytes.size();
    return before == bytes.size();
  }));
  EXPECT_EQ(receive.bytes, bytes);
  if (loop->Describe().find("without a cap") == std::string::npos) {
    EXPECT_LE(most, kCap);
    // What is armed keeps its cap; those after it have another.
    loop->CapReceives(0);
    Write(pair.far, bytes + bytes);
    ASSERT_TRUE(RunUntil([&] {
      most = std::max(most, receive.bytes.size() - before);
      before = receive.bytes.size();
      return before == 3 * bytes.size();
    }));
    if (loop->is_uring()) {
      EXPECT_GT(most, kCap);
    }
  }
  loop->Cancel(receive.op);
  ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
}

TEST_P(TurnTest, GathersForAWhile) {
  OPEN_LOOP_OR_SKIP({.batching = {.usec = 100'000, .completions = 1000}});
  RunTurns(3);
  SocketPair pair;
  Recorder receive;
  loop->Receive(receive.op, pair.near.get());
  loop->SubmitAndWait(0);
  loop->RunCompletions();
  Write(pair.far, "early");
  // The first comes at once and is kept waiting; what comes meanwhile comes along.
  const auto start = steady_clock::now();
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(20));
    Write(pair.far, " late");
  });
  loop->SubmitAndWait(-1);
  const auto waited = steady_clock::now() - start;
  loop->RunCompletions();
  later.join();
  EXPECT_GE(waited, milliseconds(50));
  EXPECT_LT(waited, milliseconds(1000));
  ASSERT_TRUE(RunUntil([&] { return receive.bytes == "early late"; }));
  // Nothing comes in that time: the first to come after it ends the wait.
  std::thread alone([&] {
    std::this_thread::sleep_for(milliseconds(600));
    Write(pair.far, "!");
  });
  size_t answered = 0;
  int waits = 0;
  for (; answered == 0 && waits < 100; ++waits) {
    loop->SubmitAndWait(-1);
    answered = loop->RunCompletions();
  }
  alone.join();
  EXPECT_LE(waits, 3);  // and not a wait each time that there was nothing to gather
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
  ASSERT_TRUE(RunUntil([&] { return receive.bytes == "early late!"; }));
  // A shorter limit holds.
  const auto limited = steady_clock::now();
  loop->SubmitAndWait(5'000'000);
  EXPECT_LT(steady_clock::now() - limited, milliseconds(90));
  loop->Cancel(receive.op);
  ASSERT_TRUE(RunUntil([&] { return receive.ended; }));
}

INSTANTIATE_TEST_SUITE_P(Modes, TurnTest,
                         testing::Values(kUring, kUringLinux61, kUringLinux519, kEpoll),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(SendNow, SendsWhatFitsAndSaysSo) {
  SocketPair pair;  // blocking sockets
  const std::string bytes = Pattern(1 << 20);
  EXPECT_EQ(SendNow(pair.near.get(), std::array{Part("ab"), Part("cde")}), 5);
  ssize_t sent = 0;
  size_t total = 5;
  while ((sent = SendNow(pair.near.get(), std::array{Part(bytes)})) > 0) {
    total += static_cast<size_t>(sent);
  }
  EXPECT_TRUE(IsForLater(sent));
  std::string got(total, '\0');
  for (size_t read = 0; read < total;) {  // MSG_WAITALL may return early all the same
    const ssize_t more = recv(pair.far.get(), got.data() + read, total - read, 0);
    ASSERT_GT(more, 0);
    read += static_cast<size_t>(more);
  }
  EXPECT_EQ(got.substr(0, 105), "abcde" + bytes.substr(0, 100));
  pair.far.Reset();
  ssize_t broken = 0;
  for (int tries = 0; tries < 1000 && broken >= 0; ++tries) {
    broken = SendNow(pair.near.get(), std::array{Part(bytes)});
    if (IsForLater(broken)) broken = 0;
  }
  EXPECT_TRUE(broken == -EPIPE || broken == -ECONNRESET) << broken;
}

}  // namespace
}  // namespace martlet::io
