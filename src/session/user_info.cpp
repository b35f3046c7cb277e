#include "session/user_info.h"

#include <string>

#include "base/clock.h"
#include "base/go_text.h"
#include "json/writer.h"
#include "session/client_session.h"
#include "session/delivery.h"

namespace martlet::session {
void AnswerUserInfo(const Message& request, ClientSession& client) {
  if (request.reply.empty()) return;
  const proto::ServerInfo& info = client.context().facts->info;
  std::string body;
  json::Writer writer(body);
  writer.BeginObject();
  writer.Key("server");
  writer.BeginObject();
  writer.Member("name", std::string_view(info.server_name));
  writer.Member("host", std::string_view(info.host));
  writer.Member("id", std::string_view(info.server_id));
  writer.Member("ver", std::string_view(info.version));
  writer.Member("jetstream", false);
  writer.Member("flags", 0);
  writer.Member("seq", client.context().next_event_sequence++);
  writer.Member("time", base::GoTime(base::UnixNanoseconds()));
  writer.EndObject();
  writer.Key("data");
  writer.BeginObject();
  writer.Member("user", "");
  writer.Member("account", "$G");
  writer.Member("account_name", "$G");
  writer.EndObject();
  writer.EndObject();

  const std::string size = std::to_string(body.size());
  const size_t body_bytes = body.size();
  body += "\r\n";
  const Message answer = {.account = request.account,
                          .subject = request.reply,
                          .size_text = size,
                          .payload = std::string_view(body).substr(0, body_bytes)};
  client.context().delivery->Publish(answer, nullptr);
}

}  // namespace martlet::session
