// What is told of the program and its flags.
#include <martlet/version.h>

#include "ops/command_line.h"
#include "ops/flags.h"

namespace martlet::ops {

std::vector<FlagInfo> AllFlags() {
  std::vector<FlagInfo> out;
  for (const Flag& flag : Flags()) {
    FlagInfo info{.names = {},
                  .group = TitleOf(flag.group),
                  .help = flag.help,
                  .takes_value = !flag.is_bool(),
                  .supported = !std::holds_alternative<Later>(flag.set)};
    for (const std::string_view name : flag.names) {
      if (!name.empty()) info.names.push_back(name);
    }
    out.push_back(std::move(info));
  }
  return out;
}

std::string UsageText() {
  constexpr size_t kHelpColumn = 37;
  std::string out = "\nUsage: nats-server [options]\n";
  std::optional<Group> group;
  for (const Flag& flag : Flags()) {
    if (flag.group != group) {
      group = flag.group;
      out += '\n';
      out += TitleOf(flag.group);
      out += ":\n";
    }
    const auto append_indented = [&out](std::string_view text, size_t indent) {
      for (const char c : text) {
        out += c;
        if (c == '\n') out.append(indent, ' ');
      }
    };
    out += "    ";
    append_indented(flag.synopsis, 4);
    const size_t column = out.size() - (out.rfind('\n') + 1);
    out.append(kHelpColumn - column, ' ');
    append_indented(flag.help, kHelpColumn);
    if (std::holds_alternative<Later>(flag.set)) out += " (not supported yet)";
    out += '\n';
  }
  return out + "\n";
}

std::string VersionText() {
#ifdef NDEBUG
  constexpr char kChecks[] = "release";
#else
  constexpr char kChecks[] = "debug checks";
#endif
#ifdef __clang__
  constexpr char kCompiler[] = "clang " __clang_version__;
#else
  constexpr char kCompiler[] = "gcc " __VERSION__;
#endif
  return "nats-server: v" + std::string(kReferenceVersion) + "\nmartlet-server: v" + kVersion +
         " (" + kCompiler + ", " + kChecks + ")\n";
}

}  // namespace martlet::ops
