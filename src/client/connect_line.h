// What a client says of itself.
#pragma once

#include <string>

#include "client/connection.h"

namespace martlet::client {

/// `CONNECT {json}` and CR LF, the answer to the INFO `info`. Source: spec client-protocol.md
/// section 4.
std::string ConnectLine(const Target& target, const Credentials& credentials,
                        const proto::ServerInfo& info, const ConnectionOptions& options);

}  // namespace martlet::client
