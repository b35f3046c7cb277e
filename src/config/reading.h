// From values to settings: what the tables of keys are made of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/blocks.h"
#include "config/environment.h"
#include "config/problems.h"
#include "config/value.h"

namespace martlet::config {

struct Config;

/// What all keys of a configuration share while it is read.
struct Reading {
  Problems& problems;
  Environment& environment;
  Config& config;
};

/// One `key: value` being read.
struct Entry {
  std::string_view key;  // as it is written
  const Value& value;
  Reading& reading;

  void Error(std::string text) const { reading.problems.Error(value.where, std::move(text)); }
  void WarnOfUse(std::string_view reason) const {
    reading.problems.WarnOfUse(value.where, key, reason);
  }
  /// What the reference says where a Go type assertion fails.
  void WrongType(std::string_view wanted) const;
  /// The feature behind this key is not there yet: a server must not start with it.
  void Needs(std::string_view feature) const;

  /// The value, or null after WrongType().
  const std::string* String() const { return Expect<std::string>("string"); }
  const bool* Bool() const { return Expect<bool>("bool"); }
  const int64_t* Integer() const { return Expect<int64_t>("int64"); }
  const Array* List() const;
  const Map* Block() const;

  /// A string in Go's form, or an integer of seconds with a warning. Nothing after an error.
  std::optional<nanoseconds> Duration(std::string_view field) const;
  /// A string only, in Go's form; `what` stands before the error: "error parsing x".
  std::optional<nanoseconds> DurationText(std::string_view what) const;
  /// Seconds as a number, or a duration in a string. `context`: "authorization config".
  std::optional<double> Seconds(std::string_view context) const;
  /// A string, or an array of strings.
  std::vector<std::string> Strings(std::string_view field) const;
  std::optional<Listen> HostAndPort() const;

 private:
  template <class T>
  const T* Expect(std::string_view type) const {
    const T* data = value.As<T>();
    if (data == nullptr) WrongType(type);
    return data;
  }
};

/// The name of its type, as errors of the reference call it.
inline std::string TypeOf(const Entry& entry) { return std::string(entry.value.type_name()); }

/// When a changed value takes effect.
enum class Reload : uint8_t { kHot, kRestart };
using enum Reload;

/// A row of a block's table: how a key is called, what it is for and how it is read. The tables
/// drive the reader, `martlet config explain` and the configuration reference under docs/.
template <class Block>
struct Key {
  std::array<std::string_view, 6> names;  // the first is the one to use
  std::string_view type;
  std::string_view standard;  // what holds without it
  Reload reload;
  void (*read)(const Entry&, Block&);
  std::string_view help;
};

std::string LowerCase(std::string_view text);

template <class Block>
const Key<Block>* FindKey(std::span<const Key<Block>> keys, std::string_view name) {
  const std::string lower = LowerCase(name);
  for (const Key<Block>& key : keys) {
    for (const std::string_view known : key.names) {
      if (!known.empty() && known == lower) return &key;
    }
  }
  return nullptr;
}

template <class Block>
std::vector<std::string_view> NamesOf(std::span<const Key<Block>> keys) {
  std::vector<std::string_view> names;
  for (const Key<Block>& key : keys) {
    for (const std::string_view name : key.names) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

/// Tells of a key that is in no table.
using UnknownKey = void (*)(const Entry&, const std::vector<std::string_view>& known);
void UnknownField(const Entry& entry, const std::vector<std::string_view>& known);

/// Reads every entry of a map by the table.
template <class Block>
void ReadBlock(std::type_identity_t<std::span<const Key<Block>>> keys, const Map& map, Block& block,
               Reading& reading, UnknownKey unknown = &UnknownField) {
  for (const Map::Entry& pair : map.entries()) {
    const Entry entry{pair.key, pair.value, reading};
    if (const Key<Block>* key = FindKey<Block>(keys, pair.key)) {
      key->read(entry, block);
    } else if (!pair.value.used_as_variable) {
      unknown(entry, NamesOf<Block>(keys));
    }
  }
}

// The usual ways to read a value; a row names one with the member it goes to.

inline void ReadInto(const Entry& entry, std::string& out) {
  if (const std::string* text = entry.String()) out = *text;
}
inline void ReadInto(const Entry& entry, bool& out) {
  if (const bool* truth = entry.Bool()) out = *truth;
}
inline void ReadInto(const Entry& entry, int64_t& out) {
  if (const int64_t* number = entry.Integer()) out = *number;
}
void ReadInto(const Entry& entry, int& out);

template <auto kMember, class Block>
void Read(const Entry& entry, Block& block) {
  ReadInto(entry, block.*kMember);
}
/// Checked, and of no use to this server.
template <class T, class Block>
void ReadOnly(const Entry& entry, Block&) {
  T unused{};
  ReadInto(entry, unused);
}
template <auto kMember, class Block>
void ReadDuration(const Entry& entry, Block& block) {
  if (const auto duration = entry.Duration(LowerCase(entry.key))) block.*kMember = *duration;
}
template <auto kMember, class Block>
void ReadListen(const Entry& entry, Block& block) {
  if (const std::optional<Listen> listen = entry.HostAndPort()) block.*kMember = *listen;
}
template <auto kListen, class Block>
void ReadHost(const Entry& entry, Block& block) {
  ReadInto(entry, (block.*kListen).host);
}
template <auto kListen, class Block>
void ReadPort(const Entry& entry, Block& block) {
  ReadInto(entry, (block.*kListen).port);
}
/// "default", "close" or "retry".
void ReadWriteTimeout(const Entry& entry, std::string& out);
template <auto kMember, class Block>
void ReadWriteTimeoutOf(const Entry& entry, Block& block) {
  ReadWriteTimeout(entry, block.*kMember);
}

// Blocks that others hold. Each reads the entry's value; false where nothing of it can be used.

bool ReadTls(const Entry& entry, bool of_clients, Tls& tls);
bool ReadAuthorization(const Entry& entry, Authorization& out);
void ReadSimpleAuthorization(const Entry& entry, Authorization& out);
bool ReadPermissions(const Entry& entry, Permissions& out);
bool ReadUsers(const Entry& entry, std::vector<User>& users, std::vector<User>& nkeys);
bool ReadCompression(const Entry& entry, std::string_view mode_for_on, Compression& out);
std::optional<base::Url> ReadUrl(const Entry& entry, std::string_view text, std::string_view kind);
/// An array of them; nothing when any was wrong.
std::optional<std::vector<base::Url>> ReadUrls(const Entry& entry, std::string_view kind);
/// A subject, or an array of them; with a queue group behind where that is allowed.
std::optional<std::vector<std::string>> ReadSubjects(const Entry& entry, bool with_queues);
/// The reference's IsValidSubject: no blank, no empty token, `>` only as the last.
bool IsValidSubject(std::string_view subject);
/// What is wrong with one of the subjects; empty: nothing.
std::string CheckSubjects(const std::vector<std::string>& subjects, bool with_queues);
/// Dito, of routes.
std::string CheckClusterPermissions(const Permissions& permissions);
void ReadMappings(const Entry& entry, std::vector<Mapping>& out);
void ReadAccounts(const Entry& entry, Config& config);
void ReadTopAuthorization(const Entry& entry, Config& config);
void ReadCluster(const Entry& entry, Config& config);
void ReadGateway(const Entry& entry, Config& config);
void ReadLeafNodes(const Entry& entry, Config& config);
void ReadJetStream(const Entry& entry, Config& config);
void ReadWebsocket(const Entry& entry, Config& config);
void ReadMqtt(const Entry& entry, Config& config);
void ReadOcsp(const Entry& entry, Config& config);
void ReadOcspCache(const Entry& entry, Config& config);
bool CheckOcspPeer(const Entry& entry);
void ReadOperators(const Entry& entry, Config& config);
void ReadResolver(const Entry& entry, Config& config);
void ReadResolverTls(const Entry& entry, Config& config);
void ReadResolverPreload(const Entry& entry, Config& config);
void ReadPinnedAccounts(const Entry& entry, Config& config);
void ReadTrustedKeys(const Entry& entry, Config& config);
void ReadProxies(const Entry& entry, Config& config);

}  // namespace martlet::config
