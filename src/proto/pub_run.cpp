#include "proto/pub_run.h"

#include <algorithm>

namespace martlet::proto {

PubRun FindRun(std::string_view in, size_t line_bytes, size_t stride, size_t bytes_max) {
  if (stride == 0) return {};
  const char* const first = in.data();
  const char* const model = first - stride;
  const size_t fit = std::min(in.size(), std::max(bytes_max, stride)) / stride;
  const char* at = first;
  for (const char* const end = first + fit * stride; at != end; at += stride) {
    if (!EqualLines(at, model, line_bytes)) break;
    if (at[stride - 2] != '\r' || at[stride - 1] != '\n') break;
  }
  return {first + line_bytes, stride, static_cast<uint32_t>((at - first) / stride)};
}

}  // namespace martlet::proto
