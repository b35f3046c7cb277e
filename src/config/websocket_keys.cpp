// The keys of the blocks websocket and mqtt.
#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

void ReadHandshakeTimeout(const Entry& entry, Websocket& out) {
  if (const int64_t* seconds = entry.value.As<int64_t>()) {
    out.handshake_timeout = std::chrono::seconds(*seconds);
  } else if (entry.value.As<std::string>() != nullptr) {
    if (const auto timeout = entry.DurationText("")) out.handshake_timeout = *timeout;
  } else {
    entry.Error("error parsing handshake timeout: unsupported type " +
                std::string(entry.value.type_name()));
  }
}

void ReadHeaders(const Entry& entry, Websocket& out) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("error parsing headers: unsupported type " +
                       std::string(entry.value.type_name()));
  }
  for (const Map::Entry& pair : map->entries()) {
    if (const std::string* text = pair.value.As<std::string>()) {
      out.headers[pair.key] = *text;
    } else {
      entry.reading.problems.Error(pair.value.where, "error parsing header key " + pair.key +
                                                         ": unsupported type " +
                                                         std::string(pair.value.type_name()));
    }
  }
}

// clang-format off
constexpr Key<Websocket> kWebsocketKeys[] = {
    {{"listen"}, "host:port or port", "", kRestart, &ReadListen<&Websocket::listen>,
     "Address; sets host and port"},
    {{"host", "net"}, "string", "0.0.0.0", kRestart, &ReadHost<&Websocket::listen>, "Address"},
    {{"port"}, "integer", "0", kRestart, &ReadPort<&Websocket::listen>,
     "Port; -1: any free one"},
    {{"advertise"}, "host:port", "", kRestart, &Read<&Websocket::advertise>,
     "Address that clients are told"},
    {{"no_tls"}, "boolean", "false", kRestart, &Read<&Websocket::no_tls>,
     "Serve without TLS; required where there is no tls block"},
    {{"tls"}, "map", "", Reload::kHot,
     [](const Entry& entry, Websocket& out) {
       Tls tls;
       if (ReadTls(entry, true, tls)) out.tls = std::move(tls);
     },
     "TLS"},
    {{"same_origin"}, "boolean", "false", kRestart, &Read<&Websocket::same_origin>,
     "Only pages of the same origin"},
    {{"allowed_origins", "allowed_origin", "allow_origins", "allow_origin", "origins", "origin"},
     "string or array", "all", kRestart,
     [](const Entry& entry, Websocket& out) {
       out.allowed_origins = entry.Strings("allowed origins");
     },
     "Origins of pages that may connect"},
    {{"handshake_timeout"}, "seconds or duration", "", kRestart, &ReadHandshakeTimeout,
     "Time for the handshake"},
    {{"compression", "compress"}, "boolean", "false", kRestart, &Read<&Websocket::compression>,
     "Accept compressed messages"},
    {{"authorization", "authentication"}, "map", "", kRestart,
     [](const Entry& entry, Websocket& out) {
       ReadSimpleAuthorization(entry, out.authorization);
     },
     "user, password, token and timeout of such clients"},
    {{"jwt_cookie"}, "string", "", kRestart, &Read<&Websocket::jwt_cookie>,
     "Cookie with a user's JWT"},
    {{"user_cookie"}, "string", "", kRestart, &Read<&Websocket::user_cookie>,
     "Cookie with a user's name"},
    {{"pass_cookie"}, "string", "", kRestart, &Read<&Websocket::password_cookie>,
     "Cookie with a password"},
    {{"token_cookie"}, "string", "", kRestart, &Read<&Websocket::token_cookie>,
     "Cookie with a token"},
    {{"no_auth_user"}, "string", "", kRestart, &Read<&Websocket::no_auth_user>,
     "User that clients without credentials are"},
    {{"headers"}, "map of strings", "", kRestart, &ReadHeaders, "Headers of the answer"},
    {{"ping_interval"}, "duration", "2m", kRestart, &ReadDuration<&Websocket::ping_interval>,
     "Time between PINGs to a quiet client"},
};

struct Mqtt {
  Listen listen;
  std::string text;
  bool truth = false;
  int64_t number = 0;
};

template <const std::string_view& kField>
void CheckDuration(const Entry& entry, Mqtt&) {
  (void)entry.Duration(kField);
}
constexpr std::string_view kAckWait = "ack_wait";
constexpr std::string_view kApiTimeout = "js_api_timeout";
constexpr std::string_view kInactive = "consumer_inactive_threshold";

void CheckMaxAckPending(const Entry& entry, Mqtt&) {
  const int64_t* count = entry.Integer();
  if (count != nullptr && (*count < 0 || *count > 0xFFFF)) {
    entry.Error("invalid value " + std::to_string(*count) + ", should in [0..65535] range");
  }
}

constexpr Key<Mqtt> kMqttKeys[] = {
    {{"listen"}, "host:port or port", "", kRestart, &ReadListen<&Mqtt::listen>, ""},
    {{"host", "net"}, "string", "", kRestart, &ReadHost<&Mqtt::listen>, ""},
    {{"port"}, "integer", "", kRestart, &ReadPort<&Mqtt::listen>, ""},
    {{"tls"}, "map", "", kRestart,
     [](const Entry& entry, Mqtt&) {
       Tls tls;
       ReadTls(entry, true, tls);
     },
     ""},
    {{"authorization", "authentication"}, "map", "", kRestart,
     [](const Entry& entry, Mqtt&) {
       Authorization unused;
       ReadSimpleAuthorization(entry, unused);
     },
     ""},
    {{"no_auth_user"}, "string", "", kRestart, &Read<&Mqtt::text>, ""},
    {{"ack_wait", "ackwait"}, "duration", "", kRestart, &CheckDuration<kAckWait>, ""},
    {{"js_api_timeout", "api_timeout"}, "duration", "", kRestart, &CheckDuration<kApiTimeout>, ""},
    {{"max_ack_pending", "max_pending", "max_inflight"}, "integer", "", kRestart,
     &CheckMaxAckPending, ""},
    {{"js_domain"}, "string", "", kRestart, &Read<&Mqtt::text>, ""},
    {{"stream_replicas"}, "integer", "", kRestart, &Read<&Mqtt::number>, ""},
    {{"consumer_replicas"}, "integer", "", kRestart,
     [](const Entry& entry, Mqtt&) {
       entry.WarnOfUse("consumer replicas setting ignored in this server version");
     },
     ""},
    {{"consumer_memory_storage"}, "boolean", "", kRestart, &Read<&Mqtt::truth>, ""},
    {{"consumer_inactive_threshold", "consumer_auto_cleanup"}, "duration", "", kRestart,
     &CheckDuration<kInactive>, ""},
    {{"reject_qos2_publish"}, "boolean", "", kRestart, &Read<&Mqtt::truth>, ""},
    {{"downgrade_qos2_subscribe"}, "boolean", "", kRestart, &Read<&Mqtt::truth>, ""},
};
// clang-format on

}  // namespace

std::span<const Key<Websocket>> WebsocketKeys() { return kWebsocketKeys; }

void ReadWebsocket(const Entry& entry, Config& config) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected websocket to be a map, got " +
                       std::string(entry.value.type_name()));
  }
  config.websocket.given = true;
  ReadBlock<Websocket>(kWebsocketKeys, *map, config.websocket, entry.reading);
  if (config.websocket.listen.port != 0) entry.Needs("WebSocket");
}

void ReadMqtt(const Entry& entry, Config&) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected mqtt to be a map, got " + std::string(entry.value.type_name()));
  }
  Mqtt mqtt;
  ReadBlock<Mqtt>(kMqttKeys, *map, mqtt, entry.reading);
  if (mqtt.listen.port != 0) entry.Needs("MQTT");
}

}  // namespace martlet::config
