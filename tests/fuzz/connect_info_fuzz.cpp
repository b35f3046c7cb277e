// A stranger's JSON: the CONNECT of a client, and any object.
//
// Input: the text. Held to be true: a CONNECT that is refused changes nothing, one that is accepted
// changes nothing when it comes again; what the reader gives is sound UTF-8 and reads back through
// our writer; a nested object is one; without a secret's name nothing is redacted.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "input.h"
#include "json/reader.h"
#include "json/writer.h"
#include "proto/connect_info.h"

namespace martlet {
namespace {

void CheckReadsBack(std::string_view name) {
  std::string text = "{";
  json::AppendQuoted(name, text);
  text += ":1}";
  int members = 0;
  const auto kind = json::ReadObject(text, [&](std::string_view read, const json::Value& value) {
    CHECK(read == name);
    CHECK(value.AsInt() == 1);
    ++members;
  });
  CHECK(kind.ok() && *kind == json::Kind::kObject && members == 1);
}

void CheckValue(const json::Value& value) {
  switch (value.kind) {
    case json::Kind::kString:
      return CheckReadsBack(value.text);
    case json::Kind::kNumber:
    case json::Kind::kArray:
    case json::Kind::kObject: {
      const auto kind = json::ReadObject(value.text, [](std::string_view, const json::Value&) {});
      CHECK(kind.ok() && *kind == value.kind);
      return;
    }
    default:
      return;
  }
}

void CheckObject(std::string_view text) {
  size_t members = 0;
  const auto kind = json::ReadObject(text, [&](std::string_view name, const json::Value& value) {
    // Names of any length, but not all of them: an object may have thousands.
    if (++members > 32) return;
    CheckReadsBack(name);
    CheckValue(value);
  });
  CHECK(kind.ok() || !kind.status().message().empty());
  if (kind.ok() && *kind != json::Kind::kObject) CHECK(members == 0);
}

void CheckConnect(std::string_view text) {
  proto::ConnectInfo info;
  const proto::ConnectInfo before = info;
  const bool accepted = proto::ParseConnect(text, info).ok();
  if (!accepted) {
    CHECK(info == before);
    return;
  }
  const proto::ConnectInfo once = info;
  CHECK(proto::ParseConnect(text, info).ok());
  CHECK(info == once);
}

void CheckRedaction(std::string_view text) {
  const std::string redacted = proto::RedactConnect(text);
  bool names_secret = false;
  for (const std::string_view word : {"pass", "auth_token", "sig", "nkey"}) {
    names_secret = names_secret || text.find(word) != text.npos;
  }
  if (!names_secret) CHECK(redacted == text);
  CHECK(redacted.size() <= 5 * text.size());
}

}  // namespace
}  // namespace martlet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = martlet::fuzz::Input(data, size).Rest();
  martlet::CheckObject(text);
  martlet::CheckConnect(text);
  martlet::CheckRedaction(text);
  return 0;
}
