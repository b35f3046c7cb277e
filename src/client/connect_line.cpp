#include "client/connect_line.h"

#include <martlet/version.h>

#include "json/writer.h"

namespace martlet::client {

std::string ConnectLine(const Target& target, const Credentials& credentials,
                        const proto::ServerInfo& info, const ConnectionOptions& options) {
  std::string out = "CONNECT ";
  json::Writer json(out);
  json.BeginObject();
  json.Member("verbose", options.verbose);
  json.Member("pedantic", false);
  json.Member("tls_required", target.tls.required);
  json.Member("name", target.name);
  json.Member("lang", "c++");
  json.Member("version", kVersion);
  json.Member("protocol", 1);
  json.Member("echo", options.echo);
  json.Member("headers", info.headers);
  json.Member("no_responders", options.no_responders && info.headers);
  json.OptionalMember("user", target.user);
  json.OptionalMember("pass", target.password);
  json.OptionalMember("auth_token", target.token);
  if (!credentials.empty()) {
    json.OptionalMember("jwt", credentials.jwt());
    if (credentials.jwt().empty()) json.Member("nkey", credentials.public_key());
    if (!info.nonce.empty()) json.Member("sig", credentials.Sign(info.nonce));
  }
  json.EndObject();
  out += "\r\n";
  return out;
}

}  // namespace martlet::client
