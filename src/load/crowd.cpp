#include "load/crowd.h"

#include <string>
#include <sys/resource.h>

#include "base/check.h"
#include "base/clock.h"

namespace martlet::load {
namespace {

// A loopback address has some 28,000 ports to connect from.
constexpr size_t kConnectionsPerSource = 20'000;
constexpr int64_t kCrowdCloseWaitNs = 10'000'000'000;

}  // namespace

class Crowd::Member final : public client::Connection::Handler {
 public:
  Member(Crowd& crowd, const client::Peer& peer, size_t index)
      : crowd_(crowd),
        index_(index),
        connection_(crowd.runtime_, peer,
                    {.source = static_cast<uint32_t>(index / kConnectionsPerSource)}, *this) {}

  void Open() { connection_.Open(); }
  void Close() { connection_.Close(); }

  void OnReady(client::Connection&) override {
    std::string subject = crowd_.options_.subject + "." + std::to_string(index_);
    const size_t root = subject.size();
    for (uint32_t i = 0; i < crowd_.options_.subscriptions; ++i) {
      if (i > 0) subject.resize(root), subject += "." + std::to_string(i);
      connection_.Subscribe(subject, {}, i + 1);
    }
    connection_.Ping();
  }
  void OnPong(client::Connection&, uint64_t) override { crowd_.Joined(connection_); }
  void OnInput(client::Connection& connection) override {
    proto::Message message;
    while (connection.Next(message)) {
    }
  }
  void OnClosed(client::Connection&, const absl::Status& why) override { crowd_.Left(why); }

 private:
  Crowd& crowd_;
  size_t index_;
  client::Connection connection_;
};

Crowd::Crowd(client::Runtime& runtime, const client::Peer& peer, const Options& options)
    : runtime_(runtime), options_(options) {
  for (size_t i = 0; i < options.connections; ++i) {
    members_.push_back(std::make_unique<Member>(*this, peer, i));
  }
}

Crowd::~Crowd() = default;

void Crowd::Begin(bool herd) {
  opened_ = joined_ = 0;
  closing_ = false;
  times_.Clear();
  herd_since_ns_ = herd ? base::MonotonicNanoseconds() : 0;
  OpenMore();
}

void Crowd::OpenMore() {
  while (opened_ < members_.size() && opened_ - joined_ < options_.at_once && failure_.ok()) {
    members_[opened_++]->Open();
  }
}

void Crowd::Joined(const client::Connection& connection) {
  ++joined_;
  const uint64_t since = herd_since_ns_ != 0 ? herd_since_ns_ : connection.opened_ns();
  times_.Record(static_cast<int64_t>(base::MonotonicNanoseconds() - since));
  OpenMore();
}

void Crowd::Left(const absl::Status& why) {
  if (closing_ || !failure_.ok()) return;
  failure_ = why.ok() ? absl::UnavailableError("a connection was lost") : why;
}

bool Crowd::CloseAll() {
  closing_ = true;
  for (auto& member : members_) member->Close();
  return runtime_.TurnUntilGone(kCrowdCloseWaitNs);
}

absl::Status AllowDescriptors(size_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= count) return absl::OkStatus();
  return absl::ResourceExhaustedError(std::to_string(count) + " descriptors are needed and " +
                                      std::to_string(limit.rlim_cur) +
                                      " allowed: raise the limit (ulimit -n)");
}

}  // namespace martlet::load
