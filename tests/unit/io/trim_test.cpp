// Memory of receive buffers that goes back to the system, and bytes that must not go with it.
#include <array>
#include <sys/mman.h>
#include <unistd.h>

#include "base/kept_memory.h"
#include "loop_fixture.h"

namespace martlet::io {
namespace {

class TrimTest : public LoopFixture {
 protected:
  /// Sends `bytes` to the receiver, and notes where they were received.
  void Pass(SocketPair& pair, Recorder& receiver, const std::string& bytes) {
    receiver.bytes.clear();
    receiver.hook = [this](const Completion& done) { seen_.push_back(done.data); };
    for (size_t sent = 0; sent < bytes.size();) {
      const ssize_t some =
          send(pair.far.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT);
      if (some > 0) sent += static_cast<size_t>(some);
      RunTurns(1);
    }
    ASSERT_TRUE(RunUntil([&] { return receiver.bytes.size() == bytes.size(); }));
    EXPECT_EQ(receiver.bytes, bytes);
  }
  /// Of the pages in which something was received, how many are in memory.
  size_t ResidentPages() const {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t resident = 0;
    for (const std::string_view& piece : seen_) {
      const size_t into = reinterpret_cast<uintptr_t>(piece.data()) % page;
      std::vector<unsigned char> pages((into + piece.size() + page - 1) / page);
      EXPECT_EQ(mincore(const_cast<char*>(piece.data()) - into, pages.size() * page, pages.data()),
                0);
      for (const unsigned char in_core : pages) resident += in_core & 1U;
    }
    return resident;
  }
  void End(Recorder& receiver) {
    loop->Cancel(receiver.op);
    ASSERT_TRUE(RunUntil([&] { return receiver.ended; }));
  }

  std::vector<std::string_view> seen_;  // only where, not what
};

TEST_P(TrimTest, BuffersThatHoldNothingTakeNoMemory) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder receiver;
  loop->Receive(receiver.op, pair.near.get());
  const std::string bytes = Pattern(1 << 20);
  Pass(pair, receiver, bytes);
  ASSERT_GT(ResidentPages(), 0u);
  loop->Trim();
  // Without deferred task work those that the kernel has stay as they are.
  if (!GetParam().uring || GetParam().limits.deferred_task_work) {
    EXPECT_EQ(ResidentPages(), 0u);
  }
  Pass(pair, receiver, bytes);
  End(receiver);
}

TEST_P(TrimTest, BytesNotHandledYetStay) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder receiver;
  loop->Receive(receiver.op, pair.near.get());
  RunTurns(2);
  const std::string bytes = Pattern(5000);
  ASSERT_EQ(send(pair.far.get(), bytes.data(), bytes.size(), 0), 5000);
  loop->SubmitAndWait(1'000'000'000);
  loop->Trim();
  ASSERT_TRUE(RunUntil([&] { return receiver.bytes.size() == bytes.size(); }));
  EXPECT_EQ(receiver.bytes, bytes);
  End(receiver);
}

TEST_P(TrimTest, WhatIsKeptStays) {
  OPEN_LOOP_OR_SKIP();
  SocketPair pair;
  Recorder receiver;
  base::KeptMemory* kept = nullptr;
  std::string_view data;
  receiver.hook = [&](const Completion& done) {
    if (kept != nullptr || done.memory == nullptr) return;
    kept = done.memory;
    kept->Keep();
    data = done.data;
  };
  loop->Receive(receiver.op, pair.near.get());
  const std::string bytes = Pattern(5000);
  ASSERT_EQ(send(pair.far.get(), bytes.data(), bytes.size(), 0), 5000);
  ASSERT_TRUE(RunUntil([&] { return receiver.bytes.size() == bytes.size(); }));
  ASSERT_NE(kept, nullptr);
  loop->Trim();
  EXPECT_EQ(data, std::string_view(bytes).substr(0, data.size()));
  kept->LetGo();
  End(receiver);
}

TEST_P(TrimTest, ALoopWithoutReceivesHasNothingToGive) {
  OPEN_LOOP_OR_SKIP({.receives = false});
  loop->Trim();
  RunTurns(1);
}

INSTANTIATE_TEST_SUITE_P(Backends, TrimTest,
                         testing::Values(kUring, kUringLinux61, kUringLinux519, kEpoll),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace martlet::io
