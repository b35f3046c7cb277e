#include "control/cluster_port.h"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>
#include <variant>

#include "auth/bcrypt.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/go_text.h"
#include "base/net_address.h"
#include "control/resolver.h"

namespace martlet::control {
namespace {

cluster::PasswordChecked Check(const cluster::CheckPassword& question) {
  return {.link = question.link,
          .check = question.check,
          .right = auth::MatchesBcrypt(question.password, question.hash)};
}

}  // namespace

class ClusterPort::Dial {
 public:
  Dial(ClusterPort& port, const cluster::Connect& wish) : port_(port), wish_(wish) {}
  ~Dial() { timer_.Disarm(); }
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  /// The errno of what failed at once; else 0.
  int Start() {
    absl::StatusOr<base::SocketAddress> address = base::ResolveListen(wish_.to.ip, wish_.to.port);
    if (!address.ok()) return EADDRNOTAVAIL;
    fd_ =
        base::UniqueFd(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_) return errno;
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    port_.loop_.Connect(connect_, fd_.get(), address->get(), address->length);
    port_.timers_.Arm(timer_, kDialTimeoutMs);
    return 0;
  }
  void Abandon() {
    abandoned_ = true;
    if (connect_.in_flight()) port_.loop_.Cancel(connect_);
  }
  const cluster::Connect& wish() const { return wish_; }
  base::UniqueFd TakeFd() { return std::move(fd_); }
  bool abandoned() const { return abandoned_; }

 private:
  void OnConnect(const io::Completion& done) {
    timer_.Disarm();
    if (done.result == 0) return port_.OnConnected(*this);
    port_.OnDialFailed(*this,
                       timed_out_ ? "i/o timeout" : "connect: " + base::GoErrno(-done.result));
  }
  void OnTimeout() {
    timed_out_ = true;
    if (connect_.in_flight()) port_.loop_.Cancel(connect_);
  }

  ClusterPort& port_;
  const cluster::Connect wish_;
  base::UniqueFd fd_;
  bool abandoned_ = false;
  bool timed_out_ = false;
  io::Operation connect_ = io::Operation::Bind<&Dial::OnConnect>(this);
  base::Timer timer_ = base::Timer::Bind<&Dial::OnTimeout>(this);
};

ClusterPort::ClusterPort(shard::Shared& shared, io::Loop& loop, base::TimerWheel& timers,
                         session::Mailroom& mailroom, base::UniqueFd listen_fd,
                         cluster::Settings settings, TellClients tell_clients, Rename rename,
                         MeshStands mesh_stands)
    : shared_(shared),
      loop_(loop),
      timers_(timers),
      mailroom_(mailroom),
      listen_fd_(std::move(listen_fd)),
      settings_(settings),
      tell_clients_(std::move(tell_clients)),
      rename_(std::move(rename)),
      mesh_stands_(std::move(mesh_stands)),
      mesh_(std::move(settings), base::MonotonicNanoseconds()),
      resolver_("resolver", LookUp),
      passwords_("passwords", Check),
      links_of_shard_(shared.interconnect.shards()) {}

ClusterPort::~ClusterPort() {
  retry_.Disarm();
  timer_.Disarm();
}

void ClusterPort::Open() {
  loop_.Accept(accept_, listen_fd_.get());
  loop_.PollReadable(answers_, resolver_.ready_fd());
  loop_.PollReadable(verdicts_, passwords_.ready_fd());
  mesh_.Start(timers_.now(), actions_);
  PerformAll();
}

// Links ------------------------------------------------------------------------------------------

void ClusterPort::OnAccept(const io::Completion& done) {
  if (done.result >= 0) {
    pause_ms_ = kFirstPauseMs;
    base::UniqueFd fd(done.result);
    base::SocketAddress address;
    if (!stopping_ && links_.size() < kLinksMax &&
        ::getpeername(fd.get(), address.get(), &address.length) == 0) {
      const cluster::Endpoint remote{address.host(), address.port()};
      const cluster::LinkId link = Adopt(std::move(fd), remote, false);
      Handle(cluster::Accepted{link, remote});
    }
  }
  if (done.more || stopping_) return;
  if (done.result >= 0 || done.result == -ECONNABORTED) return OnRetry();
  LOG_ERROR(shared_.log, "Temporary Route Accept Error(accept tcp: %s), sleeping %dms",
            base::GoErrno(-done.result).c_str(), static_cast<int>(pause_ms_));
  timers_.Arm(retry_, pause_ms_);
  pause_ms_ = std::min(pause_ms_ * 2, kPauseMaxMs);
}

void ClusterPort::OnRetry() {
  if (!stopping_) loop_.Accept(accept_, listen_fd_.get());
}

// The shard with the fewest routes has it, so that routes are parsed side by side.
cluster::LinkId ClusterPort::Adopt(base::UniqueFd fd, const cluster::Endpoint& remote,
                                   bool solicited) {
  const auto least = std::min_element(links_of_shard_.begin(), links_of_shard_.end());
  const auto shard = static_cast<unsigned>(least - links_of_shard_.begin());
  ++*least;
  const cluster::LinkId link = shared_.placement.NextClientId();
  links_.emplace(link, Link{remote, shard});
  mailroom_.SendPlain(shard, shard::AdoptRouteRecord{session::RecordKind::kAdoptRoute, solicited,
                                                     fd.Release(), link});
  return link;
}

void ClusterPort::OnEvent(const shard::RouteEventRecord& record) {
  const std::unique_ptr<const cluster::Event> event(record.event);
  Handle(*event);
  const auto* closed = std::get_if<cluster::LinkClosed>(event.get());
  if (closed == nullptr) return;
  const auto found = links_.find(closed->link);
  CHECK(found != links_.end());
  --links_of_shard_[found->second.shard];
  links_.erase(found);
}

// Dials ------------------------------------------------------------------------------------------

void ClusterPort::StartDial(const cluster::Connect& wish) {
  auto dial = std::make_unique<Dial>(*this, wish);
  Dial& started = *dial;
  dials_[wish.dial] = std::move(dial);
  if (const int error = started.Start(); error != 0) {
    OnDialFailed(started, "connect: " + base::GoErrno(error));
  }
}

void ClusterPort::OnConnected(Dial& dial) {
  const cluster::Connect& wish = dial.wish();
  gone_.push_back(wish.dial);
  base::UniqueFd fd = dial.TakeFd();
  if (dial.abandoned() || stopping_) return;
  const cluster::LinkId link = Adopt(std::move(fd), wish.to, true);
  Handle(cluster::Dialed{wish.dial, link});
}

void ClusterPort::OnDialFailed(Dial& dial, const std::string& error) {
  const cluster::Connect& wish = dial.wish();
  gone_.push_back(wish.dial);
  if (dial.abandoned() || stopping_) return;
  Handle(cluster::DialFailed{
      wish.dial, "dial tcp " + base::JoinHostPort(wish.to.ip, wish.to.port) + ": " + error});
}

void ClusterPort::Abandon(cluster::DialId dial) {
  const auto found = dials_.find(dial);
  if (found != dials_.end()) found->second->Abandon();
}

void ClusterPort::BuryGone() {
  for (const cluster::DialId dial : std::exchange(gone_, {})) dials_.erase(dial);
}

void ClusterPort::OnAnswers(const io::Completion& done) {
  for (const cluster::Resolved& answer : resolver_.TakeAnswers()) Handle(answer);
  if (!done.more && !stopping_) loop_.PollReadable(answers_, resolver_.ready_fd());
}

void ClusterPort::OnVerdicts(const io::Completion& done) {
  for (const cluster::PasswordChecked& verdict : passwords_.TakeAnswers()) Handle(verdict);
  if (!done.more && !stopping_) loop_.PollReadable(verdicts_, passwords_.ready_fd());
}

// The mesh ---------------------------------------------------------------------------------------

void ClusterPort::Handle(const cluster::Event& event) {
  mesh_.OnEvent(event, timers_.now(), actions_);
  PerformAll();
}

void ClusterPort::OnTimer() {
  mesh_.OnTimer(timers_.now(), actions_);
  PerformAll();
}

void ClusterPort::Reload(cluster::Settings settings) {
  settings_ = settings;
  mesh_.Reload(std::move(settings), timers_.now(), actions_);
  PerformAll();
}

void ClusterPort::EnterLameDuck() {
  mesh_.EnterLameDuck(actions_);
  PerformAll();
}

void ClusterPort::Stop() {
  mesh_.Stop(actions_);
  PerformAll();
  stopping_ = true;
  retry_.Disarm();
  timer_.Disarm();
  if (accept_.in_flight()) loop_.Cancel(accept_);
  if (answers_.in_flight()) loop_.Cancel(answers_);
  if (verdicts_.in_flight()) loop_.Cancel(verdicts_);
  listen_fd_.Reset();
  for (const auto& [id, dial] : dials_) dial->Abandon();
}

// What each action is done with.
struct ClusterPort::Performer {
  ClusterPort& port;

  void operator()(cluster::Resolve& wish) const { port.resolver_.Ask(std::move(wish)); }
  void operator()(cluster::CheckPassword& wish) const { port.passwords_.Ask(std::move(wish)); }
  void operator()(cluster::Connect& wish) const { port.StartDial(wish); }
  void operator()(cluster::Abandon& wish) const { port.Abandon(wish.dial); }
  void operator()(cluster::TellClients& wish) const { port.tell_clients_(wish.urls); }
  void operator()(cluster::Rename& wish) const { port.rename_(wish.name); }
  void operator()(cluster::MeshStands&) const { port.mesh_stands_(); }
  void operator()(cluster::LogLine& line) const { port.Write(line); }
  template <class OfLink>
  void operator()(OfLink& wish) const {
    const cluster::LinkId link = wish.link;
    port.Forward(link, std::move(wish));
  }
};

void ClusterPort::PerformAll() {
  // A dial that fails at once makes for more actions.
  while (!actions_.empty()) {
    cluster::Mesh::Actions actions = std::exchange(actions_, {});
    for (cluster::Action& action : actions) {
      // At the end there is nobody left to do it.
      if (stopping_ && !std::holds_alternative<cluster::LogLine>(action)) continue;
      std::visit(Performer{*this}, action);
    }
  }
  const uint64_t due = mesh_.NextTimer();
  timer_.Disarm();
  if (due == UINT64_MAX || stopping_) return;
  const uint64_t now = timers_.now();
  timers_.Arm(timer_, due > now ? due - now : 0);
}

void ClusterPort::Forward(cluster::LinkId link, cluster::Action action) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  mailroom_.SendPlain(found->second.shard,
                      shard::RouteActionRecord{session::RecordKind::kRouteAction, link,
                                               new cluster::Action(std::move(action))});
}

void ClusterPort::Write(const cluster::LogLine& line) {
  if (!shared_.log.enabled(line.level)) return;
  const auto found = links_.find(line.link);
  if (found == links_.end()) return shared_.log.Write(line.level, line.text);
  const cluster::Endpoint& remote = found->second.remote;
  shared_.log.Write(line.level, base::JoinHostPort(remote.ip, remote.port) +
                                    " - rid:" + std::to_string(line.link) + " - " + line.text);
}

}  // namespace martlet::control
