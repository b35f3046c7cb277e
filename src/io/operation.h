// One asynchronous operation and the answer to it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/kept_memory.h"

namespace martlet::io {

/// What became of an operation.
struct Completion {
  int32_t result = 0;     // bytes, a descriptor, or the kernel's -errno
  bool more = false;      // the operation stays armed and will be answered again
  std::string_view data;  // Receive only: the bytes, borrowed until the handler returns
  base::KeptMemory* memory = nullptr;  // ... or for as long as this is kept; null: it cannot be
};

/// The place where a completion is delivered; lives inside the object that asked.
///
/// Ownership:  embedded in its owner. The kernel holds its address, so it neither moves nor dies
///             while in_flight().
/// Thread:     its loop's, always.
/// Invariants: at most one request at a time; the completion without `more` ends it, and
///             in_flight() is already false when the handler of that completion runs.
class Operation {
 public:
  /// An operation that calls `owner->*Method(completion)`.
  template <auto Method, class Owner>
  static Operation Bind(Owner* owner) {
    return Operation(owner, [](void* self, const Completion& done) {
      (static_cast<Owner*>(self)->*Method)(done);
    });
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  bool in_flight() const { return in_flight_; }

  /// For the loops: marks the request as sent, and answers it.
  void Begin() { in_flight_ = true; }
  void Complete(const Completion& done) {
    in_flight_ = done.more;
    handler_(owner_, done);
  }

  /// For the loops: what the backend remembers of the request (descriptor, kind, list links).
  struct Pending {
    int fd = -1;
    uint8_t kind = 0;
    uint8_t flags = 0;
    Operation* next = nullptr;
  };
  Pending& pending() { return pending_; }

 private:
  using Handler = void (*)(void* owner, const Completion& done);
  Operation(void* owner, Handler handler) : owner_(owner), handler_(handler) {}

  void* owner_;
  Handler handler_;
  Pending pending_;
  bool in_flight_ = false;
};

}  // namespace martlet::io
