#include "cli/log.h"

#include <cstdio>
#include <ctime>

namespace martlet::cli {

void Log(std::string_view text) {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char stamp[16];
  std::string line(stamp, std::strftime(stamp, sizeof stamp, "%H:%M:%S ", &local));
  line += text;
  if (!line.ends_with('\n')) line += '\n';
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace martlet::cli
