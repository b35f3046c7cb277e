// The table of flags: what there are, how they are told, and what each sets.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <martlet/options.h>

#include "ops/flag_value.h"

namespace martlet::ops {

enum class Group : uint8_t {
  kServer,
  kLogging,
  kJetStream,
  kAuthorization,
  kTls,
  kCluster,
  kProfiling,
  kEngine,
  kCommon,
};
/// As the usage heads it.
std::string_view TitleOf(Group group);

/// What the flags have said so far.
struct Parsed {
  Options options;
  std::string config_file;
  bool check_config = false;
  std::string signal;
  // -DV, -DVV and -VV, each of which beats the ones before it wherever they stand, and -D and -V.
  std::optional<bool> debug_and_trace;
  std::optional<bool> debug_and_verbose_trace;
  std::optional<bool> verbose_trace;
  bool version = false;
  bool help = false;
  bool help_tls = false;
  std::string cluster_url;  // -cluster, -cluster_listen
  std::optional<std::string> routes;
  bool unsupported = false;  // the flag asks for what is not there
};

/// A setter's complaint is of a value of the right type.
using SetBool = void (*)(Parsed&, bool);
using SetInt = Complaint (*)(Parsed&, int64_t);
using SetText = Complaint (*)(Parsed&, std::string_view);
/// Flags of the reference that are not there yet. Their values are checked all the same: a bad
/// one is told first.
enum class Later : uint8_t { kBool, kInt, kText };

struct Flag {
  std::array<std::string_view, 3> names;
  Group group;
  std::string_view synopsis;  // left column of the usage
  std::string_view help;      // right column
  std::variant<SetBool, SetInt, SetText, Later> set;

  bool is_bool() const {
    const Later* later = std::get_if<Later>(&set);
    return later != nullptr ? *later == Later::kBool : std::holds_alternative<SetBool>(set);
  }
};

/// In the order of the reference's usage, apart from our own group. Lives as long as the program.
std::span<const Flag> Flags();
/// Null: there is none of that name (without dashes).
const Flag* FindFlag(std::string_view name);

/// Gives `text` to the flag; what it complains of is told by the caller.
Complaint SetFlag(const Flag& flag, std::string_view text, Parsed& parsed);

}  // namespace martlet::ops
