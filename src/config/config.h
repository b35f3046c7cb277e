// A configuration: what a server is started with, read from a file.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include <martlet/options.h>

#include "config/blocks.h"
#include "config/environment.h"
#include "config/parser.h"
#include "config/problems.h"
#include "config/value.h"

namespace martlet::config {

/// A key that asks for something this release cannot do.
struct Wish {
  Location where;
  std::string key;      // as it is written
  std::string feature;  // "TLS"
};

/// All that the file says. Members that are not given keep their defaults.
struct Config {
  Options options;
  std::string digest;  // "sha256:..."

  Authorization authorization;
  bool has_authorization = false;
  std::string no_auth_user;
  std::string system_account;
  bool no_system_account = false;
  std::vector<Account> accounts;
  Location accounts_at;
  std::vector<User> users;  // of accounts and of the authorization block, those with nkeys too
  std::vector<Export> exports;
  std::vector<Import> imports;
  std::vector<Mapping> mappings;  // of the global account
  Cluster cluster;
  std::optional<Tls> tls;
  bool allow_non_tls = false;
  Websocket websocket;
  std::string store_dir;
  std::map<std::string, std::string> default_js_domains;

  std::vector<Wish> wishes;
};

/// What came of reading a file. With errors the config is not to be used; with warnings it may be.
struct ReadResult {
  Config config;
  Problems problems;
  Map values;  // of the file, for explaining
};

/// Reads a configuration file. The status is an error of the language or of a file: there is one
/// only, in the reference's words; all else is in the problems.
///
/// Source: spec config-and-cli.md sections 2 and 3; reference server/opts.go.
absl::StatusOr<ReadResult> ReadConfig(const std::string& path, Environment& environment,
                                      const ParseLimits& limits = {});

/// The table of the top level, for documents.
struct KeyInfo {
  std::string block;  // "", "cluster", "cluster.authorization"
  std::vector<std::string> names;
  std::string type;
  std::string standard;
  bool hot = false;
  std::string help;
};
std::vector<KeyInfo> AllKeys();
/// The key of the top level that has this name, small letters or large; null: none.
const KeyInfo* FindTopKey(const std::vector<KeyInfo>& keys, std::string_view name);

}  // namespace martlet::config
