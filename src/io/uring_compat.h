// Kernel constants newer than the headers of liburing 2.3 (Debian 12), each guarded on its own.
#pragma once

#include <cstdint>

#include <liburing.h>

namespace martlet::io {

// Opcodes are enumerators and cannot be tested for with #ifdef, so they get names of ours. They
// serve as dates: the probe answers which opcodes a kernel knows, whatever its version string says.
constexpr int kOpFixedFdInstall = 54;  // IORING_OP_FIXED_FD_INSTALL, Linux 6.8
constexpr int kOpBind = 56;            // IORING_OP_BIND, Linux 6.11

/// io_uring_getevents_arg with the name that Linux 6.12 gave to its third member; liburing 2.3
/// calls it `pad`.
struct GetEventsArg {
  uint64_t signal_mask = 0;
  uint32_t signal_mask_bytes = 0;
  uint32_t min_wait_usec = 0;
  uint64_t timeout = 0;  // address of a __kernel_timespec, or 0
};
static_assert(sizeof(GetEventsArg) == sizeof(io_uring_getevents_arg));

}  // namespace martlet::io

#ifndef IORING_SETUP_SUBMIT_ALL
#define IORING_SETUP_SUBMIT_ALL (1U << 7)  // Linux 5.18
#endif
#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_COOP_TASKRUN (1U << 8)  // Linux 5.19
#endif
#ifndef IORING_SETUP_TASKRUN_FLAG
#define IORING_SETUP_TASKRUN_FLAG (1U << 9)  // Linux 5.19
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)  // Linux 6.0
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)  // Linux 6.1
#endif
#ifndef IORING_SQ_TASKRUN
#define IORING_SQ_TASKRUN (1U << 2)  // Linux 5.19
#endif
#ifndef IORING_CQE_F_SOCK_NONEMPTY
#define IORING_CQE_F_SOCK_NONEMPTY (1U << 2)  // Linux 5.19
#endif
#ifndef IORING_RECVSEND_POLL_FIRST
#define IORING_RECVSEND_POLL_FIRST (1U << 0)  // Linux 5.19
#endif
#ifndef IORING_RECV_MULTISHOT
#define IORING_RECV_MULTISHOT (1U << 1)  // Linux 6.0
#endif
#ifndef IORING_FEAT_MIN_TIMEOUT
#define IORING_FEAT_MIN_TIMEOUT (1U << 15)  // Linux 6.12
#endif
#ifndef IORING_ENTER_REGISTERED_RING
#define IORING_ENTER_REGISTERED_RING (1U << 4)  // Linux 5.18
#endif
