"""How long this machine let threads wait that wanted to run: what it adds to every measured time."""
import math
import os
import threading
import time

WAIT_SECONDS = 0.001
NOTED_SECONDS = 0.003  # waits for a CPU up to here are ordinary


class StallWatch:
    """A thread on each CPU that sleeps for a moment, again and again, and notes when it woke up late.

    A stall is a time in which at least one of the CPUs gave its thread nothing: a virtual machine that
    stood still as a whole, or one CPU of it that others had.
    """

    def __init__(self):
        self.noted = []  # (from, until) of each late thread, in no order
        self.running = True
        self.threads = [threading.Thread(target=self._watch, args=(cpu,), daemon=True)
                        for cpu in os.sched_getaffinity(0)]
        for thread in self.threads:
            thread.start()

    def _watch(self, cpu):
        os.sched_setaffinity(0, {cpu})  # 0 is this thread
        before = time.monotonic()
        while self.running:
            time.sleep(WAIT_SECONDS)
            now = time.monotonic()
            if now - before > NOTED_SECONDS:
                self.noted.append((before, now))
            before = now

    def stalls(self):
        """(from, until) of each, in their order; they do not overlap."""
        merged = []
        for begin, end in sorted(self.noted):
            if merged and begin <= merged[-1][1]:
                merged[-1][1] = max(merged[-1][1], end)
            else:
                merged.append([begin, end])
        return merged

    def stalled_ms(self, since=0.0, until=math.inf):
        """All of them together, as far as they lie between the two times of time.monotonic()."""
        return 1000 * sum(max(0.0, min(end, until) - max(begin, since))
                          for begin, end in self.stalls())

    def longest_ms(self):
        """The longest that any of the CPUs gave its thread nothing."""
        return max((1000 * (end - begin) for begin, end in self.noted), default=0.0)

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
