// A URL that a stranger tells: a server's address in gossip.
//
// Input: the URL.
// Held to be true: what is read and written again is read as the same; the form for the log does
// not have the password; host and port are parts of the address.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/url.h"
#include "input.h"

namespace martlet::base {
namespace {

void CheckUrl(std::string_view text) {
  const std::optional<Url> url = ParseUrl(text);
  if (!url) return;
  CHECK(url->host.size() <= text.size());
  CHECK(url->host.find(url->hostname()) != std::string::npos);
  CHECK(url->port().empty() || url->host.ends_with(":" + url->port()));
  const std::optional<Url> again = ParseUrl(url->String());
  CHECK(again.has_value());
  CHECK(again->host == url->host && again->user == url->user);
  CHECK(again->password == url->password && again->String() == url->String());
  const std::optional<Url> shown = ParseUrl(url->Redacted());
  CHECK(shown.has_value());
  CHECK(shown->password == (url->has_password ? "xxxxx" : ""));
}

}  // namespace
}  // namespace martlet::base

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  martlet::base::CheckUrl(martlet::fuzz::Input(data, size).Rest());
  return 0;
}
