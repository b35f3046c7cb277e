// Reading INFO and CONNECT of routes; writing them is in route_info.cpp.
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "json/reader.h"
#include "proto/route_info.h"

namespace martlet::proto {
namespace {

using json::Kind;
using json::Value;

/// The range of a Go type.
struct GoInt {
  std::string_view name;
  int64_t min;
  int64_t max;
};
constexpr GoInt kInt = {"int", std::numeric_limits<int64_t>::min(),
                        std::numeric_limits<int64_t>::max()};
constexpr GoInt kInt32 = {"int32", std::numeric_limits<int32_t>::min(),
                          std::numeric_limits<int32_t>::max()};
constexpr GoInt kUint8 = {"uint8", 0, std::numeric_limits<uint8_t>::max()};

template <typename T>
struct IntField {
  int64_t T::*member;
  GoInt type;
};

template <typename T>
struct Member {
  std::string_view name;
  std::string_view owner;  // the Go struct it is read into
  std::variant<bool T::*, std::string T::*, IntField<T>, std::vector<std::string> T::*,
               SubjectLists T::*>
      field;
};

constexpr std::string_view kInfo = "Info";
constexpr Member<RouteInfo> kInfoMembers[] = {
    {"server_id", kInfo, &RouteInfo::server_id},
    {"server_name", kInfo, &RouteInfo::server_name},
    {"version", kInfo, &RouteInfo::version},
    {"proto", kInfo, IntField<RouteInfo>{&RouteInfo::proto, kInt}},
    {"git_commit", kInfo, &RouteInfo::git_commit},
    {"go", kInfo, &RouteInfo::go},
    {"host", kInfo, &RouteInfo::host},
    {"port", kInfo, IntField<RouteInfo>{&RouteInfo::port, kInt}},
    {"headers", kInfo, &RouteInfo::headers},
    {"auth_required", kInfo, &RouteInfo::auth_required},
    {"tls_required", kInfo, &RouteInfo::tls_required},
    {"tls_verify", kInfo, &RouteInfo::tls_verify},
    {"max_payload", kInfo, IntField<RouteInfo>{&RouteInfo::max_payload, kInt32}},
    {"jetstream", kInfo, &RouteInfo::jetstream},
    {"ip", kInfo, &RouteInfo::ip},
    {"nonce", kInfo, &RouteInfo::nonce},
    {"cluster", kInfo, &RouteInfo::cluster},
    {"cluster_dynamic", kInfo, &RouteInfo::cluster_dynamic},
    {"domain", kInfo, &RouteInfo::domain},
    {"connect_urls", kInfo, &RouteInfo::connect_urls},
    {"ws_connect_urls", kInfo, &RouteInfo::ws_connect_urls},
    {"ldm", kInfo, &RouteInfo::ldm},
    {"compression", kInfo, &RouteInfo::compression},
    {"import", kInfo, &RouteInfo::import},
    {"export", kInfo, &RouteInfo::exports},
    {"lnoc", kInfo, &RouteInfo::lnoc},
    {"lnocu", kInfo, &RouteInfo::lnocu},
    {"ln", kInfo, &RouteInfo::ln},
    {"route_pool_size", kInfo, IntField<RouteInfo>{&RouteInfo::route_pool_size, kInt}},
    {"route_pool_idx", kInfo, IntField<RouteInfo>{&RouteInfo::route_pool_idx, kInt}},
    {"route_account", kInfo, &RouteInfo::route_account},
    {"route_acc_add_reqid", kInfo, &RouteInfo::route_acc_add_reqid},
    {"gossip_mode", kInfo, IntField<RouteInfo>{&RouteInfo::gossip_mode, kUint8}},
    {"gateway", kInfo, &RouteInfo::gateway},
    {"martlet_checks", kInfo, IntField<RouteInfo>{&RouteInfo::martlet_checks, kInt}},
    {"martlet_members", kInfo, IntField<RouteInfo>{&RouteInfo::martlet_members, kInt}},
    {"martlet_sum", kInfo, &RouteInfo::martlet_sum},
};

constexpr Member<InterestCheck> kCheckMembers[] = {
    {"martlet_check", kInfo, &InterestCheck::account},
    {"martlet_filters", kInfo, IntField<InterestCheck>{&InterestCheck::filters, kInt}},
    {"martlet_sum", kInfo, &InterestCheck::sum},
    {"martlet_replayed", kInfo, &InterestCheck::replayed},
    {"martlet_replay", kInfo, &InterestCheck::replay},
};

// The reference reads a CONNECT twice: as every connection's, and as a route's.
constexpr std::string_view kOpts = "ClientOpts";
constexpr std::string_view kRoute = "connectInfo";
constexpr Member<RouteConnect> kConnectMembers[] = {
    {"echo", kOpts, &RouteConnect::echo},
    {"verbose", kOpts, &RouteConnect::verbose},
    {"pedantic", kOpts, &RouteConnect::pedantic},
    {"user", kOpts, &RouteConnect::user},
    {"pass", kOpts, &RouteConnect::pass},
    {"tls_required", kOpts, &RouteConnect::tls_required},
    {"headers", kOpts, &RouteConnect::headers},
    {"name", kOpts, &RouteConnect::name},
    {"lang", kOpts, &RouteConnect::lang},
    {"cluster", kRoute, &RouteConnect::cluster},
    {"cluster_dynamic", kRoute, &RouteConnect::cluster_dynamic},
    {"lnoc", kRoute, &RouteConnect::lnoc},
    {"lnocu", kRoute, &RouteConnect::lnocu},
    {"ln", kRoute, &RouteConnect::ln},
    {"gateway", kRoute, &RouteConnect::gateway},
};

// The array `text`, which is sound, as an object whose members have no names: what the reader of
// objects can visit.
std::string ElementsAsMembers(std::string_view text) {
  std::string object;
  size_t depth = 0;
  bool begins = false;  // the next that is no blank begins an element
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool opens = c == '[' || c == '{';
    const bool closes = c == ']' || c == '}';
    const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (begins && !blank && !closes) {
      object += "\"\":";
      begins = false;
    }
    if (opens) ++depth;
    if (closes) --depth;
    if (depth == 1 && (c == ',' || (opens && object.empty()))) begins = true;
    if ((opens && object.empty()) || (closes && depth == 0)) {
      object += opens ? '{' : '}';
      continue;
    }
    object += c;
    if (c != '"') continue;
    while (text[++i] != '"') {
      object += text[i];
      if (text[i] == '\\') object += text[++i];
    }
    object += '"';
  }
  return object;
}

/// Puts values into members, and remembers the first that is of the wrong type, as Go does.
class Assigner {
 public:
  /// `path` and `owner` are what the error says of the place.
  void Take(const Value& value, std::string_view owner, const std::string& path, bool& member) {
    if (value.kind == Kind::kNull) return;
    if (value.kind != Kind::kBool) return Refuse(value, owner, path, "bool");
    member = value.boolean;
  }

  void Take(const Value& value, std::string_view owner, const std::string& path,
            std::string& member) {
    if (value.kind == Kind::kNull) return;
    if (value.kind != Kind::kString) return Refuse(value, owner, path, "string");
    member = value.text;
  }

  void Take(const Value& value, std::string_view owner, const std::string& path, const GoInt& type,
            int64_t& member) {
    if (value.kind == Kind::kNull) return;
    const std::optional<int64_t> number = value.AsInt();
    if (!number || *number < type.min || *number > type.max) {
      return Refuse(value, owner, path, type.name, /*shows_number=*/true);
    }
    member = *number;
  }

  void Take(const Value& value, std::string_view owner, const std::string& path,
            std::vector<std::string>& member) {
    if (value.kind != Kind::kNull && value.kind != Kind::kArray) {
      return Refuse(value, owner, path, "[]string");
    }
    member.clear();
    if (value.kind == Kind::kNull) return;
    // What the reader has taken apart once, it takes apart again.
    (void)json::ReadObject(ElementsAsMembers(value.text), [&](std::string_view, const Value& item) {
      Take(item, owner, path, member.emplace_back());
    });
  }

  void Take(const Value& value, std::string_view owner, const std::string& path,
            SubjectLists& member) {
    if (value.kind == Kind::kNull) {
      member = {};
      return;
    }
    if (value.kind != Kind::kObject) {
      return Refuse(value, owner, path, "server.SubjectPermission");
    }
    member.given = true;
    constexpr std::string_view kInner = "SubjectPermission";
    (void)json::ReadObject(value.text, [&](std::string_view name, const Value& item) {
      if (json::NameMatches(name, "allow")) Take(item, kInner, path + ".allow", member.allow);
      if (json::NameMatches(name, "deny")) Take(item, kInner, path + ".deny", member.deny);
    });
  }

  const std::string& error() const { return error_; }

 private:
  void Refuse(const Value& value, std::string_view owner, std::string_view path,
              std::string_view type, bool shows_number = false) {
    if (!error_.empty()) return;
    error_ = "json: cannot unmarshal ";
    error_ += json::KindName(value.kind);
    if (value.kind == Kind::kNumber && shows_number) {
      error_ += ' ';
      error_ += value.text;  // a number of the wrong form is shown
    }
    error_ += " into Go struct field ";
    error_ += owner;
    error_ += '.';
    error_ += path;
    error_ += " of type ";
    error_ += type;
  }

  std::string error_;
};

template <typename T>
void TakeMember(const Member<T>& member, const Value& value, Assigner& assigner, T& object) {
  const std::string name(member.name);
  std::visit(
      [&](const auto& field) {
        if constexpr (std::is_same_v<std::decay_t<decltype(field)>, IntField<T>>) {
          assigner.Take(value, member.owner, name, field.type, object.*field.member);
        } else {
          assigner.Take(value, member.owner, name, object.*field);
        }
      },
      member.field);
}

template <typename T>
absl::StatusOr<T> Read(std::string_view text, std::span<const Member<T>> members,
                       std::string_view go_type, T object) {
  Assigner assigner;
  const absl::StatusOr<Kind> root =
      json::ReadObject(text, [&](std::string_view name, const Value& value) {
        for (const Member<T>& member : members) {
          if (!json::NameMatches(name, member.name)) continue;
          return TakeMember(member, value, assigner, object);
        }
      });
  if (!root.ok()) return root.status();
  if (*root != Kind::kObject && *root != Kind::kNull) {
    return absl::InvalidArgumentError("json: cannot unmarshal " +
                                      std::string(json::KindName(*root)) +
                                      " into Go value of type server." + std::string(go_type));
  }
  if (!assigner.error().empty()) return absl::InvalidArgumentError(assigner.error());
  return object;
}

}  // namespace

absl::StatusOr<RouteInfo> ReadRouteInfo(std::string_view text) {
  return Read<RouteInfo>(text, kInfoMembers, "Info", {});
}

InterestCheck ReadInterestCheck(std::string_view text) {
  return Read<InterestCheck>(text, kCheckMembers, "Info", {}).value_or(InterestCheck());
}

absl::StatusOr<RouteConnect> ReadRouteConnect(std::string_view text) {
  // What it does not say is false, as with every object that Go reads.
  return Read<RouteConnect>(text, kConnectMembers, "ClientOpts", {.echo = false, .headers = false});
}

}  // namespace martlet::proto
