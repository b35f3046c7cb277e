// The keys of accounts, but for what they share with each other (share_keys.cpp).
#include <algorithm>

#include "auth/nkey.h"
#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/account_reading.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/transform.h"
#include "subject/subject.h"

namespace martlet::config {
namespace {

using base::GoQuote;
constexpr std::string_view kGlobalAccount = "$G";

// Mappings.

// The weight of a destination, in per cent.
std::optional<int> Weight(const Entry& entry) {
  std::optional<int64_t> weight;
  if (const int64_t* number = entry.value.As<int64_t>()) {
    weight = *number;
  } else if (const std::string* text = entry.value.As<std::string>()) {
    const std::string digits = text->ends_with('%') ? text->substr(0, text->size() - 1) : *text;
    weight = base::ParseGoInt(digits);
    if (!weight) {
      entry.Error("Invalid weight " + GoQuote(digits) + " for mapping destination");
      return std::nullopt;
    }
  } else {
    entry.Error("Unknown entry type for weight of " + entry.value.text() + "\n");
    return std::nullopt;
  }
  if (*weight >= 0 && *weight <= 100) return static_cast<int>(*weight);
  entry.Error("Invalid weight " + std::to_string(*weight) + " for mapping destination");
  return std::nullopt;
}

std::optional<MapDestination> ReadDestination(const Value& value, Reading& reading) {
  const Map* map = value.map();
  if (map == nullptr) {
    reading.problems.Error(value.where, "Expected an entry for the mapping destination");
    return std::nullopt;
  }
  MapDestination out;
  bool weighted = false;
  for (const Map::Entry& pair : map->entries()) {
    const Entry entry{pair.key, pair.value, reading};
    const std::string key = LowerCase(pair.key);
    if (key == "dest" || key == "destination") {
      ReadInto(entry, out.subject);
    } else if (key == "cluster") {
      ReadInto(entry, out.cluster);
    } else if (key == "weight") {
      const std::optional<int> weight = Weight(entry);
      if (!weight) return std::nullopt;
      out.weight = *weight;
      weighted = true;
    } else {
      entry.Error("Unknown field " + GoQuote(pair.key) + " for mapping destination");
      return std::nullopt;
    }
  }
  if (weighted) return out;
  reading.problems.Error(value.where,
                         "Missing weight for mapping destination " + GoQuote(out.subject));
  return std::nullopt;
}

// What is wrong with the destinations together; empty: nothing.
std::string CheckDestinations(const Mapping& mapping) {
  std::set<std::string> seen;
  std::map<std::string, int> weights;  // by cluster
  for (const MapDestination& destination : mapping.destinations) {
    if (!seen.insert(destination.subject).second) {
      return "duplicate entry for " + GoQuote(destination.subject);
    }
    if ((weights[destination.cluster] += destination.weight) > 100) {
      return "total weight needs to be <= 100";
    }
    std::string wrong = CheckMapping(mapping.source, destination.subject);
    if (!wrong.empty()) return wrong;
  }
  return {};
}

// Limits.

void UnknownLimit(const Entry& entry, const std::vector<std::string_view>&) {
  entry.Error("Unknown field " + GoQuote(entry.key) + " parsing account limits");
}

constexpr Key<Account> kLimitKeys[] = {
    {{"max_connections", "max_conn"},
     "integer",
     "-1",
     kHot,
     &Read<&Account::max_connections>,
     "Clients at a time"},
    {{"max_subscriptions", "max_subs"},
     "integer",
     "-1",
     kHot,
     &Read<&Account::max_subscriptions>,
     "Subscriptions of a connection"},
    {{"max_payload", "max_pay"},
     "size",
     "-1",
     kHot,
     &Read<&Account::max_payload_bytes>,
     "Payload of a message"},
    {{"max_leafnodes", "max_leafs"},
     "integer",
     "-1",
     kHot,
     &Read<&Account::max_leafnodes>,
     "Leaf nodes at a time"},
};

void ReadLimits(const Entry& entry, Account& account) {
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected account limits to be a map/struct, got " + entry.value.text());
  }
  ReadBlock<Account>(kLimitKeys, *map, account, entry.reading, &UnknownLimit);
}

// Message traces.

void SetSampling(const Entry& entry, int64_t per_cent, Account& account) {
  if (per_cent <= 0 || per_cent > 100) {
    return entry.Error("Ttrace destination sampling value " + std::to_string(per_cent) +
                       " is invalid, needs to be [1..100]");
  }
  account.trace_sampling = per_cent;
}

void ReadSampling(const Entry& entry, Account& account) {
  if (const int64_t* number = entry.value.As<int64_t>()) {
    return SetSampling(entry, *number, account);
  }
  const std::string* text = entry.value.As<std::string>();
  if (text == nullptr) {
    return entry.Error("Trace destination sampling field " + GoQuote(entry.key) +
                       " should be an integer or a percentage, got " +
                       std::string(entry.value.type_name()));
  }
  const auto number =
      base::ParseGoInt(text->ends_with('%') ? text->substr(0, text->size() - 1) : *text);
  if (!number) {
    return entry.Error("Invalid trace destination sampling value " + GoQuote(*text));
  }
  SetSampling(entry, *number, account);
}

void ReadTraceDestination(const Entry& entry, Account& account) {
  const std::string* subject = entry.value.As<std::string>();
  if (subject == nullptr) {
    return entry.Error("Field " + GoQuote(entry.key) + " should be a string, got " +
                       std::string(entry.value.type_name()));
  }
  if (!IsValidSubject(*subject) || subject::HasWildcard(*subject)) {
    return entry.Error("Trace destination " + GoQuote(*subject) + " is not valid");
  }
  account.trace_destination = *subject;
}

void ReadTrace(const Entry& entry, Account& account) {
  if (entry.value.As<std::string>() != nullptr) {
    ReadTraceDestination(entry, account);
  } else if (const Map* map = entry.value.map()) {
    for (const Map::Entry& pair : map->entries()) {
      const Entry one{pair.key, pair.value, entry.reading};
      const std::string key = LowerCase(pair.key);
      if (key == "dest") {
        ReadTraceDestination(one, account);
      } else if (key == "sampling") {
        ReadSampling(one, account);
      } else if (!pair.value.used_as_variable) {
        one.Error("Unknown field " + GoQuote(pair.key) +
                  " parsing account message trace map/struct " + GoQuote(entry.key));
      }
    }
  } else {
    return entry.Error("Expected account message trace " + GoQuote(entry.key) +
                       " to be a string or a map/struct, got " +
                       std::string(entry.value.type_name()));
  }
  if (account.trace_sampling > 0 && account.trace_destination.empty()) {
    entry.reading.problems.Warn(entry.value.where,
                                "Trace destination sampling ignored since no destination was set");
    account.trace_sampling = 0;
  }
}

// Accounts.

void ReadNkey(const Entry& entry, AccountReading& out) {
  const std::string* text = entry.value.As<std::string>();
  const std::optional<auth::Nkey> key =
      text == nullptr ? std::nullopt : auth::DecodePublicKey(*text);
  if (!key || key->kind != auth::NkeyKind::kAccount) {
    return entry.Error("Not a valid public nkey for an account: " + GoQuote(entry.value.text()));
  }
  out.account.nkey = *text;
}

void ReadAccountUsers(const Entry& entry, AccountReading& out) {
  out.users_at = entry.value.where;
  ReadUsers(entry, out.users, out.nkeys);
}

constexpr Key<AccountReading> kAccountKeys[] = {
    {{"users"}, "array of maps", "", kHot, &ReadAccountUsers, "Users, as in authorization"},
    {{"nkey"}, "string", "", kHot, &ReadNkey, "Public key of the account"},
    {{"exports"}, "array of maps", "", kHot, &ReadExports, "What other accounts may import"},
    {{"imports"}, "array of maps", "", kHot, &ReadImports, "What this one takes of others"},
    {{"default_permissions"},
     "map",
     "",
     kHot,
     [](const Entry& entry, AccountReading& out) {
       Permissions permissions;
       if (ReadPermissions(entry, permissions)) out.account.default_permissions = permissions;
     },
     "Permissions of users that have none of their own"},
    {{"mappings", "maps"},
     "map",
     "",
     kHot,
     [](const Entry& entry, AccountReading& out) { ReadMappings(entry, out.account.mappings); },
     "Mappings of subjects"},
    {{"limits"},
     "map",
     "",
     kHot,
     [](const Entry& entry, AccountReading& out) { ReadLimits(entry, out.account); },
     "Limits of the account"},
    {{"jetstream"},
     "boolean, string or map",
     "off",
     kHot,
     [](const Entry& entry, AccountReading& out) { CheckAccountJetStream(entry, out.account); },
     "JetStream's limits of the account"},
    {{"msg_trace", "trace_dest"},
     "string or map",
     "",
     kHot,
     [](const Entry& entry, AccountReading& out) { ReadTrace(entry, out.account); },
     "Where traces of messages go"},
};

std::set<std::string> NamesOfUsers(const Config& config) {
  std::set<std::string> names;
  for (const User& user : config.users) names.insert(user.nkey.empty() ? user.name : user.nkey);
  return names;
}

// Users are known by their names in all accounts together.
void AddUsers(AccountReading& from, Reading& reading, std::set<std::string>& names) {
  Config& config = reading.config;
  if (from.users.empty() && from.nkeys.empty()) return;
  const Location where = from.users_at;
  if (!config.authorization.user.empty()) {
    return reading.problems.Error(where, "Can not have a single user/pass and accounts");
  }
  if (!config.authorization.token.empty()) {
    return reading.problems.Error(where, "Can not have a token and accounts");
  }
  for (std::vector<User>* users : {&from.nkeys, &from.users}) {
    for (User& user : *users) {
      if (!user.permissions) user.permissions = from.account.default_permissions;
      user.account = from.account.name;
      const std::string& name = user.nkey.empty() ? user.name : user.nkey;
      if (names.insert(name).second) {
        config.users.push_back(user);
      } else {
        reading.problems.Error(where, (user.nkey.empty() ? "Duplicate user " : "Duplicate nkey ") +
                                          GoQuote(name) + " detected");
      }
    }
  }
}

void ReadAccountNames(const Array& list, const Entry& entry, Config& config) {
  std::set<std::string> seen;
  for (const Value& element : list) {
    const Entry one{entry.key, element, entry.reading};
    const std::string* name = one.String();
    if (name == nullptr) continue;
    if (*name == kGlobalAccount) {
      one.Error(GoQuote(*name) + " is a Reserved Account");
    } else if (!seen.insert(*name).second) {
      one.Error("Duplicate Account Entry: " + *name);
    } else {
      config.accounts.push_back({.name = *name});
    }
  }
}

}  // namespace

void ReadMappings(const Entry& entry, std::vector<Mapping>& out) {
  const Map* map = entry.Block();
  if (map == nullptr) return;
  for (const Map::Entry& pair : map->entries()) {
    if (!IsValidSubject(pair.key)) {
      entry.Error("Subject " + GoQuote(pair.key) + " is not a valid subject");
      continue;
    }
    const Entry one{pair.key, pair.value, entry.reading};
    Mapping mapping{.source = pair.key, .destinations = {}, .where = pair.value.where};
    std::string about = "Error adding mapping for " + GoQuote(pair.key);
    if (const std::string* subject = pair.value.As<std::string>()) {
      mapping.destinations.push_back({.subject = *subject, .weight = 100, .cluster = {}});
      about += " to " + GoQuote(*subject);
    } else if (const Array* list = pair.value.array()) {
      for (const Value& element : *list) {
        auto destination = ReadDestination(element, entry.reading);
        if (destination) mapping.destinations.push_back(*std::move(destination));
      }
    } else {
      auto destination = ReadDestination(pair.value, entry.reading);
      if (!destination) continue;
      mapping.destinations.push_back(*std::move(destination));
    }
    if (const std::string wrong = CheckDestinations(mapping); !wrong.empty()) {
      one.Error(about.append(" : ").append(wrong));
    } else {
      out.push_back(std::move(mapping));
    }
  }
}

void ReadAccounts(const Entry& entry, Config& config) {
  entry.Needs("accounts");
  if (const Array* list = entry.value.array()) return ReadAccountNames(*list, entry, config);
  const Map* map = entry.value.map();
  if (map == nullptr) return;  // the reference says nothing of other types
  std::set<std::string> names = NamesOfUsers(config);
  for (const Map::Entry& pair : map->entries()) {
    if (pair.value.used_as_variable) continue;
    const Entry one{pair.key, pair.value, entry.reading};
    if (pair.value.map() == nullptr) {
      one.Error("Expected map entries for accounts");
      continue;
    }
    if (pair.key == kGlobalAccount) {
      one.Error(GoQuote(pair.key) + " is a Reserved Account");
      continue;
    }
    AccountReading account;
    account.account.name = pair.key;
    account.users_at = pair.value.where;
    ReadBlock<AccountReading>(kAccountKeys, *pair.value.map(), account, entry.reading);
    AddUsers(account, entry.reading, names);
    config.accounts.push_back(std::move(account.account));
  }
  config.accounts_at = entry.value.where;
}

}  // namespace martlet::config
