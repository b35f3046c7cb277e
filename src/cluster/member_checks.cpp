// Do two servers know the same ones? Between Martlets each tells now and then a sum of all whom it
// knows, and the other one compares.
//
// Gossip is told once, when somebody comes. Held up on its way by a broken network it can arrive
// when those whom it should have brought together have been told all there was; the reference
// leaves it at that, and two servers never hear of each other. A difference that stays is a hole,
// or somebody whom one of both cannot reach: all are told again, and the log says so.
#include "base/hash.h"
#include "cluster/mesh_state.h"

namespace martlet::cluster {
namespace {

constexpr uint64_t kCheckMs = 10'000;
// Sooner after the one before it is no honest one.
constexpr uint64_t kCheckAtLeastMs = 5000;
// A difference that telling does not mend: the first, second, fourth... check, and then one of so
// many.
constexpr uint64_t kSeldom = 32;

bool IsTimeToTell(uint64_t checks) {
  return checks < kSeldom ? (checks & (checks - 1)) == 0 : checks % kSeldom == 0;
}

}  // namespace

uint64_t Mesh::State::SumOfMembers() const {
  uint64_t sum = base::HashBytes(settings_.server_id, 0);
  for (const auto& [id, peer] : peers_.all()) {
    if (peer.known()) sum += base::HashBytes(id, 0);
  }
  return sum;
}

void Mesh::State::ArmMembersCheck(const Link& link) {
  if (link.info.martlet_checks != proto::kMartletChecks) return;
  member_checks_.Set(link.peer_id, now_ms_ + kCheckMs);
}

void Mesh::State::SendMembersCheck(const std::string& peer_id) {
  const Peer* peer = peers_.Find(peer_id);
  const Link* link = peer == nullptr ? nullptr : Find(peer->AnyLink());
  if (link == nullptr) return;
  ArmMembersCheck(*link);
  std::string line;
  proto::WriteMembersCheck(static_cast<int64_t>(peers_.known() + 1),
                           base::Hexadecimal(SumOfMembers()), line);
  SendTo(*link, std::move(line));
}

void Mesh::State::OnMembersCheck(const Link& link, const proto::RouteInfo& info) {
  Peer* peer = peers_.Find(link.peer_id);
  if (peer == nullptr || !peer->known() || now_ms_ < peer->next_check_ms) return;
  peer->next_check_ms = now_ms_ + kCheckAtLeastMs;
  const std::string own = base::Hexadecimal(SumOfMembers());
  if (info.martlet_sum == own) return peer->difference.clear();
  // While somebody comes or goes, one knows it before the other.
  std::string difference = own + " " + info.martlet_sum;
  if (peer->difference != difference) {
    peer->difference = std::move(difference);
    peer->checks_with_difference = 0;
    return;
  }
  if (!IsTimeToTell(++peer->checks_with_difference)) return;
  ++member_differences_;
  Say(LogLevel::kWarning, link.peer_name + " knows " + std::to_string(info.martlet_members) +
                              " servers of the cluster, here are " +
                              std::to_string(peers_.known() + 1) +
                              ", not the same; it is told of all again");
  RepeatGossip(*peer);
}

}  // namespace martlet::cluster
