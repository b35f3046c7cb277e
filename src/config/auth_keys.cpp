// The keys of authorization blocks, of users and of permissions.
#include <algorithm>
#include <cstdio>

#include "auth/nkey.h"
#include "base/go_text.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

using auth::NkeyKind;
using base::GoQuote;

bool IsKeyOf(NkeyKind kind, std::string_view text) {
  const std::optional<auth::Nkey> key = auth::DecodePublicKey(text);
  return key && key->kind == kind;
}

// Permissions.

void UnknownPermission(const Entry& entry, const std::vector<std::string_view>& known) {
  const std::string_view nearest = NearestWord(entry.key, known);
  entry.reading.problems.Error(
      entry.value.where, "Unknown field " + GoQuote(entry.key) + " parsing permissions",
      nearest.empty() ? std::string() : "did you mean " + GoQuote(nearest) + "?");
}

void UnknownSubjectPermission(const Entry& entry, const std::vector<std::string_view>&) {
  entry.Error("Unknown field name " + GoQuote(entry.key) +
              " parsing subject permissions, only 'allow' or 'deny' are permitted");
}

template <bool kQueues>
void ReadAllow(const Entry& entry, SubjectPermission& out) {
  if (auto subjects = ReadSubjects(entry, kQueues)) out.allow = *std::move(subjects);
}
template <bool kQueues>
void ReadDeny(const Entry& entry, SubjectPermission& out) {
  if (auto subjects = ReadSubjects(entry, kQueues)) out.deny = *std::move(subjects);
}
template <bool kQueues>
constexpr Key<SubjectPermission> kSubjectKeys[] = {
    {{"allow"}, "subject or array", "", kHot, &ReadAllow<kQueues>, "What may be used"},
    {{"deny"}, "subject or array", "", kHot, &ReadDeny<kQueues>, "What may not"},
};

// A map of allow and deny, or just what is allowed.
template <bool kQueues>
void ReadSubjectPermission(const Entry& entry, std::optional<SubjectPermission>& out) {
  if (const Map* map = entry.value.map()) {
    if (map->empty()) return out.reset();
    out.emplace();
    return ReadBlock<SubjectPermission>(kSubjectKeys<kQueues>, *map, *out, entry.reading,
                                        &UnknownSubjectPermission);
  }
  if (auto subjects = ReadSubjects(entry, kQueues)) {
    out.emplace();
    out->allow = *std::move(subjects);
  }
}

constexpr Key<ResponsePermission> kResponseKeys[] = {
    {{"max", "max_msgs", "max_messages", "max_responses"},
     "integer",
     "1",
     kHot,
     [](const Entry& entry, ResponsePermission& out) {
       const int64_t* count = entry.Integer();
       if (count != nullptr && *count != 0) out.messages_max = *count;
     },
     "Replies to a request; less than 0: any number"},
    {{"expires", "expiration", "ttl"},
     "duration",
     "2m",
     kHot,
     [](const Entry& entry, ResponsePermission& out) {
       if (entry.value.As<std::string>() == nullptr) {
         return entry.Error("error parsing expires, not a duration string");
       }
       const std::optional<nanoseconds> time = entry.DurationText("error parsing expires");
       if (time && time->count() != 0) out.expires = *time;
     },
     "Time for them; less than 0: any"},
};

void ReadResponsePermission(const Entry& entry, Permissions& out) {
  if (const bool* allowed = entry.value.As<bool>()) {
    if (*allowed) out.response.emplace();
  } else if (const Map* map = entry.value.map()) {
    out.response.emplace();
    ReadBlock<ResponsePermission>(kResponseKeys, *map, *out.response, entry.reading,
                                  &UnknownPermission);
  } else {
    return entry.Error("error parsing response permissions, expected a boolean or a map");
  }
  if (!out.response) return;
  // Then nothing else is allowed unless it is named.
  if (!out.publish) out.publish.emplace();
  if (!out.publish->allow) out.publish->allow.emplace();
}

constexpr Key<Permissions> kPermissionKeys[] = {
    {{"publish", "pub", "import"},
     "subject, array or map",
     "everything",
     kHot,
     [](const Entry& entry, Permissions& out) { ReadSubjectPermission<false>(entry, out.publish); },
     "What may be published; of routes: what they may bring"},
    {{"subscribe", "sub", "export"},
     "subject, array or map",
     "everything",
     kHot,
     [](const Entry& entry, Permissions& out) {
       ReadSubjectPermission<true>(entry, out.subscribe);
     },
     "What may be subscribed to; of routes: what they may take"},
    {{"allow_responses", "publish_allow_responses"},
     "boolean or map",
     "false",
     kHot,
     &ReadResponsePermission,
     "Replies to requests may be published"},
};

// Users.

const std::string_view kConnectionTypes[] = {"STANDARD", "WEBSOCKET", "LEAFNODE",  "LEAFNODE_WS",
                                             "MQTT",     "MQTT_WS",   "IN_PROCESS"};

void ReadConnectionTypes(const Entry& entry, User& user) {
  std::string unknown;  // as Go prints a list of strings with %q
  for (const std::string& type : entry.Strings("allowed connection types")) {
    std::string upper = type;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (std::find(std::begin(kConnectionTypes), std::end(kConnectionTypes), upper) !=
        std::end(kConnectionTypes)) {
      user.connection_types.push_back(upper);
    } else {
      unknown += (unknown.empty() ? "" : " ") + GoQuote(upper);
    }
  }
  if (!unknown.empty()) entry.Error("invalid connection types [" + unknown + "]");
}

constexpr Key<User> kUserKeys[] = {
    {{"user", "username"}, "string", "", kHot, &Read<&User::name>, "Name"},
    {{"password", "pass"},
     "string",
     "",
     kHot,
     &Read<&User::password>,
     "Password, plain or as bcrypt made it"},
    {{"nkey"}, "string", "", kHot, &Read<&User::nkey>, "Public key, in the place of both"},
    {{"permissions", "permission", "authorization"},
     "map",
     "",
     kHot,
     [](const Entry& entry, User& user) {
       Permissions permissions;
       if (ReadPermissions(entry, permissions)) user.permissions = std::move(permissions);
     },
     "What the user may do"},
    {{"allowed_connection_types", "connection_types", "clients"},
     "string or array",
     "all",
     kHot,
     &ReadConnectionTypes,
     "Kinds of connections that may be this user"},
    {{"proxy_required"},
     "boolean",
     "false",
     kHot,
     &Read<&User::proxy_required>,
     "Only through a trusted proxy"},
};

// False: the list ends here, as in the reference.
bool CheckUser(const User& user, const Location& where, Reading& reading) {
  if (user.nkey.empty() && user.name.empty()) {
    reading.problems.Error(where, "User entry requires a user");
    return false;
  }
  if (user.nkey.empty()) return true;
  if (!IsKeyOf(NkeyKind::kUser, user.nkey)) {
    reading.problems.Error(where, "Not a valid public nkey for a user");
    return false;
  }
  if (!user.name.empty() || !user.password.empty()) {
    reading.problems.Error(where, "Nkey users do not take usernames or passwords");
    return false;
  }
  return true;
}

// Callouts.

void UnknownCalloutField(const Entry& entry, const std::vector<std::string_view>&) {
  entry.Error("Unknown field " + GoQuote(entry.key) + " parsing authorization callout");
}

template <std::vector<std::string> AuthCallout::*kMember, const std::string_view& kName>
void ReadNames(const Entry& entry, AuthCallout& out) {
  const Array* list = entry.value.array();
  if (list == nullptr) {
    return entry.Error("Expected " + std::string(kName) + " field to be an array, got *conf.token");
  }
  for (const Value& element : *list) {
    const Entry one{entry.key, element, entry.reading};
    if (const std::string* name = one.String()) (out.*kMember).push_back(*name);
  }
}
constexpr std::string_view kAuthUsers = "auth_users";
constexpr std::string_view kAllowedAccounts = "allowed accounts";

constexpr Key<AuthCallout> kCalloutKeys[] = {
    {{"issuer"},
     "string",
     "",
     kHot,
     [](const Entry& entry, AuthCallout& out) {
       ReadInto(entry, out.issuer);
       if (entry.value.As<std::string>() != nullptr && !IsKeyOf(NkeyKind::kAccount, out.issuer)) {
         entry.Error("Expected callout user to be a valid public account nkey, got " +
                     GoQuote(out.issuer));
       }
     },
     "Public account key that signs the answers"},
    {{"account", "acc"},
     "string",
     "$G",
     kHot,
     &Read<&AuthCallout::account>,
     "Account of the service that answers"},
    {{"auth_users", "users"},
     "array of strings",
     "",
     kHot,
     &ReadNames<&AuthCallout::auth_users, kAuthUsers>,
     "Users that are that service"},
    {{"xkey", "key"},
     "string",
     "",
     kHot,
     [](const Entry& entry, AuthCallout& out) {
       ReadInto(entry, out.xkey);
       if (entry.value.As<std::string>() != nullptr && !IsKeyOf(NkeyKind::kCurve, out.xkey)) {
         entry.Error("Expected callout xkey to be a valid public xkey, got " + GoQuote(out.xkey));
       }
     },
     "Public curve key, to encrypt the requests"},
    {{"allowed_accounts"},
     "array of strings",
     "",
     kHot,
     &ReadNames<&AuthCallout::allowed_accounts, kAllowedAccounts>,
     "Accounts that it may put users into"},
};

void ReadCallout(const Entry& entry, Authorization& out) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected authorization callout to be a map/struct, got " +
                       entry.value.text());
  }
  AuthCallout callout;
  ReadBlock<AuthCallout>(kCalloutKeys, *map, callout, entry.reading, &UnknownCalloutField);
  if (callout.account.empty()) callout.account = "$G";
  const Location& where = map->empty() ? entry.value.where : map->entries().back().value.where;
  if (callout.issuer.empty() && map->Find("issuer") == nullptr) {
    entry.reading.problems.Error(where, "Authorization callouts require an issuer to be specified");
  } else if (callout.auth_users.empty() && IsKeyOf(NkeyKind::kAccount, callout.issuer)) {
    entry.reading.problems.Error(where,
                                 "Authorization callouts require authorized users to be specified");
  } else {
    out.callout = std::move(callout);
  }
}

// Authorization.

void ReadTimeout(const Entry& entry, Authorization& out) {
  const std::optional<double> seconds = entry.Seconds("authorization config");
  if (!seconds) return;
  out.timeout_seconds = *seconds;
  if (*seconds <= 60) return;
  char number[64];
  std::snprintf(number, sizeof number, "%f", *seconds);
  entry.WarnOfUse("timeout of " + entry.value.text() + " (" + number +
                  " seconds) is high, consider keeping it under 60 seconds. possibly caused by "
                  "unquoted duration; use '1m' instead of 1m, for example");
}

void ReadUserList(const Entry& entry, Authorization& out) {
  std::vector<User> users;
  if (!ReadUsers(entry, users, out.nkeys)) return;
  out.users = std::move(users);
}

void ReadDefaultPermissions(const Entry& entry, Authorization& out) {
  Permissions permissions;
  if (ReadPermissions(entry, permissions)) out.default_permissions = std::move(permissions);
}

constexpr Key<Authorization> kAuthorizationKeys[] = {
    {{"user", "username"}, "string", "", kHot, &Read<&Authorization::user>, "The only user"},
    {{"password", "pass"},
     "string",
     "",
     kHot,
     &Read<&Authorization::password>,
     "Password, plain or as bcrypt made it"},
    {{"token"}, "string", "", kHot, &Read<&Authorization::token>, "In the place of a user"},
    {{"timeout"},
     "seconds or duration",
     "2",
     kHot,
     &ReadTimeout,
     "Time that a client has to send its CONNECT"},
    {{"users"}, "array of maps", "", kHot, &ReadUserList, "Several users"},
    {{"default_permissions", "default_permission", "permissions"},
     "map",
     "",
     kHot,
     &ReadDefaultPermissions,
     "Permissions of users that have none of their own"},
    {{"auth_callout", "auth_hook"},
     "map",
     "",
     kHot,
     &ReadCallout,
     "A service that says who may connect"},
    {{"proxy_required"},
     "boolean",
     "false",
     kHot,
     &Read<&Authorization::proxy_required>,
     "Only through a trusted proxy"},
};

constexpr Key<Authorization> kSimpleKeys[] = {
    {{"user", "username"}, "string", "", kHot, &Read<&Authorization::user>, "User"},
    {{"password", "pass"}, "string", "", kHot, &Read<&Authorization::password>, "Password"},
    {{"token"}, "string", "", kHot, &Read<&Authorization::token>, "Token"},
    {{"timeout"},
     "seconds",
     "2",
     kHot,
     [](const Entry& entry, Authorization& out) {
       out.timeout_seconds = 1;
       if (const int64_t* seconds = entry.value.As<int64_t>()) {
         out.timeout_seconds = static_cast<double>(*seconds);
       } else if (const double* fraction = entry.value.As<double>()) {
         out.timeout_seconds = *fraction;
       }
     },
     "Time to send CONNECT"},
};

void ApplyDefaults(std::vector<User>& users, const std::optional<Permissions>& permissions) {
  for (User& user : users) {
    if (!user.permissions) user.permissions = permissions;
  }
}

}  // namespace

std::span<const Key<Authorization>> AuthorizationKeys() { return kAuthorizationKeys; }
std::span<const Key<Permissions>> PermissionKeys() { return kPermissionKeys; }
std::span<const Key<User>> UserKeys() { return kUserKeys; }

bool ReadPermissions(const Entry& entry, Permissions& out) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    entry.Error("Expected permissions to be a map/struct, got " + entry.value.text());
    return false;
  }
  ReadBlock<Permissions>(kPermissionKeys, *map, out, entry.reading, &UnknownPermission);
  return true;
}

std::string CheckClusterPermissions(const Permissions& permissions) {
  const auto check = [](const std::optional<std::vector<std::string>>& subjects,
                        std::string_view about) {
    const std::string wrong = subjects ? CheckSubjects(*subjects, false) : std::string();
    return wrong.empty() ? wrong : std::string(about) + ": " + wrong;
  };
  std::string wrong;
  if (permissions.publish) {
    wrong = check(permissions.publish->allow, "cluster import allow");
    if (wrong.empty()) wrong = check(permissions.publish->deny, "cluster import deny");
  }
  if (permissions.subscribe && wrong.empty()) {
    wrong = check(permissions.subscribe->allow, "cluster export allow");
    if (wrong.empty()) wrong = check(permissions.subscribe->deny, "cluster export deny");
  }
  return wrong;
}

bool ReadUsers(const Entry& entry, std::vector<User>& users, std::vector<User>& nkeys) {
  const Array* list = entry.value.array();
  if (list == nullptr) {
    entry.Error("Expected users field to be an array, got " + entry.value.text());
    return false;
  }
  for (const Value& element : *list) {
    const Map* map = element.map();
    if (map == nullptr) {
      entry.reading.problems.Error(element.where,
                                   "Expected user entry to be a map/struct, got " + element.text());
      continue;
    }
    User user;
    ReadBlock<User>(kUserKeys, *map, user, entry.reading);
    const Location& where = map->empty() ? element.where : map->entries().back().value.where;
    if (!CheckUser(user, where, entry.reading)) return false;
    (user.nkey.empty() ? users : nkeys).push_back(std::move(user));
  }
  return true;
}

bool ReadAuthorization(const Entry& entry, Authorization& out) {
  const Map* map = entry.Block();
  if (map == nullptr) return false;
  ReadBlock<Authorization>(kAuthorizationKeys, *map, out, entry.reading);
  if (out.users) ApplyDefaults(*out.users, out.default_permissions);
  ApplyDefaults(out.nkeys, out.default_permissions);
  return true;
}

void ReadSimpleAuthorization(const Entry& entry, Authorization& out) {
  if (const Map* map = entry.Block()) {
    ReadBlock<Authorization>(kSimpleKeys, *map, out, entry.reading);
  }
}

void ReadTopAuthorization(const Entry& entry, Config& config) {
  entry.Needs("authentication");
  Authorization auth;
  if (!ReadAuthorization(entry, auth)) return;
  config.has_authorization = true;
  const bool has_user = !auth.user.empty() || !auth.password.empty();
  std::set<std::string> names;  // those of accounts may be there already
  for (const User& user : config.users) names.insert(user.nkey.empty() ? user.name : user.nkey);
  if (has_user && !auth.token.empty()) {
    entry.Error("Cannot have a user/pass and token");
  } else if ((auth.users || !names.empty()) && !auth.user.empty()) {
    entry.Error("Can not have a single user/pass and a users array");
  } else if ((auth.users || !names.empty()) && !auth.token.empty()) {
    entry.Error("Can not have a token and a users array");
  }
  for (std::vector<User>* users : {auth.users ? &*auth.users : nullptr, &auth.nkeys}) {
    if (users == nullptr) continue;
    for (const User& user : *users) {
      const std::string& name = user.nkey.empty() ? user.name : user.nkey;
      if (names.insert(name).second) {
        config.users.push_back(user);
      } else {
        entry.Error((user.nkey.empty() ? "Duplicate user " : "Duplicate nkey ") + GoQuote(name) +
                    " detected");
        break;
      }
    }
  }
  config.authorization = std::move(auth);
}

}  // namespace martlet::config
