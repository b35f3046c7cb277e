#include "report/hdr.h"

#include <string_view>

namespace martlet::report {
namespace {

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

}  // namespace

std::string HdrText(const load::Latency& latency) { return latency.histogram.PercentileText(); }

std::string HdrFileName(const std::string& file, const load::Latency& latency) {
  static constexpr std::string_view kEnding = ".hgrm";
  std::string name = file;
  if (name.ends_with(kEnding)) name.resize(name.size() - kEnding.size());
  name += '-';
  for (const char c : latency.id) name += IsPlain(c) ? c : '_';
  name += kEnding;
  return name;
}

}  // namespace martlet::report
