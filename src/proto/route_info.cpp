#include "proto/route_info.h"

#include "json/writer.h"

namespace martlet::proto {
namespace {

void WriteList(std::string_view name, const std::vector<std::string>& list, json::Writer& json) {
  if (list.empty()) return;
  json.Key(name);
  json.BeginArray();
  for (const std::string& item : list) json.Value(item);
  json.EndArray();
}

void WriteLists(std::string_view name, const SubjectLists& lists, json::Writer& json) {
  if (!lists.given) return;
  json.Key(name);
  json.BeginObject();
  WriteList("allow", lists.allow, json);
  WriteList("deny", lists.deny, json);
  json.EndObject();
}

void WriteServer(const RouteInfo& info, json::Writer& json) {
  json.Member("server_id", info.server_id);
  json.Member("server_name", info.server_name);
  json.Member("version", info.version);
  json.Member("proto", info.proto);
  json.OptionalMember("git_commit", info.git_commit);
  json.Member("go", info.go);
  json.Member("host", info.host);
  json.Member("port", info.port);
  json.Member("headers", info.headers);
  json.OptionalMember("auth_required", info.auth_required);
  json.OptionalMember("tls_required", info.tls_required);
  json.OptionalMember("tls_verify", info.tls_verify);
  json.Member("max_payload", info.max_payload);
  json.OptionalMember("jetstream", info.jetstream);
  json.OptionalMember("ip", info.ip);
  json.OptionalMember("nonce", info.nonce);
  json.OptionalMember("cluster", info.cluster);
  json.OptionalMember("cluster_dynamic", info.cluster_dynamic);
  json.OptionalMember("domain", info.domain);
  WriteList("connect_urls", info.connect_urls, json);
  WriteList("ws_connect_urls", info.ws_connect_urls, json);
  json.OptionalMember("ldm", info.ldm);
  json.OptionalMember("compression", info.compression);
}

void WriteRoute(const RouteInfo& info, json::Writer& json) {
  WriteLists("import", info.import, json);
  WriteLists("export", info.exports, json);
  json.OptionalMember("lnoc", info.lnoc);
  json.OptionalMember("lnocu", info.lnocu);
  json.OptionalMember("ln", info.ln);
  json.OptionalMember("route_pool_size", info.route_pool_size);
  json.OptionalMember("route_pool_idx", info.route_pool_idx);
  json.OptionalMember("route_account", info.route_account);
  json.OptionalMember("route_acc_add_reqid", info.route_acc_add_reqid);
  json.OptionalMember("gossip_mode", info.gossip_mode);
  json.OptionalMember("gateway", info.gateway);
}

enum class Of : uint8_t { kSelf, kOther };

void WriteInfo(const RouteInfo& info, Of of, std::string_view end, std::string& out) {
  out += "INFO ";
  json::Writer json(out);
  json.BeginObject();
  WriteServer(info, json);
  WriteRoute(info, json);
  if (of == Of::kSelf) json.OptionalMember("martlet_checks", info.martlet_checks);
  json.EndObject();
  out += end;
}

}  // namespace

void WriteRouteInfo(const RouteInfo& info, std::string& out) {
  WriteInfo(info, Of::kSelf, " \r\n", out);
}

void WriteGossip(const RouteInfo& info, std::string& out) {
  WriteInfo(info, Of::kOther, "\r\n", out);
}

void WriteMembersCheck(int64_t members, std::string_view sum, std::string& out) {
  out += "INFO ";
  json::Writer json(out);
  json.BeginObject();
  json.Member("martlet_members", members);
  json.Member("martlet_sum", sum);
  json.EndObject();
  out += "\r\n";
}

void WriteInterestCheck(const InterestCheck& check, std::string& out) {
  out += "INFO ";
  json::Writer json(out);
  json.BeginObject();
  json.OptionalMember("martlet_check", check.account);
  if (!check.account.empty()) {
    json.Member("martlet_filters", check.filters);
    json.Member("martlet_sum", check.sum);
  }
  json.OptionalMember("martlet_replayed", check.replayed);
  json.OptionalMember("martlet_replay", check.replay);
  json.EndObject();
  out += "\r\n";
}

void WriteRouteConnect(const RouteConnect& connect, std::string& out) {
  out += "CONNECT ";
  json::Writer json(out);
  json.BeginObject();
  json.Member("echo", connect.echo);
  json.Member("verbose", connect.verbose);
  json.Member("pedantic", connect.pedantic);
  json.OptionalMember("user", connect.user);
  json.OptionalMember("pass", connect.pass);
  json.Member("tls_required", connect.tls_required);
  json.Member("headers", connect.headers);
  json.Member("name", connect.name);
  json.Member("cluster", connect.cluster);
  json.OptionalMember("cluster_dynamic", connect.cluster_dynamic);
  json.OptionalMember("lnoc", connect.lnoc);
  json.OptionalMember("lnocu", connect.lnocu);
  json.OptionalMember("ln", connect.ln);
  json.OptionalMember("gateway", connect.gateway);
  json.EndObject();
  out += "\r\n";
}

}  // namespace martlet::proto
