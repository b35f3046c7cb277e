// Who is at the other end of a socket.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::session {

struct Peer {
  std::string ip;
  uint16_t port = 0;
};

}  // namespace martlet::session
