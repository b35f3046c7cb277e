// The tables of keys, for the documents and the completions made from them.
#pragma once

#include <span>

#include "config/config.h"
#include "config/reading.h"

namespace martlet::config {

std::span<const Key<Config>> ServerKeys();
std::span<const Key<Tls>> TlsKeys();
std::span<const Key<Authorization>> AuthorizationKeys();
std::span<const Key<Permissions>> PermissionKeys();
std::span<const Key<User>> UserKeys();
std::span<const Key<Cluster>> ClusterKeys();
std::span<const Key<Websocket>> WebsocketKeys();

/// Exports and imports, once all accounts are known.
void FinishAccounts(Reading& reading);

}  // namespace martlet::config
