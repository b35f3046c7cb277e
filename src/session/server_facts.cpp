#include "session/server_facts.h"

namespace martlet::session {
namespace {

proto::ServerInfo WithAccount(proto::ServerInfo info) {
  info.connect_info = true;
  info.remote_account = "$G";
  return info;
}

proto::ServerInfo WithLameDuck(proto::ServerInfo info) {
  info.ldm = true;
  info.connect_urls.clear();
  return info;
}

}  // namespace

ServerFacts::ServerFacts(const Options& options_in, const proto::ServerInfo& info_in)
    : options(options_in),
      info(info_in),
      first_info(info_in),
      connect_info(WithAccount(info_in)),
      lame_duck_info(WithLameDuck(info_in)) {}

}  // namespace martlet::session
