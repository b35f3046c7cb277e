// What the verbs say beside their output.
#pragma once

#include <string>
#include <string_view>

namespace martlet::cli {

/// Writes "16:05:01 text" and a line end to standard error, after what standard output still holds:
/// on a terminal both come in the order written. The `nats` command's form.
void Log(std::string_view text);

/// Appends bytes to standard output.
void Print(std::string_view text);

}  // namespace martlet::cli
