#include "control/resolver.h"

#include <algorithm>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>

#include "base/net_address.h"

namespace martlet::control {

cluster::Resolved LookUp(const cluster::Resolve& question) {
  cluster::Resolved answer{.dial = question.dial, .addresses = {}, .error = {}};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(question.host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    const bool unknown = error == EAI_NONAME || error == EAI_NODATA;
    answer.error =
        "lookup " + question.host + ": " + (unknown ? "no such host" : ::gai_strerror(error));
    return answer;
  }
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    base::SocketAddress address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.length = at->ai_addrlen;
    const cluster::Endpoint endpoint{address.host(), question.port};
    if (std::find(answer.addresses.begin(), answer.addresses.end(), endpoint) ==
        answer.addresses.end()) {
      answer.addresses.push_back(endpoint);
    }
  }
  ::freeaddrinfo(list);
  return answer;
}

}  // namespace martlet::control
