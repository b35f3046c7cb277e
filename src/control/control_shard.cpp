#include "control/control_shard.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "ops/lame_duck.h"
#include "ops/signals.h"

namespace martlet::control {

using session::RecordKind;

ControlShard::ControlShard(shard::Shared& shared, base::UniqueFd signal_fd,
                           base::UniqueFd listen_fd)
    : shared_(shared),
      mailroom_(shared.interconnect, shared.interconnect.control()),
      timers_(base::MonotonicMilliseconds()),
      random_(base::MonotonicNanoseconds()),
      signal_fd_(std::move(signal_fd)),
      listen_fd_(std::move(listen_fd)) {}

absl::Status ControlShard::Open(const io::LoopOptions& options, std::string* fallback_reason) {
  absl::StatusOr<std::unique_ptr<io::Loop>> loop = io::Loop::Create(options, fallback_reason);
  if (!loop.ok()) return loop.status();
  loop_ = *std::move(loop);
  return absl::OkStatus();
}

void ControlShard::Run() {
  for (unsigned shard = 0; shard < shared_.interconnect.shards(); ++shard) {
    mailroom_.SendPlain(shard, shard::ListenRecord{RecordKind::kListen, listen_fd_.get()});
  }
  PublishAndWake();
  loop_->PollReadable(signals_, signal_fd_.get());
  for (;;) {
    Turn();
    if (shards_stopped_ == shared_.interconnect.shards()) return;
    Wait();
  }
}

void ControlShard::Turn() {
  timers_.Advance(base::MonotonicMilliseconds());
  mailroom_.Drain(SIZE_MAX, [this](std::span<const char> record) { OnRecord(record); });
  loop_->RunCompletions();
  mailroom_.FlushWaiting();
  PublishAndWake();
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

void ControlShard::Reload() {
  LOG_ERROR(shared_.log,
            "Failed to reload server configuration: can only reload config when a file is provided "
            "using -c or --config");
}

void ControlShard::BeginLameDuck() {
  if (lame_duck_ || stopping_) return;
  lame_duck_ = true;
  LOG_INFO(shared_.log, "Entering lame duck mode, stop accepting new clients");
  TellAll(RecordKind::kStopListening);
  if (shared_.placement.connections() == 0) return BeginStop();
  TellAll(RecordKind::kLameDuck);
  const auto grace = shared_.facts.options.lame_duck_grace_period;
  timers_.Arm(lame_duck_timer_, static_cast<uint64_t>(grace / std::chrono::milliseconds(1)));
}

void ControlShard::OnGraceOver() {
  LOG_INFO(shared_.log, "Closing existing clients");
  const Options& options = shared_.facts.options;
  int64_t clients = 0;
  for (unsigned shard = 0; shard < shared_.interconnect.shards(); ++shard) {
    to_close_.push_back(shared_.placement.connections(shard));
    clients += to_close_.back();
  }
  const ops::LameDuckPace pace =
      ops::PaceOfLameDuck(options.lame_duck_duration, options.lame_duck_grace_period, clients);
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
  LOG_INFO(shared_.log, "Initiating Shutdown...");
  TellAll(RecordKind::kStop);
}

void ControlShard::OnRecord(std::span<const char> record) {
  switch (session::KindOf(record)) {
    case RecordKind::kListenerClosed:
      if (++listeners_closed_ < shared_.interconnect.shards()) return;
      listen_fd_.Reset();  // nobody accepts on it any more: the port is free
      LOG_DEBUG(shared_.log, "Client accept loop exiting..");
      return;
    case RecordKind::kStopped:
      ++shards_stopped_;
      return;
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
