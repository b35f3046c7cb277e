#include "control/control_shard.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/go_text.h"
#include "base/net_address.h"
#include "ops/lame_duck.h"
#include "ops/signals.h"

namespace martlet::control {

using session::RecordKind;

std::string ListenText(const std::string& host, int port) {
  return "listen tcp " + base::JoinHostPort(host, std::max(port, 0));
}

std::string ListenError(const std::string& host, int port, const std::string& why) {
  return "Error listening on port: " + base::JoinHostPort(host, std::max(port, 0)) + ", " +
         base::GoQuote(why);
}

ControlShard::ControlShard(shard::Shared& shared, Reloader reloader, base::UniqueFd signal_fd,
                           base::UniqueFd listen_fd, base::UniqueFd monitor_fd,
                           ClusterStart cluster, const ServiceManager& manager,
                           std::function<void(const std::string&)> move_ports_file)
    : shared_(shared),
      reloader_(std::move(reloader)),
      notifier_(manager.notify_socket),
      move_ports_file_(std::move(move_ports_file)),
      mailroom_(shared.interconnect, shared.interconnect.control()),
      timers_(base::MonotonicMilliseconds()),
      random_(base::MonotonicNanoseconds()),
      signal_fd_(std::move(signal_fd)),
      listen_fd_(std::move(listen_fd)),
      monitor_fd_(std::move(monitor_fd)),
      cluster_start_(std::move(cluster)),
      cluster_name_(cluster_start_.name),
      awaits_mesh_(AwaitsMesh(shared.facts.options)),
      facts_(&shared.facts) {
  const auto period =
      ops::WatchdogPeriod(manager.watchdog_period, manager.watchdog_pid, ::getpid());
  if (notifier_.active()) watchdog_ms_ = static_cast<uint64_t>(period.count());
}

absl::Status ControlShard::Open(io::LoopOptions options, std::string* fallback_reason) {
  options.receives = static_cast<bool>(monitor_fd_);
  // Requests to the monitor are short and few.
  options.receive_buffers = 4;
  options.receive_buffer_bytes = size_t{16} << 10;
  absl::StatusOr<std::unique_ptr<io::Loop>> loop = io::Loop::Create(options, fallback_reason);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  if (monitor_fd_) {
    monitor_ =
        std::make_unique<MonitorPort>(shared_, *loop_, timers_, mailroom_, std::move(monitor_fd_));
    monitor_->ShowConfig(*facts_, reloader_.digest());
  }
  return absl::OkStatus();
}

bool ControlShard::Run() {
  if (awaits_mesh_) {
    AwaitMesh();
  } else {
    LetClientsIn();
  }
  PublishAndWake();
  loop_->PollReadable(signals_, signal_fd_.get());
  if (monitor_ != nullptr) monitor_->Open();
  if (cluster_start_.fd) OpenCluster();
  PublishState();
  if (watchdog_ms_ > 0) timers_.Arm(watchdog_timer_, watchdog_ms_);
  for (;;) {
    Turn();
    if (ended()) return !failed_;
    Wait();
  }
}

void ControlShard::LetClientsIn() {
  mesh_timer_.Disarm();
  if (stopping_ || lame_duck_ || std::exchange(clients_let_in_, true)) return;
  const std::string& host = options().host;
  // Another server may have taken the port since it was bound.
  if (::listen(listen_fd_.get(), base::kListenBacklog) != 0) {
    failed_ = true;
    const std::string why = ListenText(host, facts_->bound_port) + ": listen: ";
    shared_.log.Write(base::LogLevel::kFatal,
                      ListenError(host, facts_->bound_port, why + base::GoErrno(errno)));
    return BeginStop();
  }
  move_ports_file_(options().ports_file_dir);  // there, when the log says so
  LOG_INFO(shared_.log, "Listening for client connections on %s",
           base::JoinHostPort(host, facts_->bound_port).c_str());
  LOG_INFO(shared_.log, "Server is ready");
  for (unsigned shard = 0; shard < shared_.interconnect.shards(); ++shard) {
    mailroom_.SendPlain(shard, shard::ListenRecord{RecordKind::kListen, listen_fd_.get()});
  }
  if (monitor_ != nullptr) monitor_->SetAccepting(true);
  notifier_.Send("READY=1\nSTATUS=Serving clients");
}

bool ControlShard::ended() const {
  return shards_stopped_ == shared_.interconnect.shards() &&
         (monitor_ == nullptr || monitor_->closed()) && (cluster_ == nullptr || cluster_->closed());
}

void ControlShard::Turn() {
  timers_.Advance(base::MonotonicMilliseconds());
  mailroom_.Drain(SIZE_MAX, [this](std::span<const char> record) { OnRecord(record); });
  loop_->RunCompletions();
  mailroom_.FlushWaiting();
  PublishAndWake();
  if (monitor_ != nullptr) monitor_->BuryGone();
  if (cluster_ != nullptr) cluster_->BuryGone();
}

void ControlShard::Wait() {
  const unsigned self = shared_.interconnect.control();
  int64_t timeout_ns = -1;
  if (timers_.NextTick() != UINT64_MAX) {
    const uint64_t now = base::MonotonicNanoseconds();
    const uint64_t next = timers_.NextTick() * 1'000'000;
    timeout_ns = next > now ? static_cast<int64_t>(next - now) : 0;
  }
  if (mailroom_.blocked()) timeout_ns = 1'000'000;
  shared_.interconnect.MarkSleeping(self);
  if (shared_.interconnect.HasWork(self)) timeout_ns = 0;
  loop_->SubmitAndWait(timeout_ns);
  shared_.interconnect.MarkAwake(self);
}

void ControlShard::OnSignals(const io::Completion& done) {
  while (const int signal = ops::NextSignal(signal_fd_.get())) OnSignal(signal);
  if (!done.more) loop_->PollReadable(signals_, signal_fd_.get());
}

void ControlShard::OnSignal(int signal) {
  LOG_INFO(shared_.log, "Trapped \"%s\" signal", std::string(ops::SignalName(signal)).c_str());
  switch (signal) {
    case SIGINT:
      return BeginStop();
    case SIGTERM:
      // Lame duck mode is a graceful shutdown already.
      if (!lame_duck_) BeginStop();
      return;
    case SIGUSR1:
      return shared_.log.Reopen();
    case SIGUSR2:
      return BeginLameDuck();
    case SIGHUP:
      return Reload();
    default:
      return;
  }
}

void ControlShard::BeginLameDuck() {
  if (lame_duck_ || stopping_) return;
  lame_duck_ = true;
  LOG_INFO(shared_.log, "Entering lame duck mode, stop accepting new clients");
  TellAll(RecordKind::kStopListening);
  if (monitor_ != nullptr) monitor_->SetAccepting(false);
  if (shared_.placement.connections() == 0) return BeginStop();
  if (cluster_ != nullptr) cluster_->EnterLameDuck();
  TellAll(RecordKind::kLameDuck);
  notifier_.Send("STOPPING=1\nSTATUS=Lame duck mode: clients are being moved away");
  const auto grace = options().lame_duck_grace_period;
  timers_.Arm(lame_duck_timer_, static_cast<uint64_t>(grace / std::chrono::milliseconds(1)));
}

void ControlShard::OnGraceOver() {
  LOG_INFO(shared_.log, "Closing existing clients");
  int64_t clients = 0;
  for (unsigned shard = 0; shard < shared_.interconnect.shards(); ++shard) {
    to_close_.push_back(shared_.placement.connections(shard));
    clients += to_close_.back();
  }
  const ops::LameDuckPace pace =
      ops::PaceOfLameDuck(options().lame_duck_duration, options().lame_duck_grace_period, clients);
  close_batch_ = pace.batch;
  close_pause_ms_ = static_cast<uint64_t>(pace.pause / std::chrono::milliseconds(1));
  OnNextClose();
}

// Takes from the fullest shard each time, so that all of them empty alike.
void ControlShard::OnNextClose() {
  for (int64_t i = 0; i < close_batch_; ++i) {
    const auto fullest = std::max_element(to_close_.begin(), to_close_.end());
    if (*fullest <= 0) return BeginStop();
    --*fullest;
    mailroom_.SendPlain(static_cast<unsigned>(fullest - to_close_.begin()),
                        shard::NoticeRecord{RecordKind::kCloseOne, 0});
  }
  if (*std::max_element(to_close_.begin(), to_close_.end()) <= 0) return BeginStop();
  const auto half = static_cast<uint32_t>(std::max<uint64_t>(1, close_pause_ms_ / 2));
  timers_.Arm(close_timer_, half + random_.Below(half));
}

void ControlShard::BeginStop() {
  if (std::exchange(stopping_, true)) return;
  lame_duck_timer_.Disarm();
  close_timer_.Disarm();
  watchdog_timer_.Disarm();
  mesh_timer_.Disarm();
  LOG_INFO(shared_.log, "Initiating Shutdown...");
  notifier_.Send("STOPPING=1\nSTATUS=Shutting down");
  TellAll(RecordKind::kStop);
  if (monitor_ != nullptr) monitor_->Close();
}

// What clients have left to say to other servers is with the shards that have the routes now.
void ControlShard::OnClientsGone() {
  if (++shards_without_clients_ < shared_.interconnect.shards()) return;
  if (cluster_ != nullptr) cluster_->Stop();
  TellAll(RecordKind::kStopRoutes);
}

void ControlShard::OnRecord(std::span<const char> record) {
  switch (session::KindOf(record)) {
    case RecordKind::kListenerClosed:
      if (++listeners_closed_ < shared_.interconnect.shards()) return;
      listen_fd_.Reset();  // nobody accepts on it any more: the port is free
      LOG_DEBUG(shared_.log, "Client accept loop exiting..");
      return;
    case RecordKind::kClientsGone:
      return OnClientsGone();
    case RecordKind::kStopped:
      ++shards_stopped_;
      return;
    case RecordKind::kFactsTaken:
      return OnFactsTaken();
    case RecordKind::kPulse:
      if (--pulses_missing_ == 0) notifier_.Send("WATCHDOG=1");
      return;
    case RecordKind::kSnapshot:
      return monitor_->OnPiece();
    case RecordKind::kRouteEvent:
      return cluster_->OnEvent(session::DecodePlain<shard::RouteEventRecord>(record));
    default:
      CHECK(false);
  }
}

void ControlShard::PublishAndWake() {
  mailroom_.Publish([this](unsigned member) { loop_->Wake(shared_.wakers[member]); });
}

void ControlShard::TellAll(RecordKind kind) {
  for (unsigned shard = 0; shard < shared_.interconnect.shards(); ++shard) {
    mailroom_.SendPlain(shard, shard::NoticeRecord{kind, 0});
  }
}

}  // namespace martlet::control
