// The keys of operator mode, of OCSP and of proxies: checked only, none of them is there.
#include <cctype>

#include "auth/nkey.h"
#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

using base::GoQuote;
constexpr std::string_view kJwtPrefix = "eyJ";
constexpr size_t kJwtBytesMax = size_t{1} << 20;

// The token in a file that nsc wrote, or the whole text.
std::string_view FindJwt(std::string_view text) {
  const size_t start = text.find(kJwtPrefix);
  if (start == text.npos) return {};
  const size_t end = text.find_first_not_of(
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", start);
  return text.substr(start, end == text.npos ? text.npos : end - start);
}

// A header, claims and a signature. What they say is looked at when operator mode comes.
bool HasJwtShape(std::string_view token) {
  size_t dots = 0;
  for (const char c : token) dots += c == '.' ? 1 : 0;
  return dots == 2 && token.front() != '.' && token.back() != '.' && token.find("..") == token.npos;
}

void CheckOperator(const Entry& entry, const std::string& name) {
  const std::string about = "error parsing operator JWT: ";
  const absl::StatusOr<std::string> file = entry.reading.environment.ReadFile(name, kJwtBytesMax);
  if (!file.ok() && !name.starts_with(kJwtPrefix)) {
    return entry.Error(about + std::string(file.status().message()));
  }
  const std::string_view token = FindJwt(file.ok() ? *file : name);
  if (token.empty()) return entry.Error(about + "no jwt found in input");
  if (!HasJwtShape(token)) entry.Error(about + "expected 3 chunks");
}

std::optional<nanoseconds> ResolverDuration(const Map& map, std::string_view key,
                                            const Entry& entry, bool& good) {
  const Value* value = map.Find(key);
  if (value == nullptr) return std::nullopt;
  const Entry one{key, *value, entry.reading};
  const std::string* text = one.String();
  if (text == nullptr) {
    good = false;
    return std::nullopt;
  }
  const absl::StatusOr<nanoseconds> duration = base::ParseGoDuration(*text);
  if (duration.ok()) return *duration;
  entry.Error(std::string(duration.status().message()));
  good = false;
  return std::nullopt;
}

template <class T>
T ResolverValue(const Map& map, std::string_view key, const Entry& entry, bool* given = nullptr) {
  T out{};
  const Value* value = map.Find(key);
  if (given != nullptr) *given = value != nullptr;
  if (value != nullptr) ReadInto(Entry{key, *value, entry.reading}, out);
  return out;
}

void CheckDirectory(const Entry& entry, const std::string& directory) {
  if (directory.empty()) {
    entry.Error("dir has no value and needs to point to a directory");
  } else if (!entry.reading.environment.IsWritableDirectory(directory)) {
    entry.Error("dir needs to point to an accessible directory");
  }
}

constexpr std::string_view kResolverForm =
    "error parsing account resolver, should be MEM or  URL(\"url\") or a map containing dir and "
    "type state=[FULL|CACHE])";

void CheckResolverMap(const Entry& entry, const Map& map) {
  bool good = true;
  bool has_hard_delete = false;
  const auto directory = ResolverValue<std::string>(map, "dir", entry);
  const std::string type = LowerCase(ResolverValue<std::string>(map, "type", entry));
  const bool deletes = ResolverValue<bool>(map, "allow_delete", entry);
  (void)ResolverValue<bool>(map, "hard_delete", entry, &has_hard_delete);
  (void)ResolverValue<int64_t>(map, "limit", entry);
  const auto ttl = ResolverDuration(map, "ttl", entry, good);
  const auto interval = ResolverDuration(map, "interval", entry, good);
  (void)ResolverDuration(map, "timeout", entry, good);
  if (!good) return;
  if (type == "cache") {
    CheckDirectory(entry, directory);
    if (interval && interval->count() != 0) entry.Error("CACHE does not accept sync");
    if (deletes) entry.Error("CACHE does not accept allow_delete");
    if (has_hard_delete) entry.Error("CACHE does not accept hard_delete");
  } else if (type == "full") {
    CheckDirectory(entry, directory);
    if (ttl && ttl->count() != 0) entry.Error("FULL does not accept ttl");
    if (has_hard_delete && !deletes) entry.Error("hard_delete has no effect without delete");
  } else if (type != "mem" && type != "memory") {
    entry.Error(std::string(kResolverForm));
  }
}

// "MEM", "MEMORY", or "URL(http://...)" somewhere in the text, in any case.
void CheckResolverText(const Entry& entry, const std::string& text) {
  const std::string lower = LowerCase(text);
  if (lower.find("mem") != lower.npos) return;
  const size_t start = lower.find("url");
  if (start == lower.npos) return entry.Error(std::string(kResolverForm));
  std::string url;
  if (text.size() > start + 3 && text[start + 3] == '(') {
    for (const char c : text.substr(start + 4)) {
      if (c == ')' || c == '"' || std::isspace(static_cast<unsigned char>(c)) != 0) {
        if (c == ')' || !url.empty()) break;
        continue;
      }
      url += c;
    }
  }
  (void)ReadUrl(entry, url, "account resolver");
}

/// Of blocks that nothing is kept of.
struct Nothing {};

// A number of seconds or a duration in a string.
void CheckOcspSeconds(const Entry& entry, std::string_view about) {
  if (entry.value.As<int64_t>() != nullptr || entry.value.As<double>() != nullptr) return;
  const std::string* text = entry.value.As<std::string>();
  if (text == nullptr) return entry.Error(std::string(about) + "unexpected type");
  const absl::StatusOr<nanoseconds> duration = base::ParseGoDuration(*text);
  if (!duration.ok()) entry.Error(std::string(about) + std::string(duration.status().message()));
}

constexpr std::string_view kPeerConversion = "error parsing tls peer config, conversion error: ";

void UnknownPeerField(const Entry& entry) {
  entry.Error("error parsing tls peer config, unknown field [" + GoQuote(entry.key) + "]");
}

}  // namespace

bool CheckOcspPeer(const Entry& entry) {
  if (entry.value.As<bool>() != nullptr) return true;
  const Map* map = entry.value.map();
  if (map == nullptr) {
    entry.Error("error parsing ocsp peer config: unsupported type map[string]interface {}");
    return false;
  }
  for (const Map::Entry& pair : map->entries()) {
    const Entry one{pair.key, pair.value, entry.reading};
    const std::string key = LowerCase(pair.key);
    if (key == "verify" || key == "warn_only" || key == "unknown_is_good" ||
        key == "allow_when_ca_unreachable") {
      if (pair.value.As<bool>() == nullptr) UnknownPeerField(one);
    } else if (key == "allowed_clockskew") {
      // The reference hides what is wrong with a text here, and only here.
      const std::string* text = pair.value.As<std::string>();
      if (text != nullptr && !base::ParseGoDuration(*text).ok()) {
        one.Error(std::string(kPeerConversion) + "unexpected type");
      } else {
        CheckOcspSeconds(one, kPeerConversion);
      }
    } else if (key == "ca_timeout" || key == "cache_ttl_when_next_update_unset") {
      CheckOcspSeconds(one, kPeerConversion);
    } else {
      UnknownPeerField(one);
    }
  }
  return true;
}

void ReadOperators(const Entry& entry, Config&) {
  entry.Needs("operator mode");
  if (const std::string* name = entry.value.As<std::string>()) return CheckOperator(entry, *name);
  const Array* list = entry.value.array();
  if (list == nullptr) {
    return entry.Error("error parsing operators: unsupported type " + TypeOf(entry));
  }
  for (const Value& element : *list) {
    if (const std::string* name = element.As<std::string>()) {
      CheckOperator(entry, *name);
    } else {
      entry.Error("error parsing operators: unsupported type *conf.token where string is expected");
      return;
    }
  }
}

void ReadResolver(const Entry& entry, Config&) {
  entry.Needs("operator mode");
  if (const std::string* text = entry.value.As<std::string>()) {
    CheckResolverText(entry, *text);
  } else if (const Map* map = entry.value.map()) {
    CheckResolverMap(entry, *map);
  } else {
    entry.Error("error parsing operator resolver, wrong type " + TypeOf(entry));
  }
}

void ReadResolverTls(const Entry& entry, Config&) {
  entry.Needs("operator mode");
  Tls tls;
  ReadTls(entry, true, tls);
}

void ReadResolverPreload(const Entry& entry, Config&) {
  entry.Needs("operator mode");
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("preload should be a map of account_public_key:account_jwt");
  }
  for (const Map::Entry& pair : map->entries()) {
    const std::string* text = pair.value.As<std::string>();
    if (text == nullptr) {
      entry.reading.problems.Error(pair.value.where, "preload map value should be a string JWT");
    } else if (!text->starts_with(kJwtPrefix) || !HasJwtShape(*text)) {
      entry.reading.problems.Error(pair.value.where, "invalid account JWT");
    }
  }
}

void ReadPinnedAccounts(const Entry& entry, Config&) {
  entry.Needs("operator mode");
  (void)entry.Strings("resolver_pinned_accounts");
}

void ReadTrustedKeys(const Entry& entry, Config&) {
  entry.Needs("operator mode");
  for (const std::string& text : entry.Strings("trusted")) {
    const std::optional<auth::Nkey> key = auth::DecodePublicKey(text);
    if (!key || key->kind != auth::NkeyKind::kOperator) {
      entry.Error("trust key " + GoQuote(text) + " required to be a valid public operator nkey");
    }
  }
}

void ReadOcsp(const Entry& entry, Config&) {
  const std::string about = "error parsing ocsp config: unsupported ";
  if (const bool* on = entry.value.As<bool>()) {
    if (*on) entry.Needs("OCSP");
    return;
  }
  const Map* map = entry.value.map();
  if (map == nullptr) return entry.Error(about + "type " + TypeOf(entry));
  entry.Needs("OCSP");
  for (const Map::Entry& pair : map->entries()) {
    const Entry one{pair.key, pair.value, entry.reading};
    if (pair.key == "mode") {
      const std::string* mode = one.String();
      if (mode == nullptr) continue;
      const std::string lower = LowerCase(*mode);
      if (lower != "always" && lower != "must" && lower != "never" && lower != "auto") {
        one.Error(about + "ocsp mode string");
      }
    } else if (pair.key == "urls") {
      one.WrongType("[]string");  // the reference never gets that type from a file
    } else if (pair.key == "url") {
      (void)one.String();
    } else {
      one.Error(about + "field string");
    }
  }
}

void ReadOcspCache(const Entry& entry, Config&) {
  const std::string about = "error parsing OCSP peer cache config, ";
  if (entry.value.As<bool>() != nullptr) return;
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("error parsing tags: unsupported type " + TypeOf(entry));
  }
  for (const Map::Entry& pair : map->entries()) {
    const Entry one{pair.key, pair.value, entry.reading};
    const std::string key = LowerCase(pair.key);
    const std::string* text = pair.value.As<std::string>();
    const bool is_bool = pair.value.As<bool>() != nullptr;
    if (key == "save_interval") {
      CheckOcspSeconds(one, about + "conversion error: ");
    } else if (key == "type" && text != nullptr) {
      const std::string lower = LowerCase(*text);
      if (lower != "none" && lower != "local") one.Error(about + "unknown type [" + *text + "]");
    } else if (!((key == "local_store" && text != nullptr) ||
                 (key == "preserve_revoked" && is_bool))) {
      one.Error(about + "unknown field [" + GoQuote(pair.key) + "]");
    }
  }
}

void ReadProxies(const Entry& entry, Config&) {
  entry.Needs("trusted proxies");
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("expected proxies to be a map/struct, got " + TypeOf(entry));
  }
  static constexpr Key<Nothing> kProxyKeys[] = {
      {{"key", "public_key"},
       "string",
       "",
       kHot,
       [](const Entry& one, Nothing&) {
         const std::string* text = one.String();
         if (text != nullptr && !auth::DecodePublicKey(*text)) {
           one.Error("invalid proxy key " + GoQuote(*text));
         }
       },
       "Public key of a proxy"},
  };
  static constexpr Key<Nothing> kKeys[] = {
      {{"trusted"},
       "array of maps",
       "",
       kHot,
       [](const Entry& one, Nothing& unused) {
         const Array* list = one.value.array();
         if (list == nullptr) {
           return one.Error("expected proxies' trusted field to be an array, got " + TypeOf(one));
         }
         for (const Value& element : *list) {
           if (const Map* proxy = element.map()) {
             ReadBlock<Nothing>(kProxyKeys, *proxy, unused, one.reading);
           } else {
             one.reading.problems.Error(element.where,
                                        "expected proxies' trusted entry to be a map/struct, got " +
                                            std::string(element.type_name()));
           }
         }
       },
       "Keys of those that are trusted"},
  };
  Nothing unused;
  ReadBlock<Nothing>(kKeys, *map, unused, entry.reading);
}

}  // namespace martlet::config
