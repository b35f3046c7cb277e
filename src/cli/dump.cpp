#include "cli/dump.h"

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "base/go_text.h"
#include "base/unique_fd.h"
#include "cli/log.h"
#include "json/writer.h"

namespace martlet::cli {
namespace {

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view three = bytes.substr(at, 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < three.size() ? static_cast<uint8_t>(three[i]) : 0U);
    }
    for (size_t i = 0; i < 4; ++i) {
      out += i > three.size() ? '=' : kLetters[bits >> (18 - 6 * i) & 63];
    }
  }
  return out;
}

}  // namespace

std::string MessageJson(const Received& message) {
  std::string text;
  json::Writer json(text);
  json.BeginObject();
  json.Member("Subject", message.subject);
  json.Member("Reply", message.reply);
  json.Key("Header");
  if (message.headers.empty()) {
    json.Null();
  } else {
    std::map<std::string, std::vector<std::string>> headers;  // Go sorts the names
    for (const auto& [name, value] : message.headers) headers[name].push_back(value);
    json.BeginObject();
    for (const auto& [name, values] : headers) {
      json.Key(name);
      json.BeginArray();
      for (const std::string& value : values) json.Value(value);
      json.EndArray();
    }
    json.EndObject();
  }
  json.Member("Data", Base64(message.payload));
  json.Key("Sub");
  json.Null();
  json.EndObject();
  return text;
}

absl::Status Dump(const Received& message, const std::string& directory, uint64_t number) {
  std::string text = MessageJson(message);
  if (directory == "-") {
    text += '\0';
    Print(text);
    return absl::OkStatus();
  }
  const std::string path = directory + "/" + std::to_string(number) + ".json";
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  std::string_view left = text;
  while (fd && !left.empty()) {
    const ssize_t written = ::write(fd.get(), left.data(), left.size());
    if (written < 0) break;
    left.remove_prefix(static_cast<size_t>(written));
  }
  if (left.empty()) return absl::OkStatus();
  return absl::UnavailableError("open " + path + ": " + base::GoErrno(errno));
}

}  // namespace martlet::cli
