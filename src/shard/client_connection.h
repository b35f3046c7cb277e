// A client's connection.
#pragma once

#include <utility>

#include "session/client_session.h"
#include "shard/connection.h"

namespace martlet::shard {

/// Source: Connection.
class ClientConnection final : public Connection {
 public:
  ClientConnection(Shard& shard, base::UniqueFd fd, uint64_t client_id, session::Peer peer);

  void Start(bool over_limit) {
    session_.Start(over_limit);
    Open();
  }

 private:
  void LeaveBooks() override;

  session::ClientSession session_;
};

}  // namespace martlet::shard
