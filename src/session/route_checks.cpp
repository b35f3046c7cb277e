// Do both sides of a route hold the same interest? Between Martlets each side tells now and then
// what the sum of all is that it has told, and the other one compares.
//
// Told in the same stream as the interest itself, a check is exact: whatever was told before it has
// come, and nothing else. It finds what no rule should let happen; so a difference is an error in
// the log, a count, and everything is told anew.
#include "base/hash.h"
#include "session/interest_board.h"
#include "session/interest_sum.h"
#include "session/route_session.h"

namespace martlet::session {

using base::Hexadecimal;
using base::LogLevel;

namespace {

constexpr uint64_t kCheckMs = 10'000;

}  // namespace

void RouteSession::ArmCheck() { context_.timers.Arm(check_timer_, kCheckMs); }

// As long as it is being told, the end of that sends the next ones.
void RouteSession::OnCheckTimer() {
  if (!told_all_) return;
  if (replay_asked_) return Replay();
  SendChecks();
}

void RouteSession::Replay() {
  replay_asked_ = false;
  replaying_ = true;
  replay_from_ms_ = context_.timers.now() + kCheckMs;
  told_all_ = false;
  context_.interest->Join(*this);
}

// Where permissions hold something back, the two sides differ by design.
void RouteSession::SendChecks() {
  if (!role_.checks || closing()) return;
  ArmCheck();
  const bool replayed = std::exchange(replaying_, false);
  const bool whole = !context_.facts->options.cluster.import.given && !role_.exports.given;
  for (subject::AccountId account = 0; account < std::size(kAccountNames); ++account) {
    if (!Carries(account) || !whole) continue;
    const InterestSum& sum = context_.interest->sum(account);
    std::string line;
    proto::WriteInterestCheck({.account = std::string(AccountName(account)),
                               .filters = static_cast<int64_t>(sum.filters()),
                               .sum = Hexadecimal(sum.sum()),
                               .replayed = replayed},
                              line);
    SendLine(line);
  }
}

// False: it is an INFO of another kind.
bool RouteSession::TakeCheck(std::string_view info) {
  if (!role_.checks) return false;
  const proto::InterestCheck check = proto::ReadInterestCheck(info);
  if (check.replay) {
    replay_asked_ = true;
    if (told_all_ && context_.timers.now() >= replay_from_ms_) Replay();
    return true;
  }
  if (check.account.empty()) return false;
  if (const auto account = FindAccount(check.account)) Compare(check, *account);
  return true;
}

void RouteSession::Compare(const proto::InterestCheck& check, subject::AccountId account) {
  if (context_.facts->options.cluster.exports.given) return;
  if (check.replayed) ForgetInterest(interest_.RemoveDoubtful(account));
  const InterestSum& sum = interest_.sum(account);
  const bool same =
      static_cast<uint64_t>(check.filters) == sum.filters() && check.sum == Hexadecimal(sum.sum());
  // Once it may be a change of permissions, of which the peer does not know yet.
  const bool differed = differed_[account];
  differed_[account] = !same;
  if (same || !differed) return;
  Log(LogLevel::kError, "Interest differs for account " + std::string(AccountName(account)) + ": " +
                            role_.peer_name + " has told " + std::to_string(check.filters) +
                            " filters, here are " + std::to_string(sum.filters()) +
                            "; all of it is asked for again");
  context_.stats.interest_differences.Add();
  interest_.Doubt();
  std::string line;
  proto::WriteInterestCheck({.replay = true}, line);
  SendLine(line);
}

}  // namespace martlet::session
