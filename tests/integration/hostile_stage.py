"""A server under attack: witnesses beside it, how long those may wait, and what memory it may take."""
import collections
import os
import threading
import time

from harness import expect

MIB = 1 << 20
# A sanitizer makes the server many times slower, and its memory is not ours.
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ
# What all connections of a shard receive into: 4 MiB for each of at most 4 shards here, touched once
# by whoever comes first, and not more often.
SHARED_BUFFERS_MIB = 4 * 4

Bound = collections.namedtuple("Bound", "mib ours_only")


class TooSlow(AssertionError):
    """A witness waited longer than it may."""


class Witness:
    """Exchanges something with the server, in a thread of its own; remembers the longest wait.

    A subclass has exchange(), which raises if it is not served, and close().
    """

    def __init__(self):
        self.worst = 0.0
        self.error = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping.wait(0.02):
                self.measure()
        except Exception as why:  # whatever it is belongs into the verdict
            self.error = why

    def measure(self):
        begin = time.monotonic()
        self.exchange()
        self.worst = max(self.worst, time.monotonic() - begin)

    def stop(self):
        self.stopping.set()
        self.thread.join(10)
        self.close()


class Stage:
    """Runs cases: servers and witnesses up, the attack, then the promises.

    A subclass has perform(attack, bound, **setting), which starts them and calls attacked().
    """

    WAIT_FOR = "pong"  # what its witnesses wait for
    WAIT_SECONDS_MAX = 1.0

    def __init__(self, args, tally):
        self.args = args
        self.tally = tally

    def case(self, name, attack, growth_mib, ours_only=False, **setting):
        """`attack(*servers)` may return a remark; `growth_mib` bounds the peak of resident memory."""
        bound = Bound(growth_mib + SHARED_BUFFERS_MIB, ours_only)
        self.tally.run(name, lambda: self.perform(attack, bound, **setting))

    def attacked(self, attack, servers, witnesses, bound):
        """Attacks the first of `servers`, holds it to the promises and tells how it kept them."""
        victim, *honest = servers
        before = victim.rss()
        victim.reset_peak()
        try:
            remark = attack(*servers)
        finally:
            for witness in witnesses:
                witness.stop()
        growth = (victim.peak_rss() - before) / MIB
        expect(victim.alive(), f"the server died: {victim.log()[-1500:]}")
        for server in honest:
            expect(server.alive(), f"the honest server died: {server.log()[-1500:]}")
        for witness in witnesses:
            expect(witness.error is None, f"the witness failed: {witness.error}")
            if witness.worst > self.WAIT_SECONDS_MAX:
                raise TooSlow(f"the witness waited {witness.worst:.2f} s for its {self.WAIT_FOR}")
        worst = max(witness.worst for witness in witnesses)
        note = f"{self.WAIT_FOR} {worst * 1e3:.0f} ms, memory +{growth:.1f} MiB"
        if SANITIZED:
            note += " (a sanitizer's memory is not ours)"
        elif self.args.reference and bound.ours_only:
            note += f" (ours only: {bound.mib})"
        else:
            expect(growth <= bound.mib, f"{note}, allowed {bound.mib}")
        return f"{note}{', ' + remark if remark else ''}"


def pour(client, pieces):
    """Sends until the server refuses; returns the bytes sent."""
    sent = 0
    try:
        for piece in pieces:
            client.send(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent
