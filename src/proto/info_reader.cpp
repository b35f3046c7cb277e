// Reading an INFO; writing one is in server_info.cpp.
#include <concepts>
#include <string>
#include <utility>

#include "json/reader.h"
#include "proto/server_info.h"

namespace martlet::proto {
namespace {

using json::Value;

void Set(const Value& value, std::string& member) {
  if (value.kind == json::Kind::kString) member = value.text;
}

void Set(const Value& value, bool& member) {
  if (value.kind == json::Kind::kBool) member = value.boolean;
}

template <std::integral T>
void Set(const Value& value, T& member) {
  if (value.kind != json::Kind::kNumber) return;
  const auto number = value.AsInt();
  if (number && std::in_range<T>(*number)) member = static_cast<T>(*number);
}

void SetMember(std::string_view name, const Value& value, ServerInfo& info) {
  const auto take = [&](std::string_view field, auto& member) {
    if (name != field) return false;
    Set(value, member);
    return true;
  };
  take("server_id", info.server_id) || take("server_name", info.server_name) ||
      take("version", info.version) || take("proto", info.proto) ||
      take("git_commit", info.git_commit) || take("go", info.go) || take("host", info.host) ||
      take("port", info.port) || take("headers", info.headers) ||
      take("auth_required", info.auth_required) || take("tls_required", info.tls_required) ||
      take("tls_verify", info.tls_verify) || take("tls_available", info.tls_available) ||
      take("max_payload", info.max_payload) || take("jetstream", info.jetstream) ||
      take("client_id", info.client_id) || take("client_ip", info.client_ip) ||
      take("nonce", info.nonce) || take("cluster", info.cluster) || take("domain", info.domain) ||
      take("ldm", info.ldm) || take("connect_info", info.connect_info) ||
      take("remote_account", info.remote_account) || take("acc_is_sys", info.acc_is_sys) ||
      take("api_lvl", info.api_lvl) || take("xkey", info.xkey) || take("impl", info.impl);
}

}  // namespace

absl::StatusOr<ServerInfo> ReadInfo(std::string_view text) {
  ServerInfo info{.version = {}, .proto = 0, .go = {}, .headers = false, .api_lvl = 0, .impl = {}};
  const auto kind = json::ReadObject(
      text, [&](std::string_view name, const Value& value) { SetMember(name, value, info); });
  if (!kind.ok()) return kind.status();
  if (*kind != json::Kind::kObject) {
    return absl::InvalidArgumentError("a JSON " + std::string(json::KindName(*kind)) +
                                      " instead of an object");
  }
  return info;
}

}  // namespace martlet::proto
