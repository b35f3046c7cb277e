// Shards without threads, rings of the kernel or sockets: what sessions see of a server, in one
// thread and with a clock that is told the time.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "session/barriers.h"
#include "session/client_session.h"
#include "session/delivery.h"
#include "session/interconnect.h"
#include "session/interest_board.h"
#include "session/server_facts.h"
#include "session/shard_context.h"
#include "subject/subject_index.h"

namespace martlet::fuzz {

class FakeShard;

/// What a real connection does for its session, without the socket.
class FakeConnection : public session::Transport {
 public:
  FakeConnection(FakeShard& shard, uint64_t id);

  session::ClientSession& session() { return session_; }
  bool open() const { return open_; }
  /// The peer reads nothing from now on, or goes on reading.
  void set_reads(bool reads) { reads_ = reads; }

  /// Bytes from the peer. While paused a real connection may have one receive in flight.
  void Feed(std::string_view bytes) {
    if (!open_) return;
    auto* input = new base::KeptText(std::string(bytes));  // gone as soon as nobody keeps it
    const base::Keeper keeper(input);
    session_.OnBytes(input->text, input);
  }
  void Settle();
  void Resume() {
    if (open_ && !session_.closing()) session_.OnResume();
  }
  /// What the server has sent since the last call.
  std::string TakeOutput() { return std::exchange(output_, {}); }
  /// Whether all of it could be sent: then it ends with a whole operation.
  bool drained() const { return session_.outbound().empty(); }

 private:
  void Send();

  FakeShard& shard_;
  session::ClientSession session_;
  std::string output_;
  bool open_ = true;
  bool reads_ = true;
  bool was_paused_ = false;
};

/// One shard; its Turn() follows the order of the real one.
class FakeShard {
 public:
  FakeShard(unsigned id, subject::SubjectIndex& index, session::Interconnect& interconnect,
            base::Log& log, const session::ServerFacts& facts)
      : context_(id, index, interconnect, log, facts, kStartMs, id),
        delivery_(context_),
        interest_(context_),
        barriers_(context_) {
    context_.delivery = &delivery_;
    context_.interest = &interest_;
    context_.barriers = &barriers_;
    context_.drain_inbound = [this] { Drain(); };
    index.reclaimer().Online(id);
  }
  ~FakeShard() { context_.index.reclaimer().Offline(context_.shard); }
  FakeShard(const FakeShard&) = delete;
  FakeShard& operator=(const FakeShard&) = delete;

  session::ShardContext& context() { return context_; }
  void ResumeLater(FakeConnection& connection) { resume_.push_back(&connection); }

  /// True when it had something to do.
  bool Turn(uint64_t now_ms) {
    context_.now_ns = now_ms * 1'000'000;
    context_.timers.Advance(now_ms);
    bool busy = Drain() != 0;
    busy = ResumePaused() || busy;
    Publish();
    while (!context_.touched.empty()) {
      busy = true;
      for (session::Session* session : std::exchange(context_.touched, {})) {
        session->ClearTouched();
        static_cast<FakeConnection&>(session->transport()).Settle();
      }
    }
    Publish();
    context_.index.reclaimer().Quiesce(context_.shard);
    return busy;
  }

  static constexpr uint64_t kStartMs = 1'000'000;

 private:
  size_t Drain() {
    if (std::exchange(draining_, true)) return 0;
    const size_t drained = context_.mailroom.Drain(1 << 16, [this](std::span<const char> record) {
      switch (session::KindOf(record)) {
        case session::RecordKind::kInterest:
          return interest_.OnRecord(session::DecodePlain<session::InterestRecord>(record));
        case session::RecordKind::kBarrier:
          return barriers_.OnRecord(session::DecodePlain<session::BarrierRecord>(record));
        case session::RecordKind::kBarrierDone:
          return barriers_.OnRecord(session::DecodePlain<session::BarrierDoneRecord>(record));
        default:
          return delivery_.OnRecord(record);
      }
    });
    draining_ = false;
    return drained;
  }
  bool ResumePaused() {
    if (context_.mailroom.blocked()) {
      context_.mailroom.FlushWaiting();
      if (!context_.mailroom.blocked()) {
        const auto waiting = std::exchange(context_.waiting_for_rings, {});
        for (session::Session* client : waiting) client->OnRingsFree();
      }
    }
    const auto resumed = std::exchange(resume_, {});
    for (FakeConnection* connection : resumed) connection->Resume();
    return !resumed.empty();
  }
  void Publish() {
    context_.mailroom.Publish([](unsigned) {});
  }

  session::ShardContext context_;
  session::Delivery delivery_;
  session::InterestBoard interest_;
  session::Barriers barriers_;
  std::vector<FakeConnection*> resume_;
  bool draining_ = false;
};

inline FakeConnection::FakeConnection(FakeShard& shard, uint64_t id)
    : shard_(shard), session_(shard.context(), *this, id, {"127.0.0.1", 4000}) {
  session_.Start(false);
}

inline void FakeConnection::Settle() {
  if (open_ && session_.closing()) {
    session_.Detach();
    open_ = false;
    if (proto::FlushesOutput(session_.close_reason())) {
      Send();
    } else {
      session_.outbound().Clear();
    }
    return;
  }
  if (!open_) return;
  if (session_.paused()) {
    was_paused_ = true;
  } else if (std::exchange(was_paused_, false)) {
    shard_.ResumeLater(*this);
  }
  if (reads_) Send();
}

inline void FakeConnection::Send() {
  session::Outbound& outbound = session_.outbound();
  while (!outbound.empty()) {
    iovec parts[4];
    const size_t count = outbound.Gather(parts, 65536);
    CHECK(count != 0);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
      output_.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      bytes += parts[i].iov_len;
    }
    outbound.Consume(bytes);
  }
}

}  // namespace martlet::fuzz
