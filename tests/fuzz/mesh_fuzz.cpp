// Strange servers against the mesh: what they say in CONNECT, INFO and gossip, in any order, on any
// number of connections, while others come and go and time passes.
//
// Input: one byte of settings, then lines. The first letter says what happens; a digit behind it,
// which of the connections, the newest being 0.
//   a           somebody connects             d  f        a dial succeeds, fails
//   r TEXT      a name is known to be TEXT    t DIGIT     time passes: 4 ms, 16, ... 18 minutes
//   C DIGIT JSON  I DIGIT JSON  P DIGIT  E DIGIT TEXT  X DIGIT    CONNECT, INFO, PONG, -ERR, the
//   end k DIGIT BIT   the check of a password is done                 R BYTE    reload    l   lame
//   duck
//
// Held to be true: actions name connections that are open; behind a Close nothing more comes for
// it; a connection goes on when it stood still, and only once; lines are whole; dials and timers do
// not run away.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "cluster/mesh.h"
#include "input.h"

namespace martlet::cluster {
namespace {

constexpr size_t kDialsMax = 2048;
constexpr size_t kLinksMax = 64;
constexpr size_t kLinesMax = 400;

Settings SettingsOf(uint8_t bits) {
  Settings settings;
  settings.server_id = "ID_A";
  settings.server_name = "A";
  settings.version = "2.15.1";
  settings.max_payload = 1048576;
  settings.name = "C1";
  settings.name_dynamic = (bits & 1) != 0;
  settings.host = "127.0.0.1";
  settings.port = 6222;
  settings.own_ips = {"127.0.0.1"};
  settings.client_urls = {"127.0.0.1:4222"};
  if ((bits & 2) != 0) settings.routes = {*base::ParseUrl("nats://u:p@127.0.0.1:6223")};
  if ((bits & 4) != 0) settings.user = "u", settings.password = "p";
  settings.password_is_hashed = (bits & 8) != 0;
  settings.pool_size = (bits & 16) != 0 ? -1 : 3;
  if (settings.pool_size > 0) settings.pinned_accounts = {"$SYS"};
  if ((bits & 32) != 0) settings.accounts = {"$G", "$SYS"};
  settings.compression.mode =
      (bits & 64) != 0 ? CompressionMode::kS2Auto : CompressionMode::kAccept;
  settings.no_advertise = (bits & 128) != 0;
  settings.awaits_mesh = settings.no_advertise;
  return settings;
}

class Driver {
 public:
  explicit Driver(uint8_t settings) : mesh_(SettingsOf(settings), 1) {
    mesh_.Start(now_ms_, actions_);
    PerformAll();
  }

  void Do(std::string_view line) {
    if (line.empty()) return;
    const char what = line.front();
    line.remove_prefix(1);
    switch (what) {
      case 'a':
        return Accept();
      case 'd':
        return DialEnds(true);
      case 'f':
        return DialEnds(false);
      case 'r':
        return NameIsKnown(line);
      case 't':
        return Pass(DigitOf(line));
      case 'R':
        mesh_.Reload(SettingsOf(line.empty() ? 0 : static_cast<uint8_t>(line[0])), now_ms_,
                     actions_);
        return PerformAll();
      case 'l':
        mesh_.EnterLameDuck(actions_);
        return PerformAll();
      default:
        return OfLink(what, line);
    }
  }

  void End() {
    while (!links_.empty()) Close(links_.begin()->first);
    mesh_.Stop(actions_);
    PerformAll();
    CHECK(mesh_.links() == 0);
  }

 private:
  struct State {
    bool stands = false;  // input waits for Proceed
    bool registered = false;
    bool closing = false;
    std::vector<uint64_t> checks;
  };

  static uint64_t DigitOf(std::string_view& line) {
    if (line.empty() || line[0] < '0' || line[0] > '9') return 0;
    const auto digit = static_cast<uint64_t>(line[0] - '0');
    line.remove_prefix(1);
    return digit;
  }

  void Accept() {
    if (links_.size() >= kLinksMax) return;
    const LinkId link = ++last_link_;
    links_.emplace(link, State());
    Give(Accepted{.link = link, .remote = {.ip = "127.0.0.2", .port = 50000}});
  }

  void DialEnds(bool well) {
    if (dials_.empty()) return;
    const DialId dial = dials_.front();
    dials_.pop_front();
    if (!well || links_.size() >= kLinksMax)
      return Give(DialFailed{.dial = dial, .error = "refused"});
    const LinkId link = ++last_link_;
    links_.emplace(link, State());
    // One that has been given up is closed without a word.
    if (std::find(abandoned_.begin(), abandoned_.end(), dial) != abandoned_.end()) {
      links_.erase(link);
      return;
    }
    Give(Dialed{.dial = dial, .link = link});
  }

  void NameIsKnown(std::string_view text) {
    if (names_.empty()) return;
    const DialId dial = names_.front();
    names_.pop_front();
    Resolved answer{.dial = dial, .addresses = {}, .error = {}};
    if (text.empty()) {
      answer.error = "lookup x: no such host";
    } else {
      answer.addresses.push_back({.ip = std::string(text), .port = 6222});
    }
    Give(answer);
  }

  void Pass(uint64_t exponent) {
    const uint64_t until_ms = now_ms_ + (uint64_t{4} << (2 * exponent));
    for (int fired = 0; mesh_.NextTimer() <= until_ms; ++fired) {
      CHECK(fired < 200'000);
      now_ms_ = std::max(now_ms_, mesh_.NextTimer());
      mesh_.OnTimer(now_ms_, actions_);
      PerformAll();
      while (!dials_.empty()) DialEnds(false);
      while (!names_.empty()) NameIsKnown({});
    }
    now_ms_ = until_ms;
  }

  void OfLink(char what, std::string_view line) {
    const uint64_t back = DigitOf(line);
    if (back >= links_.size()) return;
    const auto at = std::next(links_.rbegin(), static_cast<std::ptrdiff_t>(back));
    const LinkId link = at->first;
    State& state = at->second;
    if (what == 'X') return Close(link);
    if (what == 'k') return CheckDone(link, state, line);
    if (state.stands || state.closing) return;
    if (what == 'P') return Give(PongCame{.link = link});
    if (what == 'E') return Give(ErrorCame{.link = link, .text = std::string(line)});
    if (what == 'C') {
      auto connect = proto::ReadRouteConnect(line);
      if (!connect.ok()) return;
      state.stands = !state.registered;
      Give(ConnectCame{.link = link, .connect = *std::move(connect)});
    } else if (what == 'I') {
      auto info = proto::ReadRouteInfo(line);
      if (!info.ok()) return;
      state.stands = !state.registered;
      Give(InfoCame{.link = link, .info = *std::move(info)});
    }
  }

  void CheckDone(LinkId link, State& state, std::string_view line) {
    if (state.checks.empty()) return;
    const uint64_t check = state.checks.front();
    state.checks.erase(state.checks.begin());
    Give(PasswordChecked{.link = link, .check = check, .right = line.ends_with('1')});
  }

  void Close(LinkId link) {
    links_.erase(link);
    Give(LinkClosed{.link = link, .reason = proto::CloseReason::kClientClosed});
  }

  void Give(const Event& event) {
    mesh_.OnEvent(event, now_ms_, actions_);
    PerformAll();
  }

  void PerformAll() {
    std::vector<LinkId> closed;
    for (const Action& action : std::exchange(actions_, {})) {
      std::visit([&](const auto& one) { Perform(one); }, action);
      if (const auto* close = std::get_if<cluster::Close>(&action)) closed.push_back(close->link);
    }
    CHECK(dials_.size() + names_.size() <= kDialsMax);
    for (const LinkView& view : mesh_.Registered()) CHECK(links_.at(view.link).registered);
    for (const LinkId link : closed) {
      if (links_.contains(link)) Close(link);
    }
  }

  State& Open(LinkId link) {
    const auto found = links_.find(link);
    CHECK(found != links_.end());
    CHECK(!found->second.closing);
    return found->second;
  }

  void Perform(const Resolve& wish) { names_.push_back(wish.dial); }
  void Perform(const Connect& wish) { dials_.push_back(wish.dial); }
  void Perform(const Abandon& wish) { abandoned_.push_back(wish.dial); }
  void Perform(const CheckPassword& wish) { Open(wish.link).checks.push_back(wish.check); }
  void Perform(const Send& send) {
    Open(send.link);
    CHECK(send.bytes.ends_with("\r\n"));
    CHECK(send.bytes.find_first_of("\r\n") == send.bytes.size() - 2);
  }
  void Perform(const Proceed& wish) {
    State& state = Open(wish.link);
    CHECK(state.stands || state.registered);
    state.stands = false;
  }
  void Perform(const Register& wish) {
    State& state = Open(wish.link);
    CHECK(!state.registered && !wish.peer_id.empty());
    state.registered = true;
  }
  void Perform(const Reassign& wish) { CHECK(Open(wish.link).registered); }
  void Perform(const CompressOutput& wish) { Open(wish.link); }
  void Perform(const DecompressInput& wish) { Open(wish.link); }
  void Perform(const cluster::Close& wish) { Open(wish.link).closing = true; }
  void Perform(const TellClients&) {}
  void Perform(const LogLine& line) { CHECK(!line.text.empty()); }
  void Perform(const Rename& wish) { CHECK(!wish.name.empty()); }
  void Perform(const MeshStands&) { CHECK(!std::exchange(stands_, true)); }

  Mesh mesh_;
  Mesh::Actions actions_;
  uint64_t now_ms_ = 1000;
  LinkId last_link_ = 0;
  std::map<LinkId, State> links_;
  std::deque<DialId> dials_;
  std::deque<DialId> names_;
  std::vector<DialId> abandoned_;
  bool stands_ = false;
};

}  // namespace
}  // namespace martlet::cluster

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  martlet::fuzz::Input input(data, size);
  martlet::cluster::Driver driver(input.Byte());
  std::string_view text = input.Rest();
  for (size_t lines = 0; !text.empty() && lines < martlet::cluster::kLinesMax; ++lines) {
    const size_t end = std::min(text.find('\n'), text.size());
    driver.Do(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  driver.End();
  return 0;
}
