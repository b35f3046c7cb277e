// Choosing a backend, also where the kernel refuses.
#include <cstddef>
#include <cstdio>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "loop_fixture.h"

namespace martlet::io {
namespace {

/// From here on io_uring_setup fails with `error` in this process.
bool ForbidUring(unsigned error) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {.len = std::size(filter), .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

constexpr int kCannotForbid = 77;

/// Runs `check` in a child in which io_uring fails with `error`; true when it held.
testing::AssertionResult HoldsWhereRefused(int error, bool (*check)()) {
  const pid_t child = fork();
  if (child == 0) {
    if (!ForbidUring(static_cast<unsigned>(error))) _exit(kCannotForbid);
    _exit(check() ? 0 : 1);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    return testing::AssertionFailure() << "the child died, status " << status;
  }
  if (WEXITSTATUS(status) == kCannotForbid) {
    return testing::AssertionFailure() << "seccomp is not available here";
  }
  return WEXITSTATUS(status) == 0 ? testing::AssertionSuccess()
                                  : testing::AssertionFailure() << "the check failed";
}

bool Contains(const std::string& text, const char* part) {
  if (text.find(part) != text.npos) return true;
  fprintf(stderr, "no '%s' in '%s'\n", part, text.c_str());
  return false;
}

TEST(LoopCreate, FallsBackToEpollUnderAContainersSeccompAndSaysHowToAllowIt) {
  EXPECT_TRUE(HoldsWhereRefused(EPERM, [] {
    std::string reason;
    auto loop = Loop::Create({}, &reason);
    return loop.ok() && !(*loop)->is_uring() && (*loop)->Describe() == "epoll" &&
           Contains(reason, "Operation not permitted") && Contains(reason, "seccomp") &&
           Contains(reason, "kernel.io_uring_disabled");
  }));
}

TEST(LoopCreate, NamesTheMemoryLimit) {
  EXPECT_TRUE(HoldsWhereRefused(ENOMEM, [] {
    std::string reason;
    auto loop = Loop::Create({}, &reason);
    return loop.ok() && !(*loop)->is_uring() && Contains(reason, "ulimit -l");
  }));
}

TEST(LoopCreate, NamesAKernelWithoutUring) {
  EXPECT_TRUE(HoldsWhereRefused(ENOSYS, [] {
    std::string reason;
    auto loop = Loop::Create({}, &reason);
    return loop.ok() && !(*loop)->is_uring() && Contains(reason, "no io_uring");
  }));
}

TEST(LoopCreate, FailsWhereUringIsDemandedAndRefused) {
  EXPECT_TRUE(HoldsWhereRefused(EPERM, [] {
    std::string reason;
    auto loop = Loop::Create({.backend = IoBackend::kUring}, &reason);
    return !loop.ok() && reason.empty() &&
           Contains(std::string(loop.status().message()), "seccomp");
  }));
}

TEST(LoopCreate, GivesEpollWhenAskedTo) {
  std::string reason = "stale";
  auto loop = Loop::Create({.backend = IoBackend::kEpoll}, &reason);
  ASSERT_TRUE(loop.ok());
  EXPECT_FALSE((*loop)->is_uring());
  EXPECT_EQ(reason, "");
  EXPECT_EQ((*loop)->waker().ring_fd, -1);
}

TEST(LoopCreate, DescribesWhatAnOlderKernelLacks) {
  auto loop = MakeLoop(kUringLinux519, {});
  if (!loop.ok()) GTEST_SKIP() << std::string(loop.status().message());
  EXPECT_EQ((*loop)->Describe(),
            "io_uring (single-shot receive: kernel before 6.8, eventfd wake-ups: kernel before "
            "6.11, eager task work: kernel before 6.1)");
}

}  // namespace
}  // namespace martlet::io
