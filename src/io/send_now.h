// Sending without waiting and without a completion.
#pragma once

#include <span>
#include <sys/types.h>
#include <sys/uio.h>

namespace martlet::io {

/// Sends what the socket takes now: the bytes, which may be fewer than all, or -errno (-EAGAIN: the
/// socket is full). The parts are not lent beyond the call. Any thread, blocking sockets too.
ssize_t SendNow(int fd, std::span<const iovec> parts);

/// Whether SendNow's error says "later", not "never".
bool IsForLater(ssize_t result);

}  // namespace martlet::io
