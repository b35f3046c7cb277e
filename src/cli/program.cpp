#include "cli/program.h"

#include <CLI/CLI.hpp>

namespace martlet::cli {
namespace {

std::string LongName(const std::string& names) { return names.substr(names.find("--")); }

}  // namespace

void RefuseFlag(CLI::App& verb, Program& program, const std::string& names,
                const std::string& why) {
  verb.add_flag_function(
          names, [&program, names, why](int64_t) { program.refusal = LongName(names) + " " + why; },
          "")
      ->group("");
}

void RefuseOption(CLI::App& verb, Program& program, const std::string& names,
                  const std::string& why) {
  verb.add_option_function<std::string>(
          names,
          [&program, names, why](const std::string&) {
            program.refusal = LongName(names) + " " + why;
          },
          "")
      ->group("");
}

}  // namespace martlet::cli
