#include "session/user_info.h"

#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "json/writer.h"
#include "session/client_session.h"
#include "session/delivery.h"

namespace martlet::session {
namespace {

// RFC 3339 in UTC with nanoseconds, as Go writes times into JSON.
std::string Now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[64];
  const size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%09ldZ", now.tv_nsec);
  return std::string(text, length) + fraction;
}

}  // namespace

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
  writer.Member("time", std::string_view(Now()));
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
