// What the control shard and the data shards tell each other, apart from messages.
#pragma once

#include <cstdint>

#include "base/net_address.h"
#include "session/record.h"

namespace martlet::shard {

/// An accepted socket for the shard that shall serve it. The receiver owns the descriptor.
struct AdoptRecord {
  session::RecordKind kind = session::RecordKind::kAdopt;
  bool over_limit = false;
  int fd = -1;
  uint64_t client_id = 0;
};

/// Begin to accept on this socket, which stays the control shard's.
struct ListenRecord {
  session::RecordKind kind = session::RecordKind::kListen;
  int fd = -1;
};

/// A request or an answer that says all with its kind: kStopListening, kLameDuck, kCloseOne, kStop
/// from control; kListenerClosed, kStopped from a shard.
struct NoticeRecord {
  session::RecordKind kind = session::RecordKind::kStop;
  uint32_t shard = 0;  // of the sender, in answers
};

}  // namespace martlet::shard
