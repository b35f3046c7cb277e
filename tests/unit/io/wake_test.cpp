// Waiting, and being woken.
#include "io/wake.h"

#include <atomic>
#include <sys/eventfd.h>
#include <thread>

#include "loop_fixture.h"

namespace martlet::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class WakeTest : public LoopFixture {
 protected:
  steady_clock::duration TimeOf(int64_t timeout_ns) {
    const auto start = steady_clock::now();
    loop->SubmitAndWait(timeout_ns);
    return steady_clock::now() - start;
  }
  /// What a new loop posts about itself is not part of these tests.
  void Settle() { RunTurns(3); }
};

TEST_P(WakeTest, WaitsAsLongAsAskedWhenNothingHappens) {
  OPEN_LOOP_OR_SKIP();
  Settle();
  // A signal may end a wait early (a sanitizer's runtime sends some), and a guest's clocks do not
  // agree to the millisecond; but not every wait can be cut short.
  auto waited = TimeOf(20'000'000);
  for (int tries = 0; tries < 5 && waited < milliseconds(10); ++tries) waited = TimeOf(20'000'000);
  EXPECT_GE(waited, milliseconds(10));
  EXPECT_LT(waited, milliseconds(500));
  EXPECT_EQ(loop->RunCompletions(), 0u);
  EXPECT_LT(TimeOf(0), milliseconds(10));
}

TEST_P(WakeTest, DoesNotWaitWhenAnAnswerIsThere) {
  OPEN_LOOP_OR_SKIP();
  Settle();
  SocketPair pair;
  Recorder receive;
  loop->Receive(receive.op, pair.near.get());
  loop->SubmitAndWait(0);
  loop->RunCompletions();
  loop->Cancel(receive.op);
  EXPECT_LT(TimeOf(5'000'000'000), milliseconds(500));
  loop->RunCompletions();
  EXPECT_TRUE(receive.ended);
}

TEST_P(WakeTest, IsWokenByAPlainEventFromAThreadWithoutALoop) {
  OPEN_LOOP_OR_SKIP();
  Settle();
  for (int round = 0; round < 5; ++round) {
    std::thread other([fd = loop->waker().event_fd] {
      std::this_thread::sleep_for(milliseconds(5));
      WakeByEvent(fd);
    });
    EXPECT_LT(TimeOf(5'000'000'000), milliseconds(1000));
    loop->RunCompletions();
    other.join();
  }
}

TEST_P(WakeTest, IsWokenBeforeItSleeps) {
  OPEN_LOOP_OR_SKIP();
  Settle();
  std::thread([fd = loop->waker().event_fd] { WakeByEvent(fd); }).join();
  EXPECT_LT(TimeOf(5'000'000'000), milliseconds(500));
}

TEST_P(WakeTest, IsWokenByTheLoopOfAnotherThread) {
  OPEN_LOOP_OR_SKIP();
  Settle();
  constexpr int kRounds = 200;
  std::atomic<int> announced = 0;
  std::atomic<int> seen = 0;
  std::thread other([&, target = loop->waker()] {
    auto sender = MakeLoop(GetParam(), {});
    ASSERT_TRUE(sender.ok());
    for (int round = 1; round <= kRounds; ++round) {
      announced = round;
      (*sender)->Wake(target);
      while (seen < round) std::this_thread::yield();
    }
    (*sender)->SubmitAndWait(0);
    (*sender)->RunCompletions();
  });
  const auto start = steady_clock::now();
  while (seen < kRounds) {
    loop->SubmitAndWait(2'000'000'000);  // a lost wake-up costs two seconds
    loop->RunCompletions();
    seen = announced.load();
  }
  other.join();
  EXPECT_LT(steady_clock::now() - start, milliseconds(1900));
}

TEST_P(WakeTest, FallsBackToTheEventWhenARingMessageCannotBeDelivered) {
  OPEN_LOOP_OR_SKIP();
  Settle();
  auto target = EpollLoop::Create({});
  ASSERT_TRUE(target.ok());
  Waker waker = (*target)->waker();
  base::UniqueFd no_ring(eventfd(0, EFD_CLOEXEC));
  waker.ring_fd = no_ring.get();
  loop->Wake(waker);
  RunTurns(2);
  const auto start = steady_clock::now();
  (*target)->SubmitAndWait(5'000'000'000);
  EXPECT_LT(steady_clock::now() - start, milliseconds(500));
}

TEST_P(WakeTest, WakesOfThreadsInPlentyDisturbNobody) {
  OPEN_LOOP_OR_SKIP({.submission_entries = 4, .completion_entries = 8});
  SocketPair pair;
  Recorder receive;
  loop->Receive(receive.op, pair.near.get());
  std::thread other([&, target = loop->waker()] {
    auto sender = MakeLoop(GetParam(), {});
    ASSERT_TRUE(sender.ok());
    for (int i = 0; i < 2000; ++i) {
      (*sender)->Wake(target);
      if (i % 100 == 0) send(pair.far.get(), "x", 1, 0);
      (*sender)->SubmitAndWait(0);
      (*sender)->RunCompletions();
    }
  });
  EXPECT_TRUE(RunUntil([&] { return receive.bytes.size() == 20; }));
  other.join();
}

INSTANTIATE_TEST_SUITE_P(Backends, WakeTest,
                         testing::Values(kUring, kUringLinux61, kUringLinux519, kEpoll),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace martlet::io
