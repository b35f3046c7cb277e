#include "proto/connect_info.h"

#include <array>
#include <optional>
#include <utility>
#include <variant>

#include <absl/status/statusor.h>

#include "json/reader.h"

namespace martlet::proto {
namespace {

using BoolField = bool ConnectInfo::*;
using NumberField = int64_t ConnectInfo::*;
using StringField = std::string ConnectInfo::*;
struct ForeignField {};  // an object for routes and leaf nodes

struct ConnectMember {
  std::string_view name;
  std::variant<BoolField, NumberField, StringField, ForeignField> field;
};

constexpr ConnectMember kMembers[] = {
    {"echo", &ConnectInfo::echo},
    {"verbose", &ConnectInfo::verbose},
    {"pedantic", &ConnectInfo::pedantic},
    {"tls_required", &ConnectInfo::tls_required},
    {"nkey", &ConnectInfo::nkey},
    {"jwt", &ConnectInfo::jwt},
    {"sig", &ConnectInfo::sig},
    {"auth_token", &ConnectInfo::auth_token},
    {"user", &ConnectInfo::user},
    {"pass", &ConnectInfo::pass},
    {"name", &ConnectInfo::name},
    {"lang", &ConnectInfo::lang},
    {"version", &ConnectInfo::version},
    {"protocol", &ConnectInfo::protocol},
    {"account", &ConnectInfo::account},
    {"new_account", &ConnectInfo::new_account},
    {"headers", &ConnectInfo::headers},
    {"no_responders", &ConnectInfo::no_responders},
    {"import", ForeignField()},
    {"export", ForeignField()},
    {"proxy_sig", &ConnectInfo::proxy_sig},
};

/// Puts one JSON value into one field of `info`; false when it is of the wrong type.
struct Assign {
  ConnectInfo& info;
  const json::Value& value;

  bool operator()(BoolField field) const {
    if (value.kind != json::Kind::kBool) return false;
    info.*field = value.boolean;
    return true;
  }
  bool operator()(NumberField field) const {
    const std::optional<int64_t> number = value.AsInt();
    if (number) info.*field = *number;
    return number.has_value();
  }
  bool operator()(StringField field) const {
    if (value.kind != json::Kind::kString) return false;
    info.*field = value.text;
    return true;
  }
  bool operator()(ForeignField) const { return value.kind == json::Kind::kObject; }
};

struct GoTypeName {
  const char* operator()(BoolField) const { return "bool"; }
  const char* operator()(NumberField) const { return "int"; }
  const char* operator()(StringField) const { return "string"; }
  const char* operator()(ForeignField) const { return "server.SubjectPermission"; }
};

std::string TypeError(const ConnectMember& member, const json::Value& value) {
  std::string text = "json: cannot unmarshal ";
  text += json::KindName(value.kind);
  if (value.kind == json::Kind::kNumber && std::holds_alternative<NumberField>(member.field)) {
    text += ' ';
    text += value.text;  // a number of the wrong form is shown
  }
  text += " into Go struct field ClientOpts.";
  text += member.name;
  text += " of type ";
  return text + std::visit(GoTypeName(), member.field);
}

const ConnectMember* FindMember(std::string_view name) {
  for (const ConnectMember& member : kMembers) {
    if (json::NameMatches(name, member.name)) return &member;
  }
  return nullptr;
}

// The reference finds secrets with regular expressions, so in bad JSON too. Here \s, \S and the
// value group of those expressions.
bool IsGoSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v'); }
bool IsWord(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

size_t SkipBlanks(std::string_view text, size_t at) {
  while (at < text.size() && IsGoSpace(text[at])) ++at;
  return at;
}

size_t SkipQuote(std::string_view text, size_t at) {
  return at < text.size() && text[at] == '"' ? at + 1 : at;
}

/// The part of the text that is to be replaced.
struct Span {
  size_t begin;
  size_t end;
};

// `"?\s*[:=]\s*"?([^",\r\n}]*)` at `at`, right behind a key.
std::optional<Span> ValueBehindKey(std::string_view text, size_t at) {
  at = SkipBlanks(text, SkipQuote(text, at));
  if (at == text.size() || (text[at] != ':' && text[at] != '=')) return std::nullopt;
  const size_t begin = SkipQuote(text, SkipBlanks(text, at + 1));
  const size_t end = text.find_first_of("\",\r\n}", begin);
  return Span{begin, end == text.npos ? text.size() : end};
}

// `(?:auth_token\S*?|pass\S*?)` and the value behind it, at `at`.
std::optional<Span> SecretWithPrefix(std::string_view text, size_t at) {
  const std::string_view rest = text.substr(at);
  if (rest.starts_with("auth_token")) {
    at += 10;
  } else if (rest.starts_with("pass")) {
    at += 4;
  } else {
    return std::nullopt;
  }
  for (;; ++at) {
    if (const std::optional<Span> value = ValueBehindKey(text, at)) return value;
    if (at == text.size() || IsGoSpace(text[at])) return std::nullopt;
  }
}

// `(?:^|[^A-Za-z0-9_])"?\s*(?:proxy_sig|nkey|sig)` and the value behind it, the key at `at`.
std::optional<Span> SecretWithExactName(std::string_view text, size_t at) {
  if (at > 0 && IsWord(text[at - 1])) return std::nullopt;
  for (const std::string_view key : {"proxy_sig", "nkey", "sig"}) {
    if (text.substr(at).starts_with(key)) return ValueBehindKey(text, at + key.size());
  }
  return std::nullopt;
}

template <typename FindAt>
std::string Redact(std::string_view text, FindAt find_at) {
  std::string out;
  size_t copied = 0;
  for (size_t at = 0; at < text.size();) {
    const std::optional<Span> secret = find_at(text, at);
    if (!secret) {
      ++at;
      continue;
    }
    out += text.substr(copied, secret->begin - copied);
    out += "[REDACTED]";
    at = copied = secret->end;
  }
  return out.append(text.substr(copied));
}

}  // namespace

absl::Status ParseConnect(std::string_view text, ConnectInfo& merge_into) {
  ConnectInfo merged = merge_into;
  std::string type_error;  // the first one, as in Go
  const absl::StatusOr<json::Kind> root =
      json::ReadObject(text, [&](std::string_view name, const json::Value& value) {
        const ConnectMember* member = FindMember(name);
        if (member == nullptr || value.kind == json::Kind::kNull) return;
        if (std::visit(Assign{merged, value}, member->field)) return;
        if (type_error.empty()) type_error = TypeError(*member, value);
      });

  if (!root.ok()) return root.status();
  if (*root != json::Kind::kObject && *root != json::Kind::kNull) {
    return absl::InvalidArgumentError("json: cannot unmarshal " +
                                      std::string(json::KindName(*root)) +
                                      " into Go value of type server.ClientOpts");
  }
  if (!type_error.empty()) return absl::InvalidArgumentError(type_error);
  merge_into = std::move(merged);
  return absl::OkStatus();
}

std::string RedactConnect(std::string_view text) {
  return Redact(Redact(text, SecretWithPrefix), SecretWithExactName);
}

}  // namespace martlet::proto
