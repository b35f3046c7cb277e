// A mesh that talks to peers made of lines, and what it did as lines.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/events.h"
#include "cluster/mesh.h"

namespace martlet::cluster {

using Lines = std::vector<std::string>;

/// Server A of cluster C1 on 127.0.0.1:21101, as in the transcripts, without a pool and without
/// compression.
Settings Plain();
/// The same with the reference's defaults: a pool of 3, a connection for $SYS, compression accept.
Settings Pooled();

/// An INFO of server `name` ("B": id ID_B, port 21102); `more` stands behind the usual members.
std::string InfoOf(std::string_view name, std::string_view more = "");
std::string ConnectOf(std::string_view name, std::string_view more = "");
base::Url Route(std::string_view text);
/// `settings` with a route, to server B if nothing else is said.
Settings WithRoute(Settings settings, std::string_view url = "nats-route://127.0.0.1:21102");
/// What an INFO says besides, of a server with a pool.
inline constexpr char kPool[] = R"("compression":"off","route_pool_size":3)";

/// Feeds a mesh and notes its actions:
///
///   connect 127.0.0.1:21102          resolve localhost:21102          abandon
///   #5 > CONNECT                     #5 > INFO off pool=3 idx=1 $SYS gossip=1 ldm
///   #5 > PING                        #5 > -ERR 'text'
///   #5 check PASSWORD HASH
///   #5 register ID_B slot 0/3 without $SYS        #5 register ID_B $SYS
///   #5 close Duplicate Route         [DBG] #5 - Route connect msg sent
///
/// Proceed is noted apart (proceeded). A Close is answered with LinkClosed at the end of the call,
/// unless `hold_closes`.
class Script {
 public:
  explicit Script(Settings settings, uint64_t seed = 1);

  void Start();
  void Accept(LinkId link);
  /// The oldest Connect that waits succeeds, or fails.
  void Dialed(LinkId link);
  void DialFails(
      const std::string& error = "dial tcp 127.0.0.1:21102: connect: connection refused");
  void Resolved(const std::vector<Endpoint>& addresses, const std::string& error = {});
  /// One line from the peer: CONNECT, INFO, PONG, -ERR, or [FIN].
  void Hear(LinkId link, std::string_view line);
  void Closed(LinkId link, proto::CloseReason reason);
  /// The check of the link's password that was asked for last is done.
  void Checked(LinkId link, bool right);
  void RoundTripIs(LinkId link, std::chrono::nanoseconds time);
  void Reload(const Settings& settings);
  void LameDuck();
  void Stop();
  /// Time passes; timers fire when they are due.
  void Pass(uint64_t ms);

  /// What happened since the last call.
  Lines Take();
  /// The same without lines of the log, or nothing but those.
  Lines TakeActions();
  Lines TakeLog();
  /// The whole line that was sent last.
  const std::string& last_sent() const { return last_sent_; }
  const std::string& last_connect() const { return last_connect_; }
  bool proceeded(LinkId link) const { return proceeded_.contains(link); }
  uint64_t now_ms() const { return now_ms_; }
  Mesh& mesh() { return mesh_; }

  bool hold_closes = false;

 private:
  void Give(const Event& event);
  void Note();
  void Note(const Action& action);

  Mesh mesh_;
  uint64_t now_ms_ = 1000;
  Mesh::Actions actions_;
  Lines happened_;
  std::string last_sent_;
  std::string last_connect_;
  std::deque<DialId> resolving_;
  std::deque<DialId> connecting_;
  std::map<LinkId, uint64_t> checks_;
  std::map<LinkId, uint64_t> proceeded_;
  std::deque<LinkClosed> closes_;
};

/// Server `name` connects, and has introduced itself.
void AcceptFrom(Script& script, LinkId link, std::string_view name, std::string_view more = "");

}  // namespace martlet::cluster
