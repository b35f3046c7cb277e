// martlet-server: the drop-in server. Command line in, exit code out; all else is server/.
#include <cstdio>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "ops/command_line.h"
#include "server/server.h"

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  martlet::ops::CommandLine command = martlet::ops::ParseCommandLine(arguments);
  if (const auto* exit = std::get_if<martlet::ops::ExitNow>(&command)) {
    std::fputs(exit->out.c_str(), stdout);
    std::fputs(exit->err.c_str(), stderr);
    return exit->code;
  }
  martlet::server::Server server(std::get<martlet::Options>(std::move(command)), argv[0]);
  return server.Run();
}
