// The keys of the block leafnodes: checked only, leaf nodes are not there.
#include <cstdlib>

#include "auth/nkey.h"
#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

using base::GoQuote;

struct Leaf {
  Listen listen;
  std::string text;
  bool truth = false;
  bool remotes = false;
  nanoseconds duration{0};
  Compression compression;
};

void CheckTls(const Entry& entry, Leaf&) {
  Tls tls;
  ReadTls(entry, true, tls);
}

void CheckCompression(const Entry& entry, Leaf& leaf) {
  ReadCompression(entry, "s2_auto", leaf.compression);
}

template <const std::string_view& kField>
void CheckDuration(const Entry& entry, Leaf&) {
  (void)entry.Duration(kField);
}
constexpr std::string_view kReconnect = "reconnect";
constexpr std::string_view kProxyTimeout = "proxy timeout";

// "2.8.0" or later.
void CheckMinVersion(const Entry& entry, Leaf&) {
  const std::string* text = entry.String();
  if (text == nullptr) return;
  std::vector<int64_t> parts;
  std::string_view rest = *text;
  if (rest.starts_with('v')) rest.remove_prefix(1);
  rest = rest.substr(0, rest.find_first_of("-+"));
  for (;;) {
    const size_t dot = rest.find('.');
    const std::optional<int64_t> part = base::ParseGoInt(rest.substr(0, dot));
    if (!part) break;
    parts.push_back(*part);
    if (dot == rest.npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (parts.size() != 3) {
    return entry.Error("invalid leafnode's minimum version: invalid semver");
  }
  if (parts < std::vector<int64_t>{2, 8, 0}) {
    entry.Error("the minimum version should be at least 2.8.0");
  }
}

// Authorization.

constexpr Key<User> kLeafUserKeys[] = {
    {{"user", "username"}, "string", "", kRestart, &Read<&User::name>, "Name"},
    {{"password", "pass"}, "string", "", kRestart, &Read<&User::password>, "Password"},
    {{"account"}, "string", "", kRestart, &Read<&User::account>, "Account"},
    {{"proxy_required"}, "boolean", "false", kRestart, &Read<&User::proxy_required>, ""},
};

void CheckLeafUsers(const Entry& entry, Authorization& out) {
  const Array* list = entry.value.array();
  if (list == nullptr) {
    return entry.Error("Expected users field to be an array, got " + entry.value.text());
  }
  out.users.emplace();
  for (const Value& element : *list) {
    const Map* map = element.map();
    if (map == nullptr) {
      entry.reading.problems.Error(element.where,
                                   "Expected user entry to be a map/struct, got " + element.text());
      continue;
    }
    User user;
    ReadBlock<User>(kLeafUserKeys, *map, user, entry.reading);
    out.users->push_back(std::move(user));
  }
}

constexpr Key<Authorization> kLeafAuthorizationKeys[] = {
    {{"user", "username"}, "string", "", kRestart, &Read<&Authorization::user>, "User"},
    {{"password", "pass"}, "string", "", kRestart, &Read<&Authorization::password>, "Password"},
    {{"nkey"},
     "string",
     "",
     kRestart,
     [](const Entry& entry, Authorization& out) {
       const std::string* text = entry.String();
       if (text == nullptr) return;
       const std::optional<auth::Nkey> key = auth::DecodePublicKey(*text);
       if (!key || key->kind != auth::NkeyKind::kUser) {
         entry.Error("Not a valid public nkey for leafnode authorization");
       }
       out.nkey = *text;
     },
     "Public key"},
    {{"timeout"},
     "seconds or duration",
     "2",
     kRestart,
     [](const Entry& entry, Authorization&) {
       (void)entry.Seconds("leafnode authorization config");
     },
     "Time for CONNECT"},
    {{"users"}, "array of maps", "", kRestart, &CheckLeafUsers, "Users"},
    {{"account"}, "string", "", kRestart, &Read<&Authorization::account>, "Account"},
    {{"proxy_required"}, "boolean", "false", kRestart, &Read<&Authorization::proxy_required>, ""},
};

void CheckAuthorization(const Entry& entry, Leaf&) {
  const Map* map = entry.Block();
  if (map == nullptr) return;
  Authorization auth;
  ReadBlock<Authorization>(kLeafAuthorizationKeys, *map, auth, entry.reading);
  if (!auth.users || auth.users->empty()) return;
  if (!auth.user.empty()) {
    return entry.Error("can not have a single user/pass and a users array");
  }
  if (!auth.nkey.empty()) return entry.Error("can not have a single nkey and a users array");
  std::set<std::string> names;
  for (const User& user : *auth.users) {
    if (names.insert(user.name).second) continue;
    return entry.Error("duplicate user " + GoQuote(user.name) +
                       " detected in leafnode authorization");
  }
}

// Remotes.

struct Remote {
  std::vector<base::Url> urls;
  std::string account;
  std::string credentials;
  std::string nkey;
  bool has_tls = false;
  std::string proxy_url;
  std::string proxy_user;
  std::string proxy_password;
  bool proxy_tls = false;
  nanoseconds proxy_timeout{0};
  std::optional<Location> proxy_at;
  bool truth = false;
  nanoseconds duration{0};
  Compression compression;
};

void CheckRemoteUrls(const Entry& entry, Remote& remote) {
  if (const std::string* text = entry.value.As<std::string>()) {
    if (auto url = ReadUrl(entry, *text, "leafnode")) remote.urls.push_back(*std::move(url));
  } else if (entry.value.array() != nullptr) {
    if (auto urls = ReadUrls(entry, "leafnode")) remote.urls = *std::move(urls);
  } else {
    entry.Error("Expected remote leafnode url to be an array or string, got " + entry.value.text());
  }
}

void CheckCredentials(const Entry& entry, Remote& remote) {
  const std::string* path = entry.String();
  if (path == nullptr) return;
  if (!remote.nkey.empty()) {
    return entry.Error("Remote leafnode can not have both creds and nkey defined");
  }
  remote.credentials = *path;
}

void CheckRemoteNkey(const Entry& entry, Remote& remote) {
  const std::string* seed = entry.String();
  if (seed == nullptr) return;
  const std::optional<auth::Nkey> key = auth::DecodeSeed(*seed);
  if (!key || key->kind != auth::NkeyKind::kUser) {
    // Unlike the reference, which prints it: it is a secret.
    return entry.Error("Remote leafnode nkey is not a valid seed: \"[REDACTED]\"");
  }
  if (!remote.credentials.empty()) {
    return entry.Error("Remote leafnode can not have both creds and nkey defined");
  }
  remote.nkey = *seed;
}

void CheckSubjectList(const Entry& entry, Remote&) { (void)ReadSubjects(entry, false); }

void CheckMigrate(const Entry& entry, Remote&) {
  if (entry.value.As<bool>() != nullptr) return;
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected boolean or map for jetstream_cluster_migrate, got " +
                       std::string(entry.value.type_name()));
  }
  if (const Value* delay = map->Find("leader_migrate_delay")) {
    const Entry one{"leader_migrate_delay", *delay, entry.reading};
    (void)one.Duration("leader_migrate_delay");
  }
}

constexpr Key<Remote> kProxyKeys[] = {
    {{"url"}, "URL", "", kRestart, &Read<&Remote::proxy_url>, ""},
    {{"username"}, "string", "", kRestart, &Read<&Remote::proxy_user>, ""},
    {{"password"}, "string", "", kRestart, &Read<&Remote::proxy_password>, ""},
    {{"timeout"},
     "duration",
     "",
     kRestart,
     [](const Entry& entry, Remote& remote) {
       if (const auto timeout = entry.Duration(kProxyTimeout)) remote.proxy_timeout = *timeout;
     },
     ""},
    {{"tls"},
     "map",
     "",
     kRestart,
     [](const Entry& entry, Remote& remote) {
       Tls tls;
       remote.proxy_tls = ReadTls(entry, true, tls);
     },
     ""},
};

void CheckProxy(const Entry& entry, Remote& remote) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected proxy to be a map, got " + std::string(entry.value.type_name()));
  }
  remote.proxy_at = entry.value.where;
  ReadBlock<Remote>(kProxyKeys, *map, remote, entry.reading);
}

// What is wrong with a remote's proxy; empty: nothing.
std::string WrongProxy(const Remote& remote) {
  if (remote.proxy_url.empty()) {
    const bool other = !remote.proxy_user.empty() || !remote.proxy_password.empty() ||
                       remote.proxy_timeout.count() != 0 || remote.proxy_tls;
    return other ? "proxy URL must be specified when other proxy options are set" : "";
  }
  const std::optional<base::Url> url = base::ParseUrl(remote.proxy_url);
  if (!url) return "invalid proxy URL";
  if (url->scheme != "http" && url->scheme != "https") {
    return "proxy URL scheme must be http or https, got: " + url->scheme;
  }
  if (url->host.empty()) return "proxy URL must specify a host";
  if (remote.proxy_tls && url->scheme != "https") {
    return "proxy TLS configuration requires an https proxy URL, got: " + url->scheme;
  }
  if (remote.proxy_timeout.count() < 0) return "proxy timeout must be >= 0";
  if (remote.proxy_user.empty() != remote.proxy_password.empty()) {
    return "proxy username and password must both be specified or both be empty";
  }
  return {};
}

constexpr Key<Remote> kRemoteKeys[] = {
    {{"url", "urls"}, "URL or array", "", kRestart, &CheckRemoteUrls, "Servers to connect to"},
    {{"account", "local"}, "string", "$G", kRestart, &Read<&Remote::account>, "Local account"},
    {{"credentials", "creds"}, "string", "", kRestart, &CheckCredentials, "Credentials file"},
    {{"nkey", "seed"}, "string", "", kRestart, &CheckRemoteNkey, "Seed of a user"},
    {{"tls"},
     "map",
     "",
     kRestart,
     [](const Entry& entry, Remote& remote) {
       Tls tls;
       remote.has_tls = ReadTls(entry, true, tls);
     },
     "TLS"},
    {{"no_randomize", "dont_randomize"}, "boolean", "false", kRestart, &Read<&Remote::truth>, ""},
    {{"hub"}, "boolean", "false", kRestart, &Read<&Remote::truth>, ""},
    {{"deny_imports", "deny_import"}, "subject or array", "", kRestart, &CheckSubjectList, ""},
    {{"deny_exports", "deny_export"}, "subject or array", "", kRestart, &CheckSubjectList, ""},
    {{"ws_compression", "ws_compress", "websocket_compress", "websocket_compression"},
     "boolean",
     "false",
     kRestart,
     &Read<&Remote::truth>,
     ""},
    {{"ws_no_masking", "websocket_no_masking"},
     "boolean",
     "false",
     kRestart,
     &Read<&Remote::truth>,
     ""},
    {{"jetstream_cluster_migrate", "js_cluster_migrate"},
     "boolean or map",
     "false",
     kRestart,
     &CheckMigrate,
     ""},
    {{"isolate_leafnode_interest", "isolate"},
     "boolean",
     "false",
     kRestart,
     &Read<&Remote::truth>,
     ""},
    {{"request_isolation"}, "boolean", "false", kRestart, &Read<&Remote::truth>, ""},
    {{"compression"},
     "boolean, string or map",
     "s2_auto",
     kRestart,
     [](const Entry& entry, Remote& remote) {
       ReadCompression(entry, "s2_auto", remote.compression);
     },
     ""},
    {{"first_info_timeout"}, "duration", "1s", kRestart, &ReadDuration<&Remote::duration>, ""},
    {{"dial_timeout"}, "duration", "1s", kRestart, &ReadDuration<&Remote::duration>, ""},
    {{"disabled"}, "boolean", "false", kRestart, &Read<&Remote::truth>, ""},
    {{"proxy"}, "map", "", kRestart, &CheckProxy, ""},
    {{"ignore_discovered_servers"}, "boolean", "false", kRestart, &Read<&Remote::truth>, ""},
};

// Two remotes are the same when all of this is.
std::string NameOf(const Remote& remote) {
  std::string name;
  for (const base::Url& url : remote.urls) name += url.Redacted() + " ";
  return name + (remote.account.empty() ? "$G" : remote.account) + " " + remote.credentials + " " +
         remote.nkey;
}

// As the reference tells of a duplicate.
std::string ShownNameOf(const Remote& remote) {
  std::string urls;
  for (const base::Url& url : remote.urls) {
    urls += (urls.empty() ? "" : " ") + GoQuote(url.Redacted());
  }
  std::string out =
      "urls=[" + urls + "], account=" + GoQuote(remote.account.empty() ? "$G" : remote.account);
  if (!remote.credentials.empty()) {
    out += ", credentials=" + GoQuote(remote.credentials);
  } else if (!remote.nkey.empty()) {
    out += ", nkey=\"[REDACTED]\"";
  }
  return out;
}

void CheckRemotes(const Entry& entry, Leaf& leaf) {
  const Array* list = entry.value.array();
  if (list == nullptr) {
    return entry.Error("Expected remotes field to be an array, got " +
                       std::string(entry.value.type_name()));
  }
  leaf.remotes = !list->empty();
  std::set<std::string> names;
  for (const Value& element : *list) {
    const Map* map = element.map();
    if (map == nullptr) {
      entry.reading.problems.Error(
          element.where,
          "Expected remote leafnode entry to be a map/struct, got " + element.text());
      continue;
    }
    Remote remote;
    ReadBlock<Remote>(kRemoteKeys, *map, remote, entry.reading);
    if (const std::string wrong = WrongProxy(remote); !wrong.empty()) {
      entry.reading.problems.Error(remote.proxy_at.value_or(element.where), wrong);
    } else if (!names.insert(NameOf(remote)).second) {
      const Location& where = map->empty() ? element.where : map->entries().back().value.where;
      entry.reading.problems.Error(where, "duplicate remote " + ShownNameOf(remote));
    }
  }
}

constexpr Key<Leaf> kLeafKeys[] = {
    {{"listen"}, "host:port or port", "", kRestart, &ReadListen<&Leaf::listen>, "Address"},
    {{"host", "net"}, "string", "", kRestart, &ReadHost<&Leaf::listen>, "Address"},
    {{"port"}, "integer", "", kRestart, &ReadPort<&Leaf::listen>, "Port"},
    {{"authorization"}, "map", "", kRestart, &CheckAuthorization, "Who may connect"},
    {{"remotes"}, "array of maps", "", kRestart, &CheckRemotes, "Servers to connect to"},
    {{"reconnect_interval", "reconnect", "reconnect_delay"},
     "duration",
     "1s",
     kRestart,
     &CheckDuration<kReconnect>,
     "Time between attempts"},
    {{"dial_timeout"}, "duration", "1s", kRestart, &ReadDuration<&Leaf::duration>, ""},
    {{"tls"}, "map", "", kRestart, &CheckTls, "TLS"},
    {{"advertise", "leafnode_advertise"}, "host:port", "", kRestart, &Read<&Leaf::text>, ""},
    {{"no_advertise"}, "boolean", "false", kRestart, &Read<&Leaf::truth>, ""},
    {{"min_version", "minimum_version"}, "string", "", kRestart, &CheckMinVersion, ""},
    {{"compression"}, "boolean, string or map", "s2_auto", kRestart, &CheckCompression, ""},
    {{"isolate_leafnode_interest", "isolate"},
     "boolean",
     "false",
     kRestart,
     &Read<&Leaf::truth>,
     ""},
    {{"write_deadline"}, "duration", "10s", kRestart, &ReadDuration<&Leaf::duration>, ""},
    {{"write_timeout"},
     "default, close or retry",
     "retry",
     kRestart,
     &ReadWriteTimeoutOf<&Leaf::text>,
     ""},
};

}  // namespace

void ReadLeafNodes(const Entry& entry, Config&) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected map to define a leafnode, got " +
                       std::string(entry.value.type_name()));
  }
  Leaf leaf;
  ReadBlock<Leaf>(kLeafKeys, *map, leaf, entry.reading);
  if (leaf.remotes || leaf.listen.port != 0) entry.Needs("leaf nodes");
}

}  // namespace martlet::config
