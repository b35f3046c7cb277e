#include "shard/shard.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/net_address.h"

namespace martlet::shard {
namespace {

using session::RecordKind;

// More records than fit into a ring: draining takes everything that was there when it began.
constexpr size_t kDrainAll = size_t{1} << 16;
// So long a shard waits, at most, for another one to make room in a full ring.
constexpr int64_t kFullRingWaitNs = 100'000;
// How often the load is measured for the placement of connections.
constexpr uint64_t kMeasureNs = 50'000'000;

}  // namespace

Shard::Shard(unsigned id, Shared& shared)
    : id_(id),
      shared_(shared),
      context_(id, shared.index, shared.interconnect, shared.log, shared.facts,
               base::MonotonicMilliseconds(), base::MonotonicNanoseconds() + id),
      delivery_(context_),
      listener_(*this),
      write_deadline_ms_(static_cast<uint64_t>(std::max<int64_t>(
          1, shared.facts.options.write_deadline / std::chrono::milliseconds(1)))) {
  context_.delivery = &delivery_;
  context_.drain_inbound = [this] { DrainInbound(); };
}

Shard::~Shard() { DCHECK(connections_.empty()); }

absl::Status Shard::Open(const io::LoopOptions& options, std::string* fallback_reason) {
  absl::StatusOr<std::unique_ptr<io::Loop>> loop = io::Loop::Create(options, fallback_reason);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  return absl::OkStatus();
}

void Shard::Run() {
  measured_since_ns_ = base::MonotonicNanoseconds();
  context_.index.reclaimer().Online(id_);
  for (;;) {
    Turn();
    if (stopping_ && connections_.empty() && !listener_.open()) break;
    Wait();
  }
  stop_timer_.Disarm();
  Tell(RecordKind::kStopped);
  PublishAndWake();
  context_.index.reclaimer().Offline(id_);
}

void Shard::Turn() {
  UpdateClock();
  DrainInbound();
  loop_->RunCompletions();
  ResumePaused();
  PublishAndWake();
  SettleTouched();
  PublishAndWake();  // closing sessions may have had something to pass on
  BuryGone();
}

void Shard::UpdateClock() { context_.timers.Advance(base::MonotonicMilliseconds()); }

void Shard::Wait() {
  session::Interconnect& interconnect = shared_.interconnect;
  int64_t timeout_ns = -1;
  if (!resume_.empty() || !context_.touched.empty()) {
    timeout_ns = 0;
  } else {
    const uint64_t next = context_.timers.NextTick();
    const uint64_t now = base::MonotonicNanoseconds();
    if (next != UINT64_MAX) {
      timeout_ns = next * 1'000'000 > now ? static_cast<int64_t>(next * 1'000'000 - now) : 0;
    }
    if (context_.mailroom.blocked()) {
      timeout_ns = timeout_ns < 0 ? kFullRingWaitNs : std::min(timeout_ns, kFullRingWaitNs);
    }
  }
  subject::Reclaimer& reclaimer = context_.index.reclaimer();
  if (timeout_ns == 0) {
    reclaimer.Quiesce(id_);
    loop_->SubmitAndWait(0);
    return;
  }
  interconnect.MarkSleeping(id_);
  if (interconnect.HasWork(id_)) timeout_ns = 0;
  reclaimer.Offline(id_);
  const uint64_t before = base::MonotonicNanoseconds();
  loop_->SubmitAndWait(timeout_ns);
  MeasureBusy(before, base::MonotonicNanoseconds());
  reclaimer.Online(id_);
  interconnect.MarkAwake(id_);
}

void Shard::MeasureBusy(uint64_t before_wait_ns, uint64_t after_wait_ns) {
  waited_ns_ += after_wait_ns - before_wait_ns;
  const uint64_t elapsed = after_wait_ns - measured_since_ns_;
  if (elapsed < kMeasureNs) return;
  const uint64_t waited = std::min(waited_ns_, elapsed);
  shared_.placement.SetBusy(id_, static_cast<uint32_t>((elapsed - waited) * 1000 / elapsed));
  measured_since_ns_ = after_wait_ns;
  waited_ns_ = 0;
  ReportScarcity();
}

// The loop survives both; an operator should know that it had to. Each is said once.
void Shard::ReportScarcity() {
  const io::LoopStats& stats = loop_->stats();
  if (stats.buffers_exhausted.Get() > 0 && !std::exchange(said_buffers_exhausted_, true)) {
    LOG_INFO(context_.log, "Shard %u ran out of receive buffers for a moment; input waited", id_);
  }
  if (stats.completion_overflows.Get() > 0 && !std::exchange(said_overflow_, true)) {
    LOG_WARN(context_.log, "Shard %u overflowed its completion queue; nothing was lost", id_);
  }
}

void Shard::DrainInbound() {
  // A record's handler may close a session, which drains, too: its caller is already at it.
  if (std::exchange(draining_, true)) return;
  context_.mailroom.Drain(kDrainAll, [this](std::span<const char> record) { OnRecord(record); });
  draining_ = false;
}

void Shard::OnRecord(std::span<const char> record) {
  switch (session::KindOf(record)) {
    case RecordKind::kMessage:
    case RecordKind::kQueuePick:
    case RecordKind::kBounce:
    case RecordKind::kStall:
      return delivery_.OnRecord(record);
    case RecordKind::kAdopt:
      return Adopt(session::DecodePlain<AdoptRecord>(record));
    case RecordKind::kListen:
      return listener_.Open(session::DecodePlain<ListenRecord>(record).fd);
    case RecordKind::kStopListening:
      return listener_.Close();
    case RecordKind::kLameDuck:
      for (const auto& [id, client] : context_.clients) client->SendLameDuckInfo();
      return;
    case RecordKind::kCloseOne:
      return CloseOne();
    case RecordKind::kStop:
      return BeginStop();
    case RecordKind::kListenerClosed:
    case RecordKind::kStopped:
      break;
  }
  CHECK(false);
}

void Shard::OnAccepted(base::UniqueFd fd) {
  bool over_limit = false;
  const unsigned target =
      shared_.placement.Admit(context_.facts->options.max_connections, &over_limit);
  const AdoptRecord record = {
      .over_limit = over_limit, .fd = fd.Release(), .client_id = shared_.placement.NextClientId()};
  if (target == id_) return Adopt(record);
  context_.mailroom.SendPlain(target, record);
}

void Shard::Adopt(const AdoptRecord& record) {
  base::UniqueFd fd(record.fd);
  base::SocketAddress address;
  // A peer that is gone already has no address; and a server that stops takes nobody in.
  if (stopping_ || ::getpeername(fd.get(), address.get(), &address.length) != 0) {
    shared_.placement.Leave(id_);
    return;
  }
  auto* connection = new Connection(*this, std::move(fd), record.client_id,
                                    session::Peer{address.host(), address.port()});
  connections_.insert(connection);
  connection->Start(record.over_limit);
}

void Shard::PublishAndWake() {
  context_.mailroom.Publish([this](unsigned member) { loop_->Wake(shared_.wakers[member]); });
}

void Shard::ResumePaused() {
  if (context_.mailroom.blocked()) {
    context_.mailroom.FlushWaiting();
    if (!context_.mailroom.blocked()) {
      const auto waiting = std::exchange(context_.waiting_for_rings, {});
      for (session::ClientSession* client : waiting) client->OnRingsFree();
    }
  }
  const auto resumed = std::exchange(resume_, {});
  for (Connection* connection : resumed) connection->Resume();
}

void Shard::SettleTouched() {
  while (!context_.touched.empty()) {
    const auto touched = std::exchange(context_.touched, {});
    for (session::Session* session : touched) {
      session->ClearTouched();
      static_cast<Connection&>(session->transport()).Settle();
    }
  }
}

void Shard::BuryGone() {
  if (gone_.empty()) return;
  for (Connection* connection : std::exchange(gone_, {})) {
    std::erase(resume_, connection);
    connections_.erase(connection);
    delete connection;
  }
}

void Shard::OnListenerClosed() { Tell(RecordKind::kListenerClosed); }

void Shard::CloseOne() {
  if (context_.clients.empty()) return;
  context_.clients.begin()->second->Close(session::CloseReason::kServerShutdown);
}

void Shard::BeginStop() {
  if (std::exchange(stopping_, true)) return;
  if (listener_.open()) listener_.Close();
  for (const auto& [id, client] : context_.clients) {
    client->Close(session::CloseReason::kServerShutdown);
  }
  context_.timers.Arm(stop_timer_, kStopPatienceMs);
}

void Shard::OnStopPatience() {
  for (Connection* connection : connections_) connection->Abort();
}

void Shard::Tell(RecordKind kind) {
  context_.mailroom.SendPlain(shared_.interconnect.control(), NoticeRecord{kind, id_});
}

}  // namespace martlet::shard
