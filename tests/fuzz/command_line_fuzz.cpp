// Any command line. It is the operator's own, but a script may put it together from less.
//
// Input: the arguments, a newline or NUL behind each. Held to be true: an end of the process says
// something and has a code that a shell knows; the same arguments give the same answer; what stands
// behind `--` is not read as flags.
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/check.h"
#include "input.h"
#include "ops/command_line.h"

namespace {

using martlet::Options;
using martlet::ops::CommandLine;
using martlet::ops::ExitNow;
using martlet::ops::Invocation;

std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> arguments;
  while (!text.empty()) {
    const size_t end = text.find_first_of(std::string_view("\n\0", 2));
    arguments.push_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return arguments;
}

bool SameOutcome(const CommandLine& a, const CommandLine& b) {
  if (a.index() != b.index()) return false;
  if (const auto* invocation = std::get_if<Invocation>(&a)) {
    const Options options = invocation->options();
    const Options other = std::get<Invocation>(b).options();
    return options.host == other.host && options.port == other.port &&
           options.log_file == other.log_file && options.shards == other.shards;
  }
  const auto& end = std::get<ExitNow>(a);
  const auto& other = std::get<ExitNow>(b);
  return end.out == other.out && end.err == other.err && end.code == other.code;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::string_view> arguments = Split(martlet::fuzz::Input(data, size).Rest());
  const CommandLine parsed = martlet::ops::ParseCommandLine(arguments);
  CHECK(SameOutcome(parsed, martlet::ops::ParseCommandLine(arguments)));
  if (const auto* end = std::get_if<ExitNow>(&parsed)) {
    CHECK(!end->out.empty() || !end->err.empty());
    CHECK(end->code >= 0 && end->code <= 2);
    return 0;
  }
  arguments.insert(arguments.begin(), "--");
  CHECK(!std::holds_alternative<ExitNow>(martlet::ops::ParseCommandLine(arguments)) ||
        arguments.size() > 1);
  return 0;
}
