// A strange server's INFO.
//
// Input: the JSON. Held to be true: what is read, written by us and read again, is the same.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "input.h"
#include "proto/server_info.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace martlet;
  auto info = proto::ReadInfo(fuzz::Input(data, size).Rest());
  if (!info.ok()) {
    CHECK(!info.status().message().empty());
    return 0;
  }
  // These two are written as they are: ours need no escapes.
  info->nonce.clear();
  info->client_ip.clear();
  constexpr std::string_view kVerb = "INFO ";
  std::string once;
  proto::WriteInfo(*info, once);
  const auto again = proto::ReadInfo(std::string_view(once).substr(kVerb.size()));
  CHECK(again.ok());
  std::string twice;
  proto::WriteInfo(*again, twice);
  CHECK(once == twice);
  return 0;
}
