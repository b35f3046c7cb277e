// The control shard's part in a reload, and in the service manager's watchdog.
#include <algorithm>
#include <string>
#include <unistd.h>
#include <utility>

#include "base/clock.h"
#include "control/control_shard.h"
#include "ops/log_options.h"
#include "ops/pid_file.h"

namespace martlet::control {

using session::RecordKind;

namespace {

constexpr char kServing[] = "READY=1\nSTATUS=Serving clients";

std::string ReloadingState() {
  return "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(base::MonotonicNanoseconds() / 1000) +
         "\nSTATUS=Reloading the configuration";
}

}  // namespace

void ControlShard::Reload() {
  if (stopping_) return;
  if (facts_missing_ > 0) {
    reload_again_ = true;
    return;
  }
  notifier_.Send(ReloadingState());
  absl::StatusOr<Reloader::Next> next = reloader_.Read(options());
  // The only part that can still fail; with it nothing else has happened yet.
  const absl::Status ready =
      next.ok() ? shared_.log.Reconfigure(ops::LogOptionsOf(next->options, reloader_.argv0()))
                : next.status();
  if (!ready.ok()) {
    LOG_ERROR(shared_.log, "Failed to reload server configuration: %s",
              std::string(ready.message()).c_str());
    notifier_.Send(kServing);
    return;
  }
  reloading_ = *std::move(next);
  if (reloading_->plan.changes.empty()) return FinishReload();
  SendFacts(reloading_->options, false);
}

// The shards work by the new settings: the rest, and what there is to say.
void ControlShard::FinishReload() {
  if (monitor_ != nullptr) monitor_->ShowConfig(*facts_, reloading_->digest);
  if (cluster_ != nullptr) ReloadCluster(*reloading_);
  Perform(*reloading_);
  reloading_.reset();
  PublishState();
  notifier_.Send(kServing);
}

void ControlShard::Perform(const Reloader::Next& next) {
  if (!next.warnings.empty()) LOG_WARN(shared_.log, "%s", next.warnings.c_str());
  for (const config::Change& change : next.plan.changes) {
    LOG_DEBUG(shared_.log, "Configuration: %s: %s -> %s", std::string(change.key).c_str(),
              change.before.c_str(), change.after.c_str());
    if (change.key == "max_connections") CloseSurplus(next.options.max_connections);
    if (change.key == "ports_file_dir") move_ports_file_(next.options.ports_file_dir);
    if (change.key == "pid_file" && !next.options.pid_file.empty()) {
      const absl::Status written = ops::WritePidFile(next.options.pid_file, ::getpid());
      if (!written.ok()) {
        LOG_ERROR(shared_.log, "Failed to write pidfile: %s",
                  std::string(written.message()).c_str());
      }
    }
    LOG_INFO(shared_.log, "%s", change.line.c_str());
  }
  // The reference says so each time, whether they have changed or not.
  LOG_INFO(shared_.log, "Reloaded: authorization users");
  LOG_INFO(shared_.log, "Reloaded: accounts");
  LOG_INFO(shared_.log, "Reloaded server configuration (%s)", next.digest.c_str());
}

void ControlShard::SendFacts(const Options& options, bool tell_clients) {
  proto::ServerInfo info = facts_->info;
  info.max_payload = options.max_payload_bytes;
  info.cluster = cluster_name_;
  session::SetAddress(options, facts_->bound_port, info);
  const std::vector<std::string> own = session::ClientUrls(options, facts_->bound_port);
  info.connect_urls = client_urls_;
  old_facts_ = std::exchange(owned_facts_, std::make_unique<const session::ServerFacts>(
                                               options, info, facts_->bound_port, own));
  facts_ = owned_facts_.get();
  facts_stale_ = false;
  facts_missing_ = shared_.interconnect.shards();
  for (unsigned shard = 0; shard < shared_.interconnect.shards(); ++shard) {
    mailroom_.SendPlain(shard, shard::FactsRecord{RecordKind::kFacts, facts_, tell_clients});
  }
}

// One change of the facts at a time: what comes meanwhile is done after it.
void ControlShard::UpdateFacts() {
  if (!facts_stale_ || facts_missing_ > 0 || stopping_) return;
  SendFacts(options(), std::exchange(client_urls_new_, false));
}

// For `martlet config diff --running`.
void ControlShard::PublishState() const {
  ops::PublishedState::Values values;
  for (const auto& [key, text] : config::Describe(options())) values.emplace("config." + key, text);
  published_.Publish(values);
}

void ControlShard::OnFactsTaken() {
  if (--facts_missing_ > 0) return;
  if (monitor_ != nullptr) monitor_->ShowFacts(*facts_);
  old_facts_.reset();
  if (reloading_) FinishReload();
  if (std::exchange(reload_again_, false)) Reload();
  UpdateFacts();
}

// Takes from the shards in proportion to what they have.
void ControlShard::CloseSurplus(int64_t connections_max) {
  const int64_t connections = shared_.placement.connections();
  int64_t surplus = connections - std::max<int64_t>(0, connections_max);
  if (surplus <= 0) return;
  const int64_t closed = surplus;
  for (unsigned shard = 0; shard < shared_.interconnect.shards() && surplus > 0; ++shard) {
    const int64_t own = shared_.placement.connections(shard);
    const bool last = shard + 1 == shared_.interconnect.shards();
    const int64_t share =
        last ? surplus : std::min(surplus, (closed * own + connections - 1) / connections);
    surplus -= share;
    mailroom_.SendPlain(shard, shard::CloseSurplusRecord{RecordKind::kCloseSurplus, share});
  }
  LOG_INFO(shared_.log, "Closed %lld connections to fall within max_connections",
           static_cast<long long>(closed));
}

// A shard that does not turn any more sends no pulse: then the service manager hears nothing, and
// acts. The next round is asked for only when the one before is complete.
void ControlShard::OnWatchdog() {
  if (pulses_missing_ == 0) {
    pulses_missing_ = shared_.interconnect.shards();
    TellAll(RecordKind::kPulse);
  }
  timers_.Arm(watchdog_timer_, watchdog_ms_);
}

}  // namespace martlet::control
