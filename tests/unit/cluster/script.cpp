#include "script.h"

#include <algorithm>
#include <utility>

#include <gtest/gtest.h>

namespace martlet::cluster {
namespace {

base::Url UrlOf(std::string_view text) { return base::ParseUrl(text).value(); }

std::string LevelText(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kInfo:
      return "[INF] ";
    case base::LogLevel::kDebug:
      return "[DBG] ";
    case base::LogLevel::kWarning:
      return "[WRN] ";
    default:
      return "[ERR] ";
  }
}

std::string Without(const std::vector<std::string>& accounts) {
  std::string text;
  for (const std::string& account : accounts) text += (text.empty() ? " without " : ",") + account;
  return text;
}

std::string Place(const std::string& account, int64_t slot, int64_t pool_size,
                  const std::vector<std::string>& without) {
  if (!account.empty()) return " " + account;
  if (pool_size == 0) return " all";
  return " slot " + std::to_string(slot) + "/" + std::to_string(pool_size) + Without(without);
}

std::string ShownInfo(const proto::RouteInfo& info) {
  if (info.martlet_members != 0) return "INFO members=" + std::to_string(info.martlet_members);
  std::string text = "INFO";
  if (info.server_id != "ID_A") text += " of " + info.server_id;
  if (!info.compression.empty()) text += " " + info.compression;
  if (info.route_pool_size != 0) text += " pool=" + std::to_string(info.route_pool_size);
  if (info.route_pool_idx != 0) text += " idx=" + std::to_string(info.route_pool_idx);
  if (!info.route_account.empty()) text += " " + info.route_account;
  if (!info.route_acc_add_reqid.empty()) text += " request";
  if (info.gossip_mode != 0) text += " gossip=" + std::to_string(info.gossip_mode);
  if (info.ldm) text += " ldm";
  return text;
}

std::string ShownBytes(std::string_view bytes) {
  EXPECT_TRUE(bytes.ends_with("\r\n")) << bytes;
  bytes.remove_suffix(2);
  if (bytes.starts_with("CONNECT ")) return "CONNECT";
  if (!bytes.starts_with("INFO ")) return std::string(bytes);
  const auto info = proto::ReadRouteInfo(bytes.substr(5));
  EXPECT_TRUE(info.ok()) << bytes;
  return info.ok() ? ShownInfo(*info) : "INFO ?";
}

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::string Shown(const Action& action) {
  const auto of = [](LinkId link) { return "#" + std::to_string(link) + " "; };
  return std::visit(
      Overloaded{
          [](const Resolve& a) { return "resolve " + a.host + ":" + std::to_string(a.port); },
          [](const Connect& a) { return "connect " + a.to.ip + ":" + std::to_string(a.to.port); },
          [](const Abandon&) { return std::string("abandon"); },
          [&](const CheckPassword& a) { return of(a.link) + "check " + a.password + " " + a.hash; },
          [&](const Send& a) { return of(a.link) + "> " + ShownBytes(a.bytes); },
          [](const Proceed&) { return std::string(); },
          [&](const CompressOutput& a) {
            return of(a.link) + "compress " + std::string(Name(a.mode));
          },
          [&](const DecompressInput& a) { return of(a.link) + "decompress"; },
          [&](const Register& a) {
            return of(a.link) + "register " + a.peer_id +
                   Place(a.account, a.slot, a.pool_size, a.without);
          },
          [&](const Reassign& a) {
            return of(a.link) + "reassign" + Place(a.account, a.slot, a.pool_size, a.without);
          },
          [&](const Close& a) { return of(a.link) + "close " + std::string(Name(a.reason)); },
          [](const TellClients& a) {
            std::string text = "clients";
            for (const std::string& url : a.urls) text += " " + url;
            return text;
          },
          [](const LogLine& a) {
            const std::string link = a.link == 0 ? "" : "#" + std::to_string(a.link) + " - ";
            return LevelText(a.level) + link + a.text;
          },
          [](const Rename& a) { return "rename " + a.name; },
          [](const MeshStands&) { return std::string("mesh stands"); },
      },
      action);
}

}  // namespace

Settings Plain() {
  Settings settings;
  settings.server_id = "ID_A";
  settings.server_name = "A";
  settings.version = "2.15.1";
  settings.go = "c++20";
  settings.max_payload = 1048576;
  settings.name = "C1";
  settings.host = "127.0.0.1";
  settings.port = 21101;
  settings.own_ips = {"127.0.0.1", "10.0.0.1"};
  settings.client_urls = {"127.0.0.1:21001"};
  settings.pool_size = -1;
  settings.compression.mode = CompressionMode::kOff;
  return settings;
}

Settings Pooled() {
  Settings settings = Plain();
  settings.pool_size = 3;
  settings.pinned_accounts = {"$SYS"};
  settings.compression.mode = CompressionMode::kAccept;
  return settings;
}

std::string InfoOf(std::string_view name, std::string_view more) {
  const auto number = std::to_string(name[0] - 'A' + 1);
  std::string text =
      "INFO {\"server_id\":\"ID_" + std::string(name) + "\",\"server_name\":\"" +
      std::string(name) + "\",\"version\":\"2.15.1\",\"proto\":3,\"go\":\"go1.27.2\"" +
      ",\"host\":\"127.0.0.1\",\"port\":2110" + number +
      ",\"headers\":true,\"max_payload\":1048576,\"nonce\":\"x\",\"cluster\":\"C1\"" +
      ",\"connect_urls\":[\"127.0.0.1:2100" + number + "\"]";
  if (!more.empty()) text += "," + std::string(more);
  return text + "} ";
}

std::string ConnectOf(std::string_view name, std::string_view more) {
  std::string text = "CONNECT {\"echo\":true,\"headers\":true,\"name\":\"ID_" + std::string(name) +
                     "\",\"cluster\":\"C1\"";
  if (!more.empty()) text += "," + std::string(more);
  return text + "}";
}

base::Url Route(std::string_view text) { return UrlOf(text); }

Settings WithRoute(Settings settings, std::string_view url) {
  settings.routes = {Route(url)};
  return settings;
}

Script::Script(Settings settings, uint64_t seed) : mesh_(std::move(settings), seed) {}

void Script::Start() {
  mesh_.Start(now_ms_, actions_);
  Note();
}

void Script::Accept(LinkId link) {
  Give(Accepted{.link = link,
                .remote = {.ip = "127.0.0.1", .port = static_cast<uint16_t>(50000 + link)}});
}

void Script::Dialed(LinkId link) {
  ASSERT_FALSE(connecting_.empty());
  const DialId dial = connecting_.front();
  connecting_.pop_front();
  Give(cluster::Dialed{.dial = dial, .link = link});
}

void Script::DialFails(const std::string& error) {
  ASSERT_FALSE(connecting_.empty());
  const DialId dial = connecting_.front();
  connecting_.pop_front();
  Give(DialFailed{.dial = dial, .error = error});
}

void Script::Resolved(const std::vector<Endpoint>& addresses, const std::string& error) {
  ASSERT_FALSE(resolving_.empty());
  const DialId dial = resolving_.front();
  resolving_.pop_front();
  Give(cluster::Resolved{.dial = dial, .addresses = addresses, .error = error});
}

void Script::Hear(LinkId link, std::string_view line) {
  proceeded_.erase(link);
  if (line.starts_with("CONNECT ")) {
    const auto connect = proto::ReadRouteConnect(line.substr(8));
    ASSERT_TRUE(connect.ok()) << line;
    Give(ConnectCame{.link = link, .connect = *connect});
  } else if (line.starts_with("INFO ")) {
    const auto info = proto::ReadRouteInfo(line.substr(5));
    ASSERT_TRUE(info.ok()) << line;
    Give(InfoCame{.link = link, .info = *info});
  } else if (line == "PONG") {
    Give(PongCame{.link = link});
  } else if (line.starts_with("-ERR ")) {
    Give(ErrorCame{.link = link, .text = std::string(line.substr(5))});
    Closed(link, proto::CloseReason::kParseError);
  } else {
    ASSERT_EQ(line, "[FIN]");
    Closed(link, proto::CloseReason::kClientClosed);
  }
}

void Script::Closed(LinkId link, proto::CloseReason reason) {
  Give(LinkClosed{.link = link, .reason = reason});
}

void Script::Checked(LinkId link, bool right) {
  Give(PasswordChecked{.link = link, .check = checks_.at(link), .right = right});
}

void Script::RoundTripIs(LinkId link, std::chrono::nanoseconds time) {
  Give(RoundTrip{.link = link, .time = time});
}

void Script::Reload(const Settings& settings) {
  mesh_.Reload(settings, now_ms_, actions_);
  Note();
}

void Script::LameDuck() {
  mesh_.EnterLameDuck(actions_);
  Note();
}

void Script::Stop() {
  mesh_.Stop(actions_);
  Note();
}

void Script::Pass(uint64_t ms) {
  const uint64_t until_ms = now_ms_ + ms;
  while (mesh_.NextTimer() <= until_ms) {
    now_ms_ = std::max(now_ms_, mesh_.NextTimer());
    mesh_.OnTimer(now_ms_, actions_);
    Note();
  }
  now_ms_ = until_ms;
}

void Script::Give(const Event& event) {
  mesh_.OnEvent(event, now_ms_, actions_);
  Note();
}

void Script::Note() {
  for (const Action& action : std::exchange(actions_, {})) Note(action);
  while (!hold_closes && !closes_.empty()) {
    const LinkClosed closed = closes_.front();
    closes_.pop_front();
    Give(closed);
  }
}

void Script::Note(const Action& action) {
  if (const auto* resolve = std::get_if<Resolve>(&action)) resolving_.push_back(resolve->dial);
  if (const auto* connect = std::get_if<Connect>(&action)) connecting_.push_back(connect->dial);
  if (const auto* check = std::get_if<CheckPassword>(&action)) checks_[check->link] = check->check;
  if (const auto* send = std::get_if<Send>(&action)) {
    last_sent_ = send->bytes;
    if (last_sent_.starts_with("CONNECT ")) last_connect_ = last_sent_;
    EXPECT_EQ(send->awaits_pong, send->bytes == "PING\r\n");
  }
  if (const auto* proceed = std::get_if<Proceed>(&action)) ++proceeded_[proceed->link];
  if (const auto* close = std::get_if<Close>(&action)) {
    closes_.push_back({.link = close->link, .reason = close->reason});
  }
  std::string shown = Shown(action);
  if (!shown.empty()) happened_.push_back(std::move(shown));
}

Lines Script::Take() { return std::exchange(happened_, {}); }

Lines Script::TakeActions() {
  Lines lines = Take();
  std::erase_if(lines, [](const std::string& line) { return line.starts_with('['); });
  return lines;
}

Lines Script::TakeLog() {
  Lines lines = Take();
  std::erase_if(lines, [](const std::string& line) { return !line.starts_with('['); });
  return lines;
}

void AcceptFrom(Script& script, LinkId link, std::string_view name, std::string_view more) {
  script.Accept(link);
  script.Hear(link, ConnectOf(name));
  script.Hear(link, InfoOf(name, more));
}

}  // namespace martlet::cluster
