// Checks that stay on in production, and debug checks for places too hot to keep them.
#pragma once

namespace martlet::base {

/// Prints `file:line: CHECK failed: condition` to standard error and aborts. Never returns.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace martlet::base

/// A broken promise of ours ends the process; input from outside must never reach one.
#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) [[unlikely]]                                  \
      ::martlet::base::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition) \
  do {                    \
    if (false) {          \
      (void)(condition);  \
    }                     \
  } while (false)
#else
#define DCHECK(condition) CHECK(condition)
#endif
