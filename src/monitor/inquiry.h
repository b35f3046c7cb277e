// A question to the shards, in pieces.
#pragma once

#include <optional>

#include "monitor/http_response.h"
#include "monitor/snapshot.h"

namespace martlet::monitor {

/// Asks one piece after the other, and makes the answer of them. Pure: whoever drives it carries
/// the pieces to the shards and back.
class Inquiry {
 public:
  virtual ~Inquiry() = default;

  /// Fills in what the next piece is to ask, and says of which shard; nothing when all is known.
  virtual std::optional<unsigned> Next(Piece& piece) = 0;
  /// The piece has come back. What it holds may be moved out.
  virtual void Take(Piece& piece) = 0;
  /// When nothing is left to ask.
  virtual Response Answer(const ServerSnapshot& server) = 0;
};

}  // namespace martlet::monitor
