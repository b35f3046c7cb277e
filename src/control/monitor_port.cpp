#include "control/monitor_port.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "base/go_text.h"
#include "shard/records.h"

namespace martlet::control {
namespace {

constexpr char kTooMuch[] = "the monitor is busy, try again later\n";

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace

MonitorPort::MonitorPort(shard::Shared& shared, io::Loop& loop, base::TimerWheel& timers,
                         session::Mailroom& mailroom, base::UniqueFd listen_fd)
    : shared_(shared),
      facts_(&shared.facts),
      config_loaded_ns_(base::UnixNanoseconds()),
      loop_(loop),
      timers_(timers),
      mailroom_(mailroom),
      listen_fd_(std::move(listen_fd)),
      endpoints_(shared.facts.options.http_base_path),
      start_ns_(base::UnixNanoseconds()) {}

void MonitorPort::ShowConfig(const session::ServerFacts& facts, std::string digest) {
  facts_ = &facts;
  config_digest_ = std::move(digest);
  config_loaded_ns_ = base::UnixNanoseconds();
}

void MonitorPort::Open() { loop_.Accept(accept_, listen_fd_.get()); }

void MonitorPort::OnAccept(const io::Completion& done) {
  if (done.result >= 0) {
    pause_ms_ = kFirstPauseMs;
    Admit(base::UniqueFd(done.result));
  }
  if (done.more) return;
  if (closing_) return listen_fd_.Reset();
  if (done.result >= 0 || done.result == -ECONNABORTED) {
    loop_.Accept(accept_, listen_fd_.get());
    return;
  }
  LOG_ERROR(shared_.log, "monitoring: Accept error: accept tcp: %s; retrying in %dms",
            base::GoErrno(-done.result).c_str(), static_cast<int>(pause_ms_));
  timers_.Arm(retry_, pause_ms_);
  pause_ms_ = std::min(pause_ms_ * 2, kPauseMaxMs);
}

void MonitorPort::OnRetry() { loop_.Accept(accept_, listen_fd_.get()); }

void MonitorPort::Admit(base::UniqueFd fd) {
  // Some may be on their way out; there are never more of those than of the others.
  if (closing_ || connections_.size() >= 2 * kConnectionsMax) return;
  const bool room = connections_.size() < kConnectionsMax || MakeRoom();
  connections_.push_back(std::make_unique<MonitorConnection>(*this, std::move(fd)));
  if (room) {
    connections_.back()->Start();
  } else {
    connections_.back()->Refuse({503, "too many connections"});
  }
}

bool MonitorPort::MakeRoom() {
  MonitorConnection* longest = nullptr;
  for (const auto& connection : connections_) {
    if (!connection->is_reading()) continue;
    if (longest == nullptr || connection->reads_since_ms() < longest->reads_since_ms()) {
      longest = connection.get();
    }
  }
  if (longest == nullptr) return false;
  longest->Shut();
  return true;
}

void MonitorPort::Handle(MonitorConnection& connection, const monitor::HttpRequest& request) {
  monitor::Asked asked = endpoints_.Read(request);
  if (!asked.counted.empty()) ++requests_[std::string(asked.counted)];
  const unsigned shards = shared_.interconnect.shards();
  std::visit(
      Overloaded{
          [&](monitor::Response& answer) { connection.Respond(std::move(answer)); },
          [&](monitor::RootQuery&) {
            connection.Respond(monitor::RootPage(endpoints_.base_path()));
          },
          [&](monitor::VarzQuery&) { connection.Respond(monitor::Varz(Look())); },
          [&](monitor::RoutezQuery& query) {
            Begin(connection, std::make_unique<monitor::RoutezInquiry>(query, shards, Links()));
          },
          [&](monitor::HealthzQuery& query) {
            connection.Respond(monitor::Healthz(query, Look()));
          },
          [&](monitor::ConnzQuery& query) {
            Begin(connection, std::make_unique<monitor::ConnzInquiry>(std::move(query), shards,
                                                                      base::UnixNanoseconds()));
          },
          [&](monitor::SubszQuery& query) {
            Begin(connection, std::make_unique<monitor::SubszInquiry>(std::move(query), shards));
          },
      },
      asked.wish);
}

void MonitorPort::Begin(MonitorConnection& connection, std::unique_ptr<monitor::Inquiry> inquiry) {
  if (work_.size() >= kInquiriesMax || answer_bytes_ > kAnswerBytesMax) {
    return connection.Respond(monitor::TextResponse(503, kTooMuch));
  }
  work_.push_back({&connection, std::move(inquiry)});
  AskNext();
}

/// Goes on with the front of the work, unless a shard is at it.
void MonitorPort::AskNext() {
  while (!piece_is_out_ && !work_.empty()) {
    if (work_.front().connection == nullptr) {
      work_.pop_front();
      continue;
    }
    if (const std::optional<unsigned> shard = work_.front().inquiry->Next(piece_)) {
      asked_shard_ = *shard;
      piece_is_out_ = true;
      if (piece_.first) return SendPiece();
      return timers_.Arm(pace_, 1);
    }
    const Work done = std::move(work_.front());
    work_.pop_front();
    done.connection->Respond(done.inquiry->Answer(Look()));
  }
}

void MonitorPort::SendPiece() {
  mailroom_.SendPlain(asked_shard_, shard::SnapshotRecord{.piece = &piece_});
}

void MonitorPort::OnPiece() {
  DCHECK(piece_is_out_);
  piece_is_out_ = false;
  if (closing_) return;
  const Work& front = work_.front();
  if (front.connection != nullptr) front.inquiry->Take(piece_);
  AskNext();
}

void MonitorPort::Leaves(const MonitorConnection& connection) {
  if (work_.empty()) return;
  // The front one stays until its piece is back; the others make room.
  if (work_.front().connection == &connection) work_.front().connection = nullptr;
  std::erase_if(work_, [&](const Work& work) { return work.connection == &connection; });
}

monitor::Totals MonitorPort::Sums() const {
  monitor::Totals sums;
  for (const session::ShardStats* stats : shared_.stats) {
    sums.connections += stats->connections.Get();
    sums.total_connections += stats->total_connections.Get();
    sums.in_msgs += stats->in_messages.Get();
    sums.in_bytes += stats->in_bytes.Get();
    sums.out_msgs += stats->out_messages.Get();
    sums.out_bytes += stats->out_bytes.Get();
    sums.slow_consumers += stats->slow_consumers.Get();
    sums.stale_connections += stats->stale_connections.Get();
    sums.stalled_clients += stats->stalls.Get();
    sums.subscriptions += stats->subscriptions.Get();
    sums.subscriptions_made += stats->subscriptions_made.Get();
    sums.route_in_msgs += stats->route_in_messages.Get();
    sums.route_in_bytes += stats->route_in_bytes.Get();
    sums.route_out_msgs += stats->route_out_messages.Get();
    sums.route_out_bytes += stats->route_out_bytes.Get();
    sums.slow_routes += stats->slow_routes.Get();
    sums.stale_routes += stats->stale_routes.Get();
    sums.remote_subscriptions += stats->remote_subscriptions.Get();
    sums.remote_subscriptions_made += stats->remote_subscriptions_made.Get();
    sums.interest_differences += stats->interest_differences.Get();
    sums.lost_interest += stats->lost_interest.Get();
    sums.lost_routes += stats->lost_routes.Get();
  }
  return sums;
}

std::vector<monitor::RouteLink> MonitorPort::Links() const {
  std::vector<monitor::RouteLink> links;
  if (cluster_ == nullptr) return links;
  for (const cluster::LinkView& view : cluster_->mesh().Registered()) {
    links.push_back({.rid = view.link,
                     .remote_id = std::string(view.peer_id),
                     .remote_name = std::string(view.peer_name),
                     .did_solicit = view.solicited,
                     .is_configured = view.configured,
                     .account = std::string(view.account),
                     .compression = std::string(view.compression),
                     .import = view.import,
                     .exports = view.exports});
  }
  return links;
}

monitor::ServerSnapshot MonitorPort::Look() {
  std::optional<monitor::ClusterSnapshot> cluster;
  if (cluster_ != nullptr) {
    const cluster::Mesh& mesh = cluster_->mesh();
    cluster = {.name = mesh.cluster_name(),
               .port = cluster_->port(),
               .routes = mesh.links(),
               .remotes = mesh.remotes(),
               .member_differences = mesh.member_differences()};
  }
  return {.options = facts_->options,
          .info = facts_->info,
          .requests = requests_,
          .cluster = std::move(cluster),
          .totals = Sums(),
          .start_ns = start_ns_,
          .now_ns = base::UnixNanoseconds(),
          .resident_bytes = base::ResidentBytes(),
          .cpu_percent = cpu_.Percent(),
          .cores = static_cast<unsigned>(base::AllowedCpus().size()),
          .shards = shared_.interconnect.shards(),
          .accepts = accepts_,
          .config_loaded_ns = config_loaded_ns_,
          .config_digest = config_digest_};
}

void MonitorPort::Close() {
  closing_ = true;
  retry_.Disarm();
  pace_.Disarm();
  work_.clear();
  if (accept_.in_flight()) {
    loop_.Cancel(accept_);
  } else {
    listen_fd_.Reset();
  }
  for (const auto& connection : connections_) connection->Shut();
}

void MonitorPort::BuryGone() {
  for (const MonitorConnection* gone : std::exchange(gone_, {})) {
    std::erase_if(connections_,
                  [gone](const auto& connection) { return connection.get() == gone; });
  }
}

}  // namespace martlet::control
