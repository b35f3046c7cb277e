#include "proto/server_info.h"

#include <charconv>

#include "json/writer.h"

namespace martlet::proto {
namespace {

// The members in front of the connection's own, in the order of the reference's Info struct.
void WriteFront(const ServerInfo& info, json::Writer& json) {
  json.Member("server_id", info.server_id);
  json.Member("server_name", info.server_name);
  json.Member("version", info.version);
  json.Member("proto", info.proto);
  json.OptionalMember("git_commit", info.git_commit);
  json.Member("go", info.go);
  json.Member("host", info.host);
  json.Member("port", info.port);
  json.Member("headers", info.headers);
  json.OptionalMember("auth_required", info.auth_required);
  json.OptionalMember("tls_required", info.tls_required);
  json.OptionalMember("tls_verify", info.tls_verify);
  json.OptionalMember("tls_available", info.tls_available);
  json.Member("max_payload", info.max_payload);
  json.OptionalMember("jetstream", info.jetstream);
}

void WriteBack(const ServerInfo& info, json::Writer& json) {
  json.OptionalMember("cluster", info.cluster);
  json.OptionalMember("domain", info.domain);
  if (!info.connect_urls.empty()) {
    json.Key("connect_urls");
    json.BeginArray();
    for (const std::string& url : info.connect_urls) json.Value(url);
    json.EndArray();
  }
  json.OptionalMember("ldm", info.ldm);
  json.OptionalMember("connect_info", info.connect_info);
  json.OptionalMember("remote_account", info.remote_account);
  json.OptionalMember("acc_is_sys", info.acc_is_sys);
  json.OptionalMember("api_lvl", info.api_lvl);
  json.OptionalMember("xkey", info.xkey);
  json.OptionalMember("impl", info.impl);
}

void AppendTextMember(std::string_view name, std::string_view value, std::string& out) {
  if (value.empty()) return;
  out += ",\"";
  out += name;
  out += "\":\"";
  out += value;
  out += '"';
}

}  // namespace

InfoTemplate::InfoTemplate(const ServerInfo& shared) {
  // One document, cut in two: the front always has members, so the back goes on with a comma.
  json::Writer json(head_);
  head_ = "INFO ";
  json.BeginObject();
  WriteFront(shared, json);
  const size_t cut = head_.size();
  WriteBack(shared, json);
  json.EndObject();
  tail_ = head_.substr(cut) + " \r\n";
  head_.resize(cut);
}

void InfoTemplate::Append(uint64_t client_id, std::string_view client_ip, std::string_view nonce,
                          std::string& out) const {
  out += head_;
  if (client_id != 0) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof(digits), client_id).ptr;
    out += ",\"client_id\":";
    out.append(digits, end);
  }
  AppendTextMember("client_ip", client_ip, out);
  AppendTextMember("nonce", nonce, out);
  out += tail_;
}

void WriteInfo(const ServerInfo& info, std::string& out) {
  InfoTemplate(info).Append(info.client_id, info.client_ip, info.nonce, out);
}

}  // namespace martlet::proto
