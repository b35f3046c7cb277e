// Queues that are too small, buffers that are too few: nothing may be lost, only late.
#include <array>
#include <set>
#include <sys/resource.h>

#include "io/buffer_ring.h"
#include "loop_fixture.h"

namespace martlet::io {
namespace {

class PressureTest : public LoopFixture {
 protected:
  /// Lets the test open two descriptors per pair; lowers `pairs` where the hard limit is lower.
  static size_t RoomFor(size_t pairs) {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return std::min<size_t>(pairs, (limit.rlim_cur - 100) / 2);
  }

  /// All pairs send at once, in `rounds`; every byte must arrive.
  void Storm(size_t pairs, int rounds) {
    std::vector<std::unique_ptr<SocketPair>> sockets;
    std::vector<std::unique_ptr<Recorder>> receivers, senders;
    for (size_t i = 0; i < pairs; ++i) {
      sockets.push_back(std::make_unique<SocketPair>());
      receivers.push_back(std::make_unique<Recorder>());
      senders.push_back(std::make_unique<Recorder>());
      loop->Receive(receivers[i]->op, sockets[i]->near.get());
    }
    const std::string bytes = Pattern(3000);
    for (int round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < pairs; ++i) {
        senders[i]->Restart();
        loop->Send(senders[i]->op, sockets[i]->far.get(), std::array{Part(bytes)});
      }
      const size_t wanted = bytes.size() * static_cast<size_t>(round + 1);
      size_t next = 0;  // all before have everything
      ASSERT_TRUE(RunUntil([&] {
        while (next < pairs && receivers[next]->bytes.size() == wanted && senders[next]->ended) {
          ++next;
        }
        return next == pairs;
      }));
    }
    for (const auto& receiver : receivers) {
      ASSERT_FALSE(receiver->ended);
      ASSERT_EQ(receiver->bytes.substr(0, bytes.size()), bytes);
      loop->Cancel(receiver->op);
    }
    size_t ended = 0;
    ASSERT_TRUE(RunUntil([&] {
      while (ended < pairs && receivers[ended]->ended) ++ended;
      return ended == pairs;
    }));
  }
};

TEST_P(PressureTest, LosesNothingWithFewReceiveBuffers) {
  OPEN_LOOP_OR_SKIP({.receive_buffers = 4, .receive_buffer_bytes = 1024});
  Storm(RoomFor(2000), 3);
  if (loop->is_uring()) {
    EXPECT_GT(loop->stats().buffers_exhausted.Get(), 0u);
  }
}

// How many buffers one connection goes through that has little to say at a time.
class FewBuffersTest : public PressureTest {
 protected:
  size_t BuffersUsed(int receives) {
    SocketPair pair;
    Recorder receiver;
    std::set<const void*> seen;
    receiver.hook = [&](const Completion& done) { seen.insert(done.data.data()); };
    loop->Receive(receiver.op, pair.near.get());
    for (int i = 1; i <= receives; ++i) {
      EXPECT_EQ(send(pair.far.get(), "x", 1, 0), 1);
      while (receiver.bytes.empty()) RunTurns(1);
      receiver.bytes.clear();
      if (receives - i == 100) seen.clear();  // the last ones count
    }
    loop->Cancel(receiver.op);
    EXPECT_TRUE(RunUntil([&] { return receiver.ended; }));
    return seen.size();
  }
};

TEST_P(FewBuffersTest, UntilMoreAreMissedAndAgainLongAfter) {
  OPEN_LOOP_OR_SKIP({.receive_buffers = 32, .receive_buffer_bytes = 4096});
  constexpr size_t kFew = BufferRing::kFirst + 1;  // one is being put back
  EXPECT_LE(BuffersUsed(200), kFew);
  Storm(RoomFor(500), 3);
  if (!loop->is_uring()) return;
  EXPECT_GT(BuffersUsed(200), kFew);
  EXPECT_LE(BuffersUsed(4 * BufferRing::kNarrowAfter), kFew);
}

TEST_P(PressureTest, LosesNothingWhenTheCompletionQueueOverflows) {
  OPEN_LOOP_OR_SKIP({.submission_entries = 8, .completion_entries = 16});
  Storm(RoomFor(500), 3);
  if (loop->is_uring()) {
    EXPECT_GT(loop->stats().completion_overflows.Get(), 0u);
  }
}

TEST_P(PressureTest, TakesMoreRequestsPerTurnThanTheQueueHasEntries) {
  OPEN_LOOP_OR_SKIP({.submission_entries = 4, .completion_entries = 4096});
  Storm(RoomFor(300), 3);
}

TEST_P(PressureTest, AnswersStarvedReceivesThatAreCancelled) {
  OPEN_LOOP_OR_SKIP({.receive_buffers = 1, .receive_buffer_bytes = 64});
  constexpr size_t kPairs = 50;
  std::vector<std::unique_ptr<SocketPair>> sockets;
  std::vector<std::unique_ptr<Recorder>> receivers;
  const std::string bytes = Pattern(1000);
  for (size_t i = 0; i < kPairs; ++i) {
    sockets.push_back(std::make_unique<SocketPair>());
    receivers.push_back(std::make_unique<Recorder>());
    loop->Receive(receivers[i]->op, sockets[i]->near.get());
    ASSERT_EQ(send(sockets[i]->far.get(), bytes.data(), bytes.size(), 0), 1000);
  }
  RunTurns(1);
  for (const auto& receiver : receivers) {
    loop->Cancel(receiver->op);
    EXPECT_FALSE(receiver->ended);
  }
  ASSERT_TRUE(RunUntil([&] {
    return std::all_of(receivers.begin(), receivers.end(), [](auto& r) { return r->ended; });
  }));
  for (size_t i = 0; i < kPairs; ++i) {
    EXPECT_EQ(receivers[i]->last_result, -ECANCELED);
    receivers[i]->Restart();
    loop->Receive(receivers[i]->op, sockets[i]->near.get());
  }
  for (const auto& receiver : receivers) {
    ASSERT_TRUE(RunUntil([&] { return receiver->bytes.size() == bytes.size(); }));
    EXPECT_EQ(receiver->bytes, bytes);
  }
}

// A streamer that never pauses must not keep others from being read.
TEST_P(PressureTest, ReadsEveryoneWhileOneStreams) {
  OPEN_LOOP_OR_SKIP({.receive_buffers = 2, .receive_buffer_bytes = 4096});
  SocketPair busy, quiet;
  Recorder busy_receive, busy_send, quiet_receive;
  const std::string bytes = Pattern(1 << 20);
  bool stop = false;
  busy_send.hook = [&](const Completion&) {
    if (stop) return;
    busy_send.Restart();
    loop->Send(busy_send.op, busy.far.get(), std::array{Part(bytes)});
  };
  busy_receive.hook = [&](const Completion&) { busy_receive.bytes.clear(); };
  loop->Receive(busy_receive.op, busy.near.get());
  loop->Receive(quiet_receive.op, quiet.near.get());
  loop->Send(busy_send.op, busy.far.get(), std::array{Part(bytes)});
  RunTurns(10);
  for (size_t i = 1; i <= 20; ++i) {
    ASSERT_EQ(send(quiet.far.get(), "x", 1, 0), 1);
    ASSERT_TRUE(RunUntil([&] { return quiet_receive.bytes.size() == i; }));
  }
  stop = true;
  ASSERT_TRUE(RunUntil([&] { return busy_send.ended; }));
}

INSTANTIATE_TEST_SUITE_P(Backends, FewBuffersTest,
                         testing::Values(kUring, kUringLinux61, kUringLinux519, kEpoll),
                         [](const auto& mode) { return std::string(mode.param.name); });
INSTANTIATE_TEST_SUITE_P(Backends, PressureTest,
                         testing::Values(kUring, kUringLinux61, kUringLinux519, kEpoll),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace martlet::io
