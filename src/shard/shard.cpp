#include "shard/shard.h"

#include <algorithm>
#include <chrono>
#include <sys/socket.h>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "base/heap_trim.h"
#include "base/net_address.h"
#include "base/pause.h"
#include "shard/client_connection.h"
#include "shard/route_connection.h"

namespace martlet::shard {
namespace {

using session::RecordKind;

// More records than fit into a ring: draining takes everything that was there when it began.
constexpr size_t kDrainAll = size_t{1} << 16;
// So long a shard waits, at most, for another one to make room in a full ring.
constexpr int64_t kFullRingWaitNs = 100'000;
// How often the load is measured for the placement of connections.
constexpr uint64_t kMeasureNs = 50'000'000;
constexpr uint64_t kNanosecondsPerTick = 1'000'000;  // of the timer wheel
// Up to so many sends in a turn are system calls of our own: that spares their answers, which would
// be another turn. From there on one enter for all of them is cheaper (fan-out 1:100: by 3 %).
constexpr size_t kOwnSendsMax = 16;
constexpr int kLooksPerClock = 16;  // looks of a spin between two of the clock

// By itself the kernel lets a connection that is never empty grow to megabytes in flight. To
// another host that covers the round trip; on the same host it only makes each byte leave the
// processor's cache and come back (1:1, 16 KiB: a quarter of the CPU). What it does not take waits
// here.
void KeepSendBufferSmall(int fd) {
  constexpr int kBytes = 256 << 10;  // the kernel doubles it, for its own needs
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kBytes, sizeof kBytes);
}

// The closed clients that the monitor wants are shared out: each shard keeps its own. Without a
// monitor nobody asks for them.
size_t ClosedMax(const Shared& shared) {
  const Options& options = shared.facts.options;
  const size_t shards = shared.interconnect.shards();
  return options.http_port == 0 ? 0 : (options.max_closed_clients + shards - 1) / shards;
}

}  // namespace

Shard::Shard(unsigned id, Seat seat, Shared& shared)
    : id_(id),
      seat_(std::move(seat)),
      shared_(shared),
      context_(id, shared.index, shared.interconnect, shared.log, shared.facts,
               base::MonotonicMilliseconds(), base::MonotonicNanoseconds() + id),
      delivery_(context_),
      interest_(context_),
      barriers_(context_),
      routes_(*this),
      listener_(*this),
      snapshots_(context_, ClosedMax(shared), shared.unix_offset_ns),
      patience_(shared.tuning.spin) {
  context_.delivery = &delivery_;
  context_.interest = &interest_;
  context_.barriers = &barriers_;
  context_.drain_inbound = [this] { DrainInbound(); };
}

Shard::~Shard() { DCHECK(connections_.empty()); }

absl::Status Shard::Open(io::LoopOptions options, std::string* fallback_reason) {
  options.batching = tuning().batching;
  options.receive_cap_bytes = tuning().receive_cap_bytes;
  absl::StatusOr<std::unique_ptr<io::Loop>> loop = io::Loop::Create(options, fallback_reason);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  return absl::OkStatus();
}

void Shard::Run() {
  measured_since_ns_ = now_ns_ = base::MonotonicNanoseconds();
  context_.index.reclaimer().Online(id_);
  for (;;) {
    Turn();
    if (routes_stop_ && connections_.empty() && !listener_.open()) break;
    Wait();
  }
  stop_timer_.Disarm();
  look_timer_.Disarm();
  free_timer_.Disarm();
  Tell(RecordKind::kStopped);
  PublishAndWake();
  context_.index.reclaimer().Offline(id_);
}

void Shard::Turn() {
  context_.now_ns = now_ns_;
  context_.timers.Advance(now_ns_ / kNanosecondsPerTick);
  if (stopping_) [[unlikely]]
    TellClientsGone();
  DrainInbound();
  loop_->RunCompletions(tuning().budget);
  ResumePaused();
  interest_waits_ = interest_.Continue();
  PublishAndWake();
  ChooseReceiveCap();
  SettleTouched();
  TellFactsTaken();
  PublishAndWake();  // closing sessions may have had something to pass on
  BuryGone();
  if (!look_timer_.armed() && quiet_.WantsLooks(Work())) {
    context_.timers.Arm(look_timer_, Quiet::kLookMs);
  }
  if (trims_) [[unlikely]]
    Trim();
}

void Shard::ChooseReceiveCap() {
  const uint64_t out_bytes = context_.stats.all_out_bytes();
  const uint64_t output_bytes = out_bytes - std::exchange(settled_bytes_, out_bytes);
  loop_->CapReceives(tuning().ReceiveCap(context_.touched.size(), output_bytes));
}

void Shard::Wait() {
  subject::Reclaimer& reclaimer = context_.index.reclaimer();
  now_ns_ = base::MonotonicNanoseconds();
  const int64_t timeout_ns = TimeUntilDue();
  if (timeout_ns == 0) {
    reclaimer.Quiesce(id_);
    return loop_->SubmitAndWait(0);
  }
  // Spinning and asleep alike, the shard holds nothing of the index.
  reclaimer.Offline(id_);
  const uint64_t idle_since = now_ns_;
  const uint64_t due = timeout_ns < 0 ? UINT64_MAX : idle_since + static_cast<uint64_t>(timeout_ns);
  // Without connections there is nobody who would notice.
  const int64_t patience = connections_.empty() ? 0 : patience_.Budget();
  if (patience == 0) {
    Sleep(timeout_ns);
  } else if (!Spin(idle_since, patience, due) && now_ns_ < due) {
    Sleep(timeout_ns < 0 ? timeout_ns : static_cast<int64_t>(due - now_ns_));
  }
  reclaimer.Online(id_);
  patience_.OnWork(now_ns_ - idle_since);
  if (patience_.WindowEnds(now_ns_)) JudgeSpinning();
  if (affinity_.WindowEnds(now_ns_)) JudgeAffinity();
  MeasureBusy(now_ns_ - idle_since);
}

/// 0: at once; negative: nothing is due.
int64_t Shard::TimeUntilDue() const {
  if (!resume_.empty() || !settle_.empty() || !context_.touched.empty() || interest_waits_) {
    return 0;
  }
  if (stopping_ && !clients_gone_told_ && context_.clients.empty()) return 0;
  int64_t timeout_ns = -1;
  if (const uint64_t next = context_.timers.NextTick(); next != UINT64_MAX) {
    const uint64_t next_ns = next * kNanosecondsPerTick;
    if (next_ns <= now_ns_) return 0;
    timeout_ns = static_cast<int64_t>(next_ns - now_ns_);
  }
  if (!context_.mailroom.blocked()) return timeout_ns;
  return timeout_ns < 0 ? kFullRingWaitNs : std::min(timeout_ns, kFullRingWaitNs);
}

/// Looks for work without sleeping; false when it was in vain. To the others the shard is awake:
/// who has something for it puts that into the ring and leaves it at that.
bool Shard::Spin(uint64_t idle_since_ns, int64_t patience_ns, uint64_t due_ns) {
  uint64_t until_ns = due_ns;
  if (patience_ns != Patience::kForever) {
    until_ns = std::min(due_ns, idle_since_ns + static_cast<uint64_t>(patience_ns));
  }
  loop_->SubmitAndWait(0);
  for (;;) {
    for (int looks = 0; looks < kLooksPerClock; ++looks) {
      const bool rings = shared_.interconnect.HasWork(id_);
      if (rings || loop_->Poll()) {
        loop_->SubmitAndWait(0);
        now_ns_ = base::MonotonicNanoseconds();
        return true;
      }
      base::Pause();
    }
    now_ns_ = base::MonotonicNanoseconds();
    if (now_ns_ >= until_ns) return false;
  }
}

void Shard::Sleep(int64_t timeout_ns) {
  session::Interconnect& interconnect = shared_.interconnect;
  interconnect.MarkSleeping(id_);
  loop_->SubmitAndWait(interconnect.HasWork(id_) ? 0 : timeout_ns);
  interconnect.MarkAwake(id_);
  now_ns_ = base::MonotonicNanoseconds();
}

void Shard::MeasureBusy(uint64_t waited_ns) {
  waited_ns_ += waited_ns;
  const uint64_t elapsed = now_ns_ - measured_since_ns_;
  if (elapsed < kMeasureNs) return;
  const uint64_t waited = std::min(waited_ns_, elapsed);
  shared_.placement.SetBusy(id_, static_cast<uint32_t>((elapsed - waited) * 1000 / elapsed));
  measured_since_ns_ = now_ns_;
  waited_ns_ = 0;
  ReportScarcity();
}

void Shard::JudgeSpinning() {
  const session::ShardStats& stats = context_.stats;
  const bool newly_shared = patience_.Judge({.now_ns = now_ns_,
                                             .cpu_ns = base::ThreadCpuNanoseconds(),
                                             .messages = stats.all_messages(),
                                             .involuntary_switches = base::InvoluntarySwitches()});
  if (!newly_shared) return;
  LOG_INFO(context_.log, "Shard %u sleeps without spinning for now: others want its CPU", id_);
}

// A shard that always spins has been given its CPU for itself.
void Shard::JudgeAffinity() {
  if (seat_.allowed.size() < 2 || tuning().spin == SpinMode::kAlways) return;
  const std::optional<uint64_t> waited_ns = cpu_wait_.Nanoseconds();
  if (!waited_ns) return;
  switch (affinity_.Judge(now_ns_, *waited_ns)) {
    case Affinity::Change::kNone:
      return;
    case Affinity::Change::kPin:
      return base::PinThisThread(seat_.cpu);
    case Affinity::Change::kLetGo:
      base::PinThisThread(seat_.allowed);
  }
  if (std::exchange(said_crowded_, true)) return;
  LOG_INFO(context_.log, "Shard %u leaves CPU %d for now: others want it", id_, seat_.cpu);
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

Quiet::Totals Shard::Work() const {
  const session::ShardStats& stats = context_.stats;
  return {.bytes = loop_->stats().received_bytes.Get() + stats.all_out_bytes(),
          .connects = stats.total_connections.Get(),
          .connections = stats.connections.Get(),
          .subscriptions = stats.subscriptions.Get()};
}

void Shard::OnLook() {
  if (quiet_.Look(Work())) return OnRetiredFreed();
  context_.timers.Arm(look_timer_, Quiet::kLookMs);
}

/// What the shard retired from the index is freed in portions, one with each sleep: a million
/// subscriptions are 25 ms. As long as that goes on there will be more to give back.
void Shard::OnRetiredFreed() {
  const size_t waiting = context_.index.reclaimer().waiting(id_);
  const size_t before = std::exchange(retired_waiting_, waiting);
  if (waiting > 0 && waiting < before) return context_.timers.Arm(free_timer_, 1);
  retired_waiting_ = SIZE_MAX;
  trims_ = true;
}

/// Gives back what the busy times have left behind: everything that comes again by itself. At the
/// end of a turn, as completions not handled yet point into receive buffers.
///
/// Takes 0.7 ms where a million subscriptions are alive, and 2 ms where they have just gone, most
/// of it inside the kernel.
void Shard::Trim() {
  trims_ = false;
  loop_->Trim();
  context_.pool.Trim();
  context_.cache.Clear();
  base::TrimHeap();
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
    case RecordKind::kRouted:
      return delivery_.OnRecord(record);
    case RecordKind::kInterest:
      return interest_.OnRecord(session::DecodePlain<session::InterestRecord>(record));
    case RecordKind::kBarrier:
      return barriers_.OnRecord(session::DecodePlain<session::BarrierRecord>(record));
    case RecordKind::kBarrierDone:
      return barriers_.OnRecord(session::DecodePlain<session::BarrierDoneRecord>(record));
    case RecordKind::kAdoptRoute:
      return AdoptRoute(session::DecodePlain<AdoptRouteRecord>(record));
    case RecordKind::kRouteAction:
      return routes_.Perform(session::DecodePlain<RouteActionRecord>(record));
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
    case RecordKind::kStopRoutes:
      return StopRoutes();
    case RecordKind::kFacts:
      return TakeFacts(session::DecodePlain<FactsRecord>(record));
    case RecordKind::kCloseSurplus:
      return CloseSurplus(session::DecodePlain<CloseSurplusRecord>(record).count);
    case RecordKind::kPulse:
      return Tell(RecordKind::kPulse);
    case RecordKind::kSnapshot:
      return AnswerSnapshot(session::DecodePlain<SnapshotRecord>(record));
    case RecordKind::kListenerClosed:
    case RecordKind::kClientsGone:
    case RecordKind::kStopped:
    case RecordKind::kFactsTaken:
    case RecordKind::kRouteEvent:
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
  session::Peer peer = {address.host(), address.port()};
  if (base::IsOnThisHost(fd.get(), peer.ip)) KeepSendBufferSmall(fd.get());
  auto* connection = new ClientConnection(*this, std::move(fd), record.client_id, std::move(peer));
  connections_.insert(connection);
  connection->Start(record.over_limit);
}

void Shard::AdoptRoute(const AdoptRouteRecord& record) {
  Connection* connection = routes_.Adopt(record);
  if (connection == nullptr) return;
  connections_.insert(connection);
  if (stopping_) connection->session().Close(session::CloseReason::kServerShutdown);
}

void Shard::PublishAndWake() {
  context_.mailroom.Publish([this](unsigned member) { loop_->Wake(shared_.wakers[member]); });
}

void Shard::ResumePaused() {
  if (context_.mailroom.blocked()) {
    context_.mailroom.FlushWaiting();
    if (!context_.mailroom.blocked()) {
      const auto waiting = std::exchange(context_.waiting_for_rings, {});
      for (session::Session* client : waiting) client->OnRingsFree();
    }
  }
  const auto resumed = std::exchange(resume_, {});
  for (Connection* connection : resumed) connection->Resume();
}

void Shard::SettleTouched() {
  for (Connection* connection : std::exchange(settle_, {})) connection->session().Touch();
  while (!context_.touched.empty()) {
    const auto touched = std::exchange(context_.touched, {});
    sends_itself_ = touched.size() <= kOwnSendsMax || !loop_->is_uring();
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
    std::erase(settle_, connection);
    connections_.erase(connection);
    delete connection;
  }
}

void Shard::OnListenerClosed() { Tell(RecordKind::kListenerClosed); }

void Shard::CloseOne() {
  if (context_.clients.empty()) return;
  context_.clients.begin()->second->Close(session::CloseReason::kServerShutdown);
}

// Sessions look at the facts whenever they need them, so that nothing has to be told to each. What
// handles a record may be in the midst of an operation that looks at the old ones: they are let go
// of when the turn ends.
void Shard::TakeFacts(const FactsRecord& record) {
  const session::ServerFacts& before = *std::exchange(context_.facts, record.facts);
  facts_taken_ = true;
  for (const auto& [key, route] : context_.routes) route->OnPermissions(before.options.cluster);
  if (!record.tell_clients) return;
  for (const auto& [id, client] : context_.clients) client->SendInfo();
}

void Shard::TellFactsTaken() {
  if (std::exchange(facts_taken_, false)) Tell(RecordKind::kFactsTaken);
}

void Shard::CloseSurplus(int64_t count) {
  for (const auto& [id, client] : context_.clients) {
    if (count <= 0) return;
    if (client->closing()) continue;
    client->CloseForMaximumConnections();
    --count;
  }
}

void Shard::AnswerSnapshot(const SnapshotRecord& record) {
  snapshots_.Answer(*record.piece);
  context_.mailroom.SendPlain(shared_.interconnect.control(), record);
}

void Shard::BeginStop() {
  if (std::exchange(stopping_, true)) return;
  if (listener_.open()) listener_.Close();
  for (const auto& [id, client] : context_.clients) {
    client->Close(session::CloseReason::kServerShutdown);
  }
  context_.timers.Arm(stop_timer_, kStopPatienceMs);
}

// In the turn after the last of them: what they sent to other shards is there by then.
void Shard::TellClientsGone() {
  if (clients_gone_told_ || !context_.clients.empty()) return;
  clients_gone_told_ = true;
  Tell(RecordKind::kClientsGone);
}

void Shard::StopRoutes() {
  routes_stop_ = true;
  routes_.CloseAll();
}

void Shard::OnStopPatience() {
  for (Connection* connection : connections_) connection->Abort();
}

void Shard::Tell(RecordKind kind) {
  context_.mailroom.SendPlain(shared_.interconnect.control(), NoticeRecord{kind, id_});
}

}  // namespace martlet::shard
