// The tables of keys as one list.
#include <algorithm>

#include "config/config.h"
#include "config/keys.h"

namespace martlet::config {
namespace {

template <class Block>
void Append(const std::string& block, std::span<const Key<Block>> keys, std::vector<KeyInfo>& out) {
  for (const Key<Block>& key : keys) {
    KeyInfo info{.block = block,
                 .names = {},
                 .type = std::string(key.type),
                 .standard = std::string(key.standard),
                 .hot = key.reload == Reload::kHot,
                 .help = std::string(key.help)};
    for (const std::string_view name : key.names) {
      if (!name.empty()) info.names.emplace_back(name);
    }
    out.push_back(std::move(info));
  }
}

}  // namespace

std::vector<KeyInfo> AllKeys() {
  std::vector<KeyInfo> out;
  Append("", ServerKeys(), out);
  Append("authorization", AuthorizationKeys(), out);
  Append("users", UserKeys(), out);
  Append("permissions", PermissionKeys(), out);
  Append("tls", TlsKeys(), out);
  Append("cluster", ClusterKeys(), out);
  Append("websocket", WebsocketKeys(), out);
  return out;
}

const KeyInfo* FindTopKey(const std::vector<KeyInfo>& keys, std::string_view name) {
  const std::string lower = LowerCase(name);
  for (const KeyInfo& key : keys) {
    if (!key.block.empty()) continue;
    if (std::find(key.names.begin(), key.names.end(), lower) != key.names.end()) return &key;
  }
  return nullptr;
}

}  // namespace martlet::config
