"""What suites gave and what they took: counted from the reports of their programs, told at the end."""
import collections
import contextlib
import re
import time
import xml.etree.ElementTree as ElementTree

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
SKIP_LINE = re.compile(r"^\s*skip(?:ped)?\b[\s:]+(.+)$", re.IGNORECASE)
FAIL_LINE = re.compile(r"^\s*fail(?:ed)?\b[\s:]+(.+)$", re.IGNORECASE)


class Result:
    """What one suite of one stage gave."""

    def __init__(self, label):
        self.label = label
        self.passed = self.failed = self.skipped = 0
        self.seconds = None  # how long its tests ran, each counted for itself
        self.slowest = []  # each test's seconds and name
        self.failures = []  # one text each, maybe fewer than `failed`
        self.skips = []  # one text each with the reason, maybe fewer than `skipped`
        self.notes = []

    def fail(self, text):
        self.failed += 1
        self.failures.append(text)

    def skip(self, text, count=1):
        self.skipped += count
        self.skips.append(text)

    def add_output(self, name, output, exit_ok):
        """Counts a program that closes with `N passed, N failed, N skipped`; False if it did not."""
        lines = output.splitlines()
        closing = next((CLOSING.match(line) for line in reversed(lines) if line.strip()), None)
        if not closing:
            return False
        passed, failed, skipped = (int(number or 0) for number in closing.groups())
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        before = len(self.failures)
        for line in dict.fromkeys(lines):  # each once, though a program may say them again at its end
            skip, fail = SKIP_LINE.match(line), FAIL_LINE.match(line)
            if skip:
                self.skips.append("%s: %s" % (name, skip[1]))
            elif fail and failed:
                self.failures.append("%s: %s" % (name, fail[1]))
            elif line.startswith("PENDING "):
                self.notes.append(line[len("PENDING "):])
        if failed and len(self.failures) == before:
            self.failures.append(name)
        if not exit_ok and not failed:
            self.fail(name + ": bad exit status")
        return True

    def add_gtest(self, name, path, exit_text):
        """Counts the cases of a GoogleTest program from its XML report."""
        bad = False
        for case in ElementTree.parse(path).iter("testcase"):
            title = "%s.%s" % (case.get("classname"), case.get("name"))
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                bad = True
                self.fail("%s: %s" % (name, title))
            elif skipped is not None:
                self.skip("%s: %s" % (title, gtest_reason(skipped)))
            elif case.get("status") == "run":
                self.passed += 1
            else:
                self.skip(title + ": disabled in the source")
        if exit_text and not bad:
            self.fail("%s: all cases passed, but the program %s" % (name, exit_text))


def gtest_reason(element):
    text = element.get("message") or element.text or ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and re.match(r"\S+:\d+$", lines[0]):  # file and line of the GTEST_SKIP
        lines = lines[1:]
    return " ".join(lines) or "no reason given"


class Cost:
    """Wall and processor seconds of one part of the run; the latter of the processes that it started."""

    def __init__(self, label):
        self.label = label
        self.wall = self.processor = 0.0

    @contextlib.contextmanager
    def clock(self):
        begin = time.monotonic()
        try:
            yield
        finally:
            self.wall += time.monotonic() - begin

    def add(self, usage):
        self.processor += usage.ru_utime + usage.ru_stime

    def __str__(self):
        return "%6d s wall %6d s processor  %s" % (self.wall, self.processor, self.label)


def grouped(texts):
    """Equal texts once, with their number."""
    for text, number in collections.Counter(texts).items():
        yield text if number == 1 else "%s (%d times)" % (text, number)


def close(results, costs):
    """Prints the closing block; returns the exit status."""
    print("\n" + "-" * 78)
    for result in results:
        print("%-24s %6d passed %5d failed %5d skipped %s"
              % (result.label, result.passed, result.failed, result.skipped,
                 "" if result.seconds is None else "%6.1f s" % result.seconds))
    for title, texts in (("skipped", lambda result: result.skips),
                         ("failed", lambda result: result.failures)):
        rows = ["%s  %s" % (result.label, text) for result in results for text in texts(result)]
        if rows:
            print("\n%s:" % title)
            print("\n".join("  " + row for row in grouped(rows)))
    for note in dict.fromkeys(note for result in results for note in result.notes):
        print("\npending: " + note)
    slowest = sorted((entry for result in results for entry in result.slowest), reverse=True)
    print("\nslowest tests:")
    print("\n".join("%8.1f s  %s" % entry for entry in slowest[:12]))
    print("\ntime:")  # what went on beside other things has wall seconds in common with them
    print("\n".join(str(cost) for cost in costs))
    passed, failed, skipped = (sum(getattr(result, field) for result in results)
                               for field in ("passed", "failed", "skipped"))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped), flush=True)
    return 1 if failed or not passed else 0
