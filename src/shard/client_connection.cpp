#include "shard/client_connection.h"

#include "shard/shard.h"

namespace martlet::shard {

ClientConnection::ClientConnection(Shard& shard, base::UniqueFd fd, uint64_t client_id,
                                   session::Peer peer)
    : Connection(shard, std::move(fd), session_),
      session_(shard.context(), *this, client_id, std::move(peer)) {}

void ClientConnection::LeaveBooks() {
  shard_.Leaves(session_);
  session_.Detach();
  shard_.Left();
}

}  // namespace martlet::shard
