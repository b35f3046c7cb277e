#!/usr/bin/env python3
"""Says whether the kernel lets this process create an io_uring.

Prints the reason and exits 1 where it does not, for example in a container whose seccomp profile
refuses the system call. Standard library only.
"""
import ctypes
import os
import sys

SYS_IO_URING_SETUP = 425  # the same number on every architecture but alpha
PARAMS_BYTES = 120  # sizeof(struct io_uring_params)
DISABLED = "/proc/sys/kernel/io_uring_disabled"


def refusal():
    """The kernel's reason in words; empty when it agrees."""
    libc = ctypes.CDLL(None, use_errno=True)
    params = ctypes.create_string_buffer(PARAMS_BYTES)
    ring = libc.syscall(SYS_IO_URING_SETUP, 8, params)
    if ring >= 0:
        os.close(ring)
        return ""
    reason = "io_uring_setup: " + os.strerror(ctypes.get_errno())
    try:
        with open(DISABLED, encoding="ascii") as setting:
            value = setting.read().strip()
        if value != "0":
            reason += " (sysctl kernel.io_uring_disabled is %s)" % value
    except OSError:
        pass
    return reason


def main():
    reason = refusal()
    if reason:
        print(reason)
    return 1 if reason else 0


if __name__ == "__main__":
    sys.exit(main())
