#include "io/probe.h"

#include <array>
#include <cerrno>
#include <memory>

namespace martlet::io {
namespace {

constexpr unsigned kBaseFlags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE;
constexpr unsigned kCooperative = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
constexpr unsigned kDeferred = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;

// Newest first. SINGLE_ISSUER has no worth of its own to us, but DEFER_TASKRUN demands it.
constexpr std::array<unsigned, 4> kFlagSets = {
    kBaseFlags | IORING_SETUP_SUBMIT_ALL | kCooperative | kDeferred,  // 6.1
    kBaseFlags | IORING_SETUP_SUBMIT_ALL | kCooperative,              // 5.19
    kBaseFlags | IORING_SETUP_SUBMIT_ALL,                             // 5.18
    kBaseFlags,
};

// Without these we would have to copy requests, lose completions, block threads or spend a
// request on every timeout. All came by 5.11, long before buffer rings.
constexpr unsigned kNeededFeatures =
    IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_FAST_POLL | IORING_FEAT_EXT_ARG;

/// Peels flags off until the kernel takes the rest. Only EINVAL means "unknown flag": asking
/// again after EPERM or ENOMEM would hide the reason from the log.
int SetUp(unsigned submission_entries, unsigned completion_entries, const FeatureLimits& limits,
          io_uring* ring, unsigned* flags) {
  int result = -EINVAL;
  for (const unsigned wish : kFlagSets) {
    if ((wish & kDeferred) != 0 && !limits.deferred_task_work) continue;
    io_uring_params params = {};
    params.flags = wish;
    params.cq_entries = completion_entries;
    result = io_uring_queue_init_params(submission_entries, ring, &params);
    *flags = wish;
    if (result != -EINVAL) break;
  }
  return result;
}

void ProbeOpcodes(io_uring* ring, const FeatureLimits& limits, Features* features) {
  const std::unique_ptr<io_uring_probe, void (*)(io_uring_probe*)> probe(
      io_uring_get_probe_ring(ring), io_uring_free_probe);
  if (!probe) return;
  const auto knows = [&probe](int opcode) {
    return io_uring_opcode_supported(probe.get(), opcode) != 0;
  };
  // Multishot receives exist since 6.0, but until 6.8 one busy socket could starve the others.
  features->multishot_receive = limits.multishot_receive && knows(kOpFixedFdInstall);
  // Ring messages exist since 5.18, but until 6.11 one to a ring with deferred task work went
  // through the target's task twice and cost more than an eventfd.
  features->ring_messages = limits.ring_messages && knows(kOpBind);
}

/// Since 6.17 a multishot receive may say how many bytes it takes before it ends; no opcode came
/// with that release, so it is tried. A field that is not known is found before the bad descriptor.
bool TakesReceiveCap(io_uring* ring) {
  io_uring_sqe* sqe = io_uring_get_sqe(ring);
  if (sqe == nullptr) return false;
  io_uring_prep_recv(sqe, -1, nullptr, 4096, 0);
  sqe->file_index = 4096;  // optlen, since then
  sqe->ioprio = IORING_RECV_MULTISHOT;
  sqe->flags |= IOSQE_BUFFER_SELECT;
  io_uring_cqe* cqe = nullptr;
  if (io_uring_submit_and_wait(ring, 1) < 0 || io_uring_peek_cqe(ring, &cqe) != 0) return false;
  const int result = cqe->res;
  io_uring_cqe_seen(ring, cqe);
  return result == -EBADF;
}

}  // namespace

int OpenRing(unsigned submission_entries, unsigned completion_entries, const FeatureLimits& limits,
             io_uring* ring, Features* features) {
  unsigned flags = 0;
  const int result = SetUp(submission_entries, completion_entries, limits, ring, &flags);
  if (result < 0) return result;
  if ((ring->features & kNeededFeatures) != kNeededFeatures) {
    io_uring_queue_exit(ring);
    return -ENOTSUP;
  }
  features->deferred_task_work = (flags & IORING_SETUP_DEFER_TASKRUN) != 0;
  features->task_work_flag = (flags & IORING_SETUP_TASKRUN_FLAG) != 0;
  features->skip_success = (ring->features & IORING_FEAT_CQE_SKIP) != 0;
  ProbeOpcodes(ring, limits, features);
  features->min_wait = limits.min_wait && (ring->features & IORING_FEAT_MIN_TIMEOUT) != 0;
  features->receive_cap =
      limits.receive_cap && features->multishot_receive && TakesReceiveCap(ring);
  features->registered_ring = io_uring_register_ring_fd(ring) == 1;
  return 0;
}

std::string Features::Describe() const {
  std::string words =
      multishot_receive ? "multishot receive" : "single-shot receive: kernel before 6.8";
  if (multishot_receive && !receive_cap) words += " without a cap: kernel before 6.17";
  words += ring_messages ? ", ring-message wake-ups" : ", eventfd wake-ups: kernel before 6.11";
  words += deferred_task_work ? ", deferred task work" : ", eager task work: kernel before 6.1";
  return words;
}

}  // namespace martlet::io
