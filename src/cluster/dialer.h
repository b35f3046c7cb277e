// Attempts to reach other servers: names looked up, addresses chosen, failures waited out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/url.h"
#include "cluster/alarms.h"
#include "cluster/events.h"

namespace martlet::cluster {

/// What is to be reached, and what for.
struct Target {
  base::Url url;
  bool configured = false;  // an explicit route: tried for as long as it is configured
  std::string account;      // of a dedicated connection
  int64_t gossip_mode = proto::kGossipDefault;
  bool first = true;        // else: again, after a connection was lost
  bool quiet = false;       // failures are told at debug level only
  bool left = false;        // the peer had closed its connection by itself
  uint64_t early_ends = 0;  // connections that ended at once, in a row
  std::string sought;       // server id, where known
  std::string told_by;      // who has told of it by gossip; a server id
};

/// For server `id`, that was known before. Both sides may have come to know others meanwhile, and
/// nobody else tells of it, so it takes part in all gossip.
inline Target SeekAgain(base::Url url, std::string id) {
  return {.url = std::move(url),
          .account = {},
          .gossip_mode = proto::kGossipOverride,
          .quiet = true,
          .sought = std::move(id)};
}

/// One loop for each address and account: a second one would only make connections that end as
/// duplicates. Every attempt of a loop has an id of its own.
///
/// Source: spec cluster-behaviour.md section 2; reference connectToRoute, getRandomIP.
class Dialer {
 public:
  using Actions = std::vector<Action>;
  struct Reached {
    Target target;
    Endpoint remote;
  };

  /// All borrowed. `dedicated`: the accounts that may have connections of their own.
  Dialer(const Settings& settings, const std::set<std::string>& dedicated, base::Random& random)
      : settings_(settings), dedicated_(dedicated), random_(random) {}

  /// False: there is such a loop already. It then tries no later than asked for here, and for a
  /// configured route if that is what is asked for.
  bool Start(Target target, uint64_t delay_ms, uint64_t now_ms, Actions& out);
  void OnResolved(const Resolved& event, uint64_t now_ms, Actions& out);
  /// Nothing for an attempt that has been given up.
  std::optional<Reached> OnDialed(DialId dial);
  void OnDialFailed(const DialFailed& event, uint64_t now_ms, Actions& out);
  void OnTimer(uint64_t now_ms, Actions& out);
  uint64_t NextTimer() const { return waiting_.next(); }
  void Stop(Actions& out);

  bool IsConfigured(const base::Url& url) const;
  bool IsDialing(const base::Url& url, const std::string& account) const {
    return loops_.contains(Key(url, account));
  }
  /// One that is tried no more, and what its last attempt took.
  struct GivenUp {
    Target target;
    uint64_t took_ms;
  };
  /// The caller takes them out.
  std::vector<GivenUp> TakeGivenUp() { return std::exchange(given_up_, {}); }

 private:
  struct Loop {
    Target target;
    uint64_t failures = 0;
    uint64_t delay_ms = 1000;
    uint64_t due_ms = 0;    // while it waits
    uint64_t began_ms = 0;  // the last attempt
    DialId dial = 0;        // 0: it waits
    Endpoint to;            // once looked up
  };
  using Loops = std::map<std::string, Loop>;

  static std::string Key(const base::Url& url, const std::string& account);
  void Try(Loops::iterator at, uint64_t now_ms, Actions& out);
  void ConnectTo(Loops::iterator at, Endpoint to, Actions& out);
  void Fail(Loops::iterator at, const std::string& error, uint64_t now_ms, Actions& out);
  void Wait(Loops::iterator at, uint64_t delay_ms, uint64_t now_ms);
  void End(Loops::iterator at);
  bool IsAllowed(const Target& target, Actions& out) const;
  bool IsOwn(const Endpoint& address) const;
  bool ToBeReported(const Loop& loop) const;
  Loops::iterator Find(DialId dial);

  const Settings& settings_;
  const std::set<std::string>& dedicated_;
  base::Random& random_;
  Loops loops_;
  std::map<DialId, std::string> dials_;
  Alarms<std::string> waiting_;
  std::vector<GivenUp> given_up_;
  DialId last_dial_ = 0;
};

}  // namespace martlet::cluster
