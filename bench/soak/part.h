// One kind of load of the mix.
#pragma once

#include <cstdint>

namespace martlet::soak {

/// Life: Open(), Produce() until the round's time is over, Drained() until it says so, Settle(),
/// Close().
///
/// Thread: the round's.
class Part {
 public:
  virtual ~Part() = default;
  virtual void Open() = 0;
  /// Subscribers have been confirmed by the server: it may begin.
  virtual bool Prepared() const = 0;
  virtual void Begin(uint64_t now) = 0;
  /// Does what is due.
  virtual void Produce(uint64_t now) = 0;
  /// Everything that it has sent has come back to it.
  virtual bool Drained() const = 0;
  /// What has not arrived now is lost.
  virtual void Settle() {}
  virtual void Close() = 0;
  /// Counts what has moved, so that standing still can be seen.
  virtual uint64_t moved() const = 0;
};

}  // namespace martlet::soak
