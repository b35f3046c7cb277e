// Shards without threads, rings or sockets: sessions are fed with bytes and read by hand.
#pragma once

#include <array>
#include <memory>
#include <stdlib.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "session/barriers.h"
#include "session/client_session.h"
#include "session/delivery.h"
#include "session/interconnect.h"
#include "session/interest_board.h"
#include "session/shard_context.h"

namespace martlet::session {

/// A piece of input, gone as soon as nobody keeps it.
struct Input : base::KeptMemory {
  explicit Input(std::string_view text) : bytes(text.begin(), text.end()) {
    ++alive;
    unused = [](base::KeptMemory& self) { delete static_cast<Input*>(&self); };
  }
  ~Input() { --alive; }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  static inline size_t alive = 0;
  const std::vector<char> bytes;
};

/// A connection as the world sees it.
class FakeConnection : public Transport {
 public:
  /// The end of a turn. True when the session wants to go on after a pause.
  virtual bool Settle() = 0;

 protected:
  ~FakeConnection() = default;
};

/// A client connection: what a shard's connection does, less the socket.
class Client final : public FakeConnection {
 public:
  Client(ShardContext& context, uint64_t id) : session(context, *this, id, {"127.0.0.1", 5000}) {}
  ~Client() {
    session.Close(CloseReason::kClientClosed);
    Settle();
  }

  void Feed(std::string_view bytes) {
    auto* input = new Input(bytes);
    const base::Keeper keeper(input);
    session.OnBytes({input->bytes.data(), input->bytes.size()}, input);
  }

  /// Everything that waits to be sent; it counts as sent then.
  std::string Take() {
    std::string text;
    std::array<iovec, 4> parts;
    while (!session.outbound().empty()) {
      const size_t count = session.outbound().Gather(parts, SIZE_MAX);
      size_t bytes = 0;
      for (size_t i = 0; i < count; ++i) {
        text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
        bytes += parts[i].iov_len;
      }
      session.outbound().Consume(bytes);
    }
    return text;
  }

  bool Settle() override {
    if (session.closing() && !detached_) {
      detached_ = true;
      session.Detach();
    }
    return !session.closing() && session.TakeResumeDue();
  }

  bool closed(CloseReason reason) const {
    return session.closing() && session.close_reason() == reason;
  }

  ClientSession session;

 private:
  bool detached_ = false;
};

/// A few shards in one thread; nothing moves between them unless the test says so.
class World {
 public:
  explicit World(unsigned shards, const Options& options = {}, size_t ring_bytes = 1 << 20)
      : index_(shards),
        interconnect_(shards, ring_bytes),
        facts_(options, Info()),
        log_(OpenLog(options)) {
    for (unsigned id = 0; id < shards; ++id) {
      shards_.push_back(std::make_unique<FakeShard>(id, *this));
      index_.reclaimer().Online(id);
    }
  }
  ~World() {
    clients_.clear();
    log_.reset();
    ::unlink((directory_ + "/log").c_str());
    ::rmdir(directory_.c_str());
  }

  /// A client that has said nothing yet; its INFO has been taken.
  Client& Accept(unsigned shard) {
    clients_.push_back(std::make_unique<Client>(context(shard), next_id_++));
    Client& client = *clients_.back();
    client.session.Start(false);
    EXPECT_TRUE(client.Take().starts_with("INFO {"));
    return client;
  }
  /// ... and one that is connected, without verbose unless the members say so.
  Client& Connect(unsigned shard, const std::string& members = {}) {
    Client& client = Accept(shard);
    const std::string more = members.empty() ? "" : "," + members;
    client.Feed("CONNECT {\"verbose\":false,\"pedantic\":false" + more + "}\r\n");
    EXPECT_EQ(client.Take(), "");
    return client;
  }

  /// Makes visible to the others what the shard has sent.
  void Publish(unsigned shard) {
    context(shard).mailroom.Publish([](unsigned) {});
  }
  void Drain(unsigned shard) { shards_[shard]->Drain(); }

  /// One turn of one shard; true when it did something.
  bool Turn(unsigned shard) {
    FakeShard& self = *shards_[shard];
    const bool worked = self.Drain() != 0 || !self.context.touched.empty() || !self.resume.empty();
    self.ResumePaused();
    Publish(shard);
    self.SettleTouched();
    Publish(shard);
    index_.reclaimer().Quiesce(shard);
    return worked;
  }
  /// Turns of all shards until nothing moves any more. One idle round is not enough: it may have
  /// sent what the shards before it have not seen.
  void Settle() {
    for (int idle = 0; idle < 2; ++idle) {
      for (unsigned shard = 0; shard < shards_.size(); ++shard) {
        if (Turn(shard)) idle = -1;
      }
    }
  }
  /// Time goes on, in steps of one millisecond or one hundred.
  void Advance(uint64_t milliseconds) {
    const uint64_t step = milliseconds > 1000 ? 100 : 1;
    for (uint64_t gone = 0; gone < milliseconds; gone += step) {
      now_ms_ += step;
      for (auto& shard : shards_) {
        shard->context.now_ns = now_ms_ * 1'000'000;
        shard->context.timers.Advance(now_ms_);
      }
      Settle();
    }
  }

  /// Whether something published is on its way.
  bool OnTheWay(unsigned from, unsigned to) { return interconnect_.ring(from, to).HasWork(); }

  unsigned shards() const { return static_cast<unsigned>(shards_.size()); }
  ShardContext& context(unsigned shard) { return shards_[shard]->context; }
  const ShardStats& stats(unsigned shard) { return shards_[shard]->context.stats; }
  std::string LogText() {
    log_->Flush();
    std::string text;
    if (FILE* file = std::fopen((directory_ + "/log").c_str(), "r")) {
      std::array<char, 4096> buffer;
      for (size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), file)) > 0;) {
        text.append(buffer.data(), n);
      }
      std::fclose(file);
    }
    return text;
  }

 private:
  struct FakeShard {
    FakeShard(unsigned id, World& world)
        : context(id, world.index_, world.interconnect_, *world.log_, world.facts_, world.now_ms_,
                  1000 + id),
          delivery(context),
          interest(context),
          barriers(context) {
      context.delivery = &delivery;
      context.interest = &interest;
      context.barriers = &barriers;
      context.drain_inbound = [this] { Drain(); };
    }

    size_t Drain() {
      if (std::exchange(draining, true)) return 0;
      const size_t drained = context.mailroom.Drain(SIZE_MAX, [this](std::span<const char> record) {
        switch (KindOf(record)) {
          case RecordKind::kInterest:
            return interest.OnRecord(DecodePlain<InterestRecord>(record));
          case RecordKind::kBarrier:
            return barriers.OnRecord(DecodePlain<BarrierRecord>(record));
          case RecordKind::kBarrierDone:
            return barriers.OnRecord(DecodePlain<BarrierDoneRecord>(record));
          default:
            return delivery.OnRecord(record);
        }
      });
      draining = false;
      return drained;
    }
    void ResumePaused() {
      if (context.mailroom.blocked()) {
        context.mailroom.FlushWaiting();
        if (!context.mailroom.blocked()) {
          for (Session* client : std::exchange(context.waiting_for_rings, {})) {
            client->OnRingsFree();
          }
        }
      }
      for (Session* session : std::exchange(resume, {})) session->OnResume();
    }
    void SettleTouched() {
      while (!context.touched.empty()) {
        for (Session* session : std::exchange(context.touched, {})) {
          session->ClearTouched();
          if (static_cast<FakeConnection&>(session->transport()).Settle())
            resume.push_back(session);
        }
      }
    }

    ShardContext context;
    Delivery delivery;
    InterestBoard interest;
    Barriers barriers;
    std::vector<Session*> resume;
    bool draining = false;
  };

  static proto::ServerInfo Info() {
    proto::ServerInfo info;
    info.server_id = "NTEST";
    info.server_name = "test";
    info.host = "0.0.0.0";
    return info;
  }
  std::unique_ptr<base::Log> OpenLog(const Options& options) {
    std::string pattern = testing::TempDir() + "session_test_XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    auto log = base::Log::Open(
        {.file = directory_ + "/log", .debug = options.debug, .trace = options.trace});
    EXPECT_TRUE(log.ok());
    return *std::move(log);
  }

  uint64_t now_ms_ = 1'000'000;
  uint64_t next_id_ = 5;
  std::string directory_;
  subject::SubjectIndex index_;
  Interconnect interconnect_;
  const ServerFacts facts_;
  std::unique_ptr<base::Log> log_;
  std::vector<std::unique_ptr<FakeShard>> shards_;
  std::vector<std::unique_ptr<Client>> clients_;
};

/// PUB of a message.
inline std::string Pub(std::string_view subject, std::string_view payload,
                       std::string_view reply = {}) {
  std::string text = "PUB " + std::string(subject);
  if (!reply.empty()) text += " " + std::string(reply);
  return text + " " + std::to_string(payload.size()) + "\r\n" + std::string(payload) + "\r\n";
}

/// MSG as a subscriber gets it.
inline std::string Msg(std::string_view subject, std::string_view sid, std::string_view payload,
                       std::string_view reply = {}) {
  std::string text = "MSG " + std::string(subject) + " " + std::string(sid);
  if (!reply.empty()) text += " " + std::string(reply);
  return text + " " + std::to_string(payload.size()) + "\r\n" + std::string(payload) + "\r\n";
}

/// How often `what` occurs in `text`.
inline int Count(std::string_view text, std::string_view what) {
  int count = 0;
  for (size_t at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) {
    ++count;
  }
  return count;
}

}  // namespace martlet::session
