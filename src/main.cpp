// martlet-server: the drop-in server. Command line in, exit code out; all else is server/.
#include <cstddef>
#include <cstdio>
#include <exception>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/system_environment.h"
#include "server/server.h"
#include "server/startup.h"

namespace {

int Run(std::span<char* const> argv) {
  const std::vector<std::string_view> arguments(argv.begin() + 1, argv.end());
  martlet::config::SystemEnvironment environment;
  auto prepared = martlet::server::Prepare(arguments, environment);
  if (const auto* exit = std::get_if<martlet::ops::ExitNow>(&prepared)) {
    std::fwrite(exit->out.data(), 1, exit->out.size(), stdout);
    std::fwrite(exit->err.data(), 1, exit->err.size(), stderr);  // it may quote a NUL of the file
    return exit->code;
  }
  auto& start = std::get<martlet::server::Start>(prepared);
  std::fputs(start.warnings.c_str(), stderr);
  return martlet::server::Server(std::move(start), argv[0]).Run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run({argv, static_cast<std::size_t>(argc)});
  } catch (const std::exception& error) {  // memory ran out at start: say so instead of aborting
    std::fprintf(stderr, "martlet-server: %s\n", error.what());
    return 1;
  }
}
