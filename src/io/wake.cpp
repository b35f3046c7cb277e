#include "io/wake.h"

#include <sys/eventfd.h>

namespace martlet::io {

void WakeByEvent(int event_fd) {
  // It fails only when 2^64 wake-ups have piled up, and then the event is there already.
  static_cast<void>(eventfd_write(event_fd, 1));
}

}  // namespace martlet::io
