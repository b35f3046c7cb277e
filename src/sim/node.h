// One simulated server: a mesh and a model of what surrounds it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "cluster/events.h"
#include "cluster/mesh.h"
#include "sim/interest.h"
#include "sim/network.h"
#include "sim/options.h"
#include "sim/time_line.h"

namespace martlet::sim {

/// What all servers of a run share.
struct Surroundings {
  TimeLine& time;
  base::Random& random;
  Network& network;
  Mutant mutant = Mutant::kNone;
  uint64_t ping_ms = 3000;  // between pings of a connection; the third without answer ends it
  std::function<void(int server, const std::string&)> trace;
  std::function<void(const std::string&)> fail;
};

std::string AddressOf(int server);
/// -1: nobody's.
int ServerAt(const std::string& address);
inline constexpr uint16_t kPort = 6222;

/// Performs what its mesh wants done, as the server does, and gives it what happens: handshakes
/// that stop the input, pings, stale connections, compression as a mark on each line, interest.
class Node final : public Network::Host {
 public:
  Node(const Surroundings& world, int number);

  // Life.
  void Start(cluster::Settings settings);
  void ShutDown(bool lame_duck);
  enum class Death : uint8_t { kProcess, kMachine };
  void Die(Death death);
  void Reload(const cluster::Settings& settings);
  void JumpClock(uint64_t ms) { clock_ahead_ms_ += ms; }
  bool up() const { return up_; }

  /// 0: nobody wants it any more.
  void Want(const std::string& account, const std::string& subject, int count);
  /// By one, and for so many messages alone.
  void WantSome(const std::string& account, const std::string& subject, int messages);
  /// To every server behind a connection that has told of a wish for it.
  void Publish(const std::string& account, const std::string& subject);
  /// Messages for what was wanted when they came.
  int received() const { return received_; }
  const Interest& interest() const { return interest_; }

  /// This end of a wire breaks; the other one learns it from a reset, or not at all.
  void Break(WireId wire, int side, bool silently);

  // What checks look at.
  struct End {
    WireId wire = 0;
    int side = 0;
    uint64_t born_ms = 0;
    bool stalled = false;
    bool compress = false;
    bool decompress = false;
    bool registered = false;
    std::string peer_id;
    Carried carried;
    InterestOnLink interest;
    std::deque<Packet> inbox;
    std::deque<bool> pings;  // unanswered; true: the mesh wants to know of the answer
  };
  const std::map<cluster::LinkId, End>& ends() const { return ends_; }
  const End* FindEnd(WireId wire, int side) const;
  const cluster::Mesh& mesh() const { return *mesh_; }
  const cluster::Settings& settings() const { return settings_; }
  const std::vector<std::string>& client_urls() const { return client_urls_; }
  uint64_t dials() const { return dials_; }
  uint64_t gossip() const { return gossip_; }
  /// Times that a check found a peer to know other servers.
  uint64_t member_differences() const {
    return differences_before_ + (mesh_ == nullptr ? 0 : mesh_->member_differences());
  }
  /// First connections to servers and losses: what gossip may be about.
  uint64_t occasions() const { return occasions_; }

  bool IsListening() const override { return up_; }
  bool IsPowered() const override { return powered_; }
  void OnAccepted(WireId wire, int from) override;
  void OnPacket(WireId wire, int side, Packet packet) override;

 private:
  using Actions = cluster::Mesh::Actions;
  using LinkId = cluster::LinkId;

  uint64_t Clock() const { return world_.time.now_ms() + clock_ahead_ms_; }
  LinkId AddEnd(WireId wire, int side);
  void Give(const cluster::Event& event);
  void GiveLater(cluster::Event event);
  void Settle(Actions& actions);
  void Arm();
  void Trace(const std::string& text) const;

  // What the mesh wants done.
  void Do(const cluster::Resolve& action);
  void Do(const cluster::Connect& action);
  void Do(const cluster::Abandon& action) { dialling_.erase(action.dial); }
  void Do(const cluster::Send& action);
  void Do(const cluster::Proceed& action);
  void Do(const cluster::CompressOutput& action);
  void Do(const cluster::DecompressInput& action);
  void Do(const cluster::Register& action);
  void Do(const cluster::Reassign& action);
  void Do(const cluster::Close& action);
  void Do(const cluster::TellClients& action) { client_urls_ = action.urls; }
  void Do(const cluster::LogLine& action) const;
  void Do(const cluster::Rename&) {}
  void Do(const cluster::MeshStands&) {}
  void Do(const cluster::CheckPassword&) {}  // nobody has a hashed one

  End* Find(LinkId link);
  void SendLine(const End& end, std::string line);
  void SendAllInterest(End& end);
  void Pump(LinkId link);
  void Hear(LinkId link, const std::string& line);
  void OnMessage(const Interest::key_type& what);
  void EndLink(LinkId link, proto::CloseReason reason, bool fin);
  void SchedulePing(LinkId link, uint64_t in_ms);
  void OnPingTime(LinkId link);
  void NoteDial(const cluster::Endpoint& to);
  void NoteRegistered(const cluster::Register& action);

  const Surroundings& world_;
  const int number_;
  bool up_ = false;
  bool powered_ = true;
  uint64_t life_ = 0;
  uint64_t clock_ahead_ms_ = 0;
  uint64_t armed_ms_ = UINT64_MAX;
  cluster::Settings settings_;
  std::unique_ptr<cluster::Mesh> mesh_;
  std::map<LinkId, End> ends_;
  std::map<std::pair<WireId, int>, LinkId> by_wire_;
  LinkId last_link_ = 0;
  std::set<cluster::DialId> dialling_;
  std::set<LinkId> just_registered_;
  std::vector<std::string> client_urls_;
  Interest interest_;
  std::map<Interest::key_type, int> limits_;  // messages that are still wanted
  int received_ = 0;

  uint64_t dials_ = 0;
  uint64_t gossip_ = 0;
  uint64_t differences_before_ = 0;  // of lives before this one
  uint64_t occasions_ = 0;
  std::map<std::string, std::deque<uint64_t>> recent_dials_;
};

}  // namespace martlet::sim
