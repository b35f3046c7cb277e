#!/usr/bin/env python3
"""Builds and runs the suites, and closes with one block that counts them all.

Stages:  release  optimized build: unit, structure, integration, transcripts, fuzz
         asan     address and undefined behaviour sanitizers: the same without structure and martlet
         tsan     thread sanitizer: what has threads of that
         interop  real clients and tools against the release build, on both backends; and what it
                  says beside what nats-server says

A stage is built while the tests of the one before run, at the lowest priority, so that they do not
notice; --one-by-one does without, for measurements.

Without names every stage runs in full. A stage name picks that stage; a suite name (unit,
transcripts, ...) picks that suite, in the release build if no stage is named. The last line is
`N passed, N failed, N skipped`; the exit status is 1 when something failed or nothing ran.
"""
import argparse
import collections
import contextlib
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree

import probe_io_uring

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROJECT = "martlet"
SUITES = ("unit", "structure", "integration", "transcripts", "fuzz")
REQUIRED = ("unit", "structure", "integration", "transcripts")  # empty ones fail with --strict
SKIPPED_STATUS = 77  # everything was skipped, as meson and autotools agree
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
SKIP_LINE = re.compile(r"^\s*skip(?:ped)?\b[\s:]+(.+)$", re.IGNORECASE)
FAIL_LINE = re.compile(r"^\s*fail(?:ed)?\b[\s:]+(.+)$", re.IGNORECASE)

Stage = collections.namedtuple("Stage", "name directory options suites slowness environment")

# Without martlet's reports and command line: much to compile, and little that could go wrong there.
# -O1 and line numbers alone are what reports need, and a third of the compiler's time under -O2 -g.
# Files of one target compiled together take 40 % off that; that each stands alone, release shows.
SANITIZED = {"buildtype": "debugoptimized", "optimization": "1", "cpp_args": "-g1",
             "mimalloc": "disabled", "benchmarks": "false", "companion": "false",
             "unity": "on", "unity_size": "8"}
# GCC's shared runtimes do not know of each other: one ignores the log_path of the other.
ONE_RUNTIME = "-static-libasan -static-libubsan"
STAGES = (
    Stage("release", "build", {"buildtype": "release"}, SUITES, 1, {}),
    Stage("asan", "build-asan", dict(SANITIZED, b_sanitize="address,undefined", cpp_link_args=ONE_RUNTIME),
          ("unit", "integration", "transcripts", "fuzz"), 4,
          {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
           "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}),
    Stage("tsan", "build-tsan",
          dict(SANITIZED, b_sanitize="thread", pure_tests="false"),
          ("unit", "integration", "transcripts"), 6,
          {"TSAN_OPTIONS": "second_deadlock_stack=1"}),
)
STAGE_NAMES = tuple(stage.name for stage in STAGES) + ("interop",)


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


def run(command, cost, **options):
    """Says what it runs; the exit status."""
    print("$ " + " ".join(command), flush=True)
    return finish(subprocess.Popen(command, cwd=ROOT, **options), cost)


def finish(process, cost):
    """The exit status, once it has ended."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    cost.add(usage)
    return process.returncode


def capture(command):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def configure(stage, options, run_it):
    """Makes the build folder what the stage wants; False when meson refuses."""
    directory = os.path.join(ROOT, stage.directory)
    wanted = dict(stage.options, tests="true", werror=str(options.werror).lower())
    if compiler_is_clang():  # has one runtime anyway, and does not know the flags
        wanted.pop("cpp_link_args", None)
    flags = ["-D%s=%s" % item for item in sorted(wanted.items())]
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        return run_it(["meson", "setup", stage.directory] + flags) == 0
    known = {option["name"]: option_text(option["value"])
             for option in json.loads(capture(["meson", "introspect", stage.directory,
                                               "--buildoptions"]))}
    if any(known.get(name) != value for name, value in wanted.items()):
        return run_it(["meson", "configure", stage.directory] + flags) == 0
    return True


def option_text(value):
    return " ".join(value) if isinstance(value, list) else str(value).lower()


def compiler_is_clang():
    return "clang" in capture(shlex.split(os.environ.get("CXX", "c++")) + ["--version"])


class Build:
    """The build of one stage: at once, or in the background while the tests of another run.

    In the background it takes only time that nobody else wants, until somebody waits for it. What it
    says comes out then.
    """

    def __init__(self, stage, options, background):
        self.stage = stage
        self.options = options
        self.result = Result(stage.name + " build")
        self.cost = Cost(stage.name + " build")
        self.log = tempfile.TemporaryFile("w+", errors="replace") if background else None
        self.wanted = threading.Event()
        self.done = threading.Event()
        self.process = None

    def run(self):
        try:
            with self.cost.clock():
                self._build()
        except Exception as why:  # in the background nobody else would see it
            self.result.fail("%s: %s" % (self.stage.directory, why))
        finally:
            self.done.set()

    def wait(self):
        """True when it succeeded."""
        self.wanted.set()
        if self.process and not self.done.is_set():
            set_idle(self.process.pid, False)  # what it starts from now on is as urgent as anything
        self.done.wait()
        if self.log:
            self.log.seek(0)
            print(self.log.read(), end="", flush=True)
            self.log.close()
        return not self.result.failed

    def _build(self):
        directory = self.stage.directory
        command = ["ninja", "-C", directory]
        if self.log or not sys.stdout.isatty():
            command.append("--quiet")
        if not configure(self.stage, self.options, self._run):
            self.result.fail("meson could not configure " + directory)
        elif self._run(command):
            self.result.fail("the build in %s failed" % directory)

    def _run(self, command):
        if not self.log:
            return run(command, self.cost)
        print("$ " + " ".join(command), file=self.log, flush=True)
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT)
        set_idle(self.process.pid, not self.wanted.is_set())
        return finish(self.process, self.cost)


def set_idle(pid, idle):
    """Whether it runs only where nobody else wants to, it and what it starts."""
    policy = os.SCHED_IDLE if idle else os.SCHED_OTHER
    with contextlib.suppress(OSError):  # it has ended, or the system does not let us
        os.sched_setscheduler(pid, policy, os.sched_param(0))


def start_builds(stages, options):
    """Stage name to its build. The first one is done on return, the others follow in the background."""
    builds = [Build(stage, options, background=i > 0 and not options.one_by_one)
              for i, stage in enumerate(stages)]
    if builds and not options.one_by_one:
        builds[0].run()
        threading.Thread(target=lambda: [build.run() for build in builds[1:]], daemon=True).start()
    return {build.stage.name: build for build in builds}


def tests_of(stage, suites):
    """The stage's tests of these suites: (suite, name) to meson's description."""
    found = {}
    for test in json.loads(capture(["meson", "introspect", stage.directory, "--tests"])):
        for suite in test["suite"]:
            project, _, name = suite.partition(":")
            if project == PROJECT and name in suites:
                found[(name, test["name"])] = test
    return found


def report_path(stage, test):
    """Where meson lets a GoogleTest program write its XML."""
    return os.path.join(test.get("workdir") or os.path.join(ROOT, stage.directory),
                        test["name"] + ".xml")


def run_meson_tests(stage, suites, results, cost):
    tests = tests_of(stage, suites)
    by_suite = {suite: Result("%s %s" % (stage.name, suite)) for suite in suites}
    results += by_suite.values()
    for test in tests.values():
        if test["protocol"] == "gtest" and os.path.exists(report_path(stage, test)):
            os.remove(report_path(stage, test))  # a crash must not leave an old report behind
    reports = os.path.join(ROOT, stage.directory, "sanitizer-reports")
    shutil.rmtree(reports, ignore_errors=True)
    os.makedirs(reports)
    log = os.path.join(ROOT, stage.directory, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)
    if tests:
        command = ["meson", "test", "-C", stage.directory, "--no-rebuild", "--print-errorlogs",
                   "--timeout-multiplier", str(stage.slowness)]
        for suite in suites:
            command += ["--suite", "%s:%s" % (PROJECT, suite)]
        run(without_address_randomization(stage) + command, cost, env=environment(stage, reports))
    runs = read_log(log)
    for (suite, name), test in tests.items():
        record = runs.get(name)
        count(by_suite[suite], stage, test, record)
        if record:
            by_suite[suite].seconds = (by_suite[suite].seconds or 0) + record["duration"]
            by_suite[suite].slowest.append((record["duration"], "%s %s" % (stage.name, name)))
    if stage.environment:
        results.append(sanitizer_result(stage, reports))
    return by_suite


def environment(stage, reports):
    """The sanitizers write reports to files, so that those of a server under test are seen too."""
    environ = dict(os.environ)
    for name, value in stage.environment.items():
        path = os.path.join(reports, name.split("_")[0].lower())
        environ[name] = "%s:log_path=%s" % (value, path)
    suppressions = os.path.join(ROOT, "tests", stage.name + ".supp")
    if os.path.exists(suppressions):
        environ[stage.name.upper() + "_OPTIONS"] += ":suppressions=" + suppressions
    return environ


def without_address_randomization(stage):
    """GCC 12's thread sanitizer ends at once where the kernel randomizes many address bits."""
    command = ["setarch", os.uname().machine, "-R"]
    if stage.name != "tsan" or not shutil.which("setarch"):
        return []
    works = subprocess.run(command + ["true"], stderr=subprocess.DEVNULL, check=False)
    return command if works.returncode == 0 else []


def read_log(path):
    """Test name to meson's record of its run."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8", errors="replace") as lines:
        records = [json.loads(line) for line in lines if line.strip()]
    return {record["name"].split(" / ", 1)[-1]: record for record in records}


def count(result, stage, test, record):
    """Adds what one test program did to its suite."""
    name = test["name"]
    if record is None:
        result.fail(name + ": did not run")
        return
    outcome = record["result"]
    ok = outcome in ("OK", "EXPECTEDFAIL")
    exit_text = "" if ok else "ended as %s, status %s" % (outcome, record["returncode"])
    if test["protocol"] == "gtest" and os.path.exists(report_path(stage, test)):
        result.add_gtest(name, report_path(stage, test), exit_text)
    elif result.add_output(name, record.get("stdout") or "", ok or outcome == "SKIP"):
        pass
    elif ok:
        result.passed += 1
    elif outcome == "SKIP":
        lines = (record.get("stdout") or "").strip().splitlines()
        result.skip("%s: %s" % (name, lines[-1] if lines else "no reason given"))
    else:
        result.fail("%s: %s" % (name, exit_text))


def sanitizer_result(stage, reports):
    result = Result(stage.name + " reports")
    for path in sorted(glob.glob(os.path.join(reports, "*"))):
        with open(path, encoding="utf-8", errors="replace") as text:
            content = text.read()
        print("--- %s\n%s" % (os.path.relpath(path, ROOT), content[:6000]))
        first = re.search(r"^.*(?:ERROR|WARNING|runtime error|SUMMARY).*$", content, re.MULTILINE)
        result.fail("%s: %s" % (os.path.relpath(path, ROOT), first[0] if first else "a report"))
    return result


def run_interop(options, results, cost):
    server = os.path.join("build", "martlet-server")
    for backend in ("io_uring", "epoll"):
        reason = probe_io_uring.refusal() if backend == "io_uring" else ""
        run_interop_script(options, results, cost, "interop " + backend, "run.py", reason,
                           ["--server", server], ["--", "--io_backend", backend])
    for script in ("seed_documents", "upgrade_walk"):
        run_interop_script(options, results, cost, "interop " + script, script + ".py", "",
                           ["--server", server, "--quick"], [])
    results.append(compare_with_reference(options, cost))


def run_interop_script(options, results, cost, label, name, reason, arguments, last):
    """`reason`: why it cannot run here; empty if it can."""
    result = Result(label)
    results.append(result)
    script = os.path.join("tests", "interop", name)
    if not os.path.exists(os.path.join(ROOT, script)):
        if options.strict:
            result.fail(script + " is missing")
        else:
            result.skip(script + " is missing")
        return
    if reason:
        result.skip("all of it: " + reason)
        return
    command = [sys.executable, script, *arguments]
    command += (["--strict"] if options.strict else []) + last
    add_script(result, "interop", command, cost)


def compare_with_reference(options, cost):
    """What ours says beside what nats-server says. Other suites do it where they find the reference;
    here it must be there.
    """
    result = Result("interop reference")
    add_script(result, "monitor", [
        sys.executable, os.path.join("tests", "integration", "monitor.py"), "--only", "^reference,",
        "--server", os.path.join("build", "martlet-server")], cost)
    if options.strict and result.skipped:
        result.fail("nothing was compared: " + "; ".join(result.skips))
    return result


def add_script(result, name, command, cost):
    """Runs a script that closes with a total, shows what it prints and counts it."""
    print("$ " + " ".join(command), flush=True)
    output = []
    begin = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace")
    with process.stdout:
        for line in process.stdout:
            print(line, end="", flush=True)
            output.append(line)
    status = finish(process, cost)
    result.seconds = time.monotonic() - begin
    if not result.add_output(name, "".join(output), status in (0, SKIPPED_STATUS)):
        result.fail("%s gave no total, status %d" % (command[1], status))


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


def arguments():
    parser = argparse.ArgumentParser(prog="tools/test", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help="stages and suites")
    parser.add_argument("--suite", action="append", default=[], help="the same as a name")
    parser.add_argument("--quick", action="store_true", help="the release stage only")
    parser.add_argument("--werror", action="store_true", help="compiler warnings are errors")
    parser.add_argument("--one-by-one", action="store_true",
                        help="build each stage when its turn comes, not beside tests")
    parser.add_argument("--strict", action="store_true",
                        help="what is not installed for interop, or an empty suite, is a failure")
    options = parser.parse_args()
    names = options.names + options.suite
    unknown = [name for name in names if name not in STAGE_NAMES + SUITES]
    if unknown:
        parser.error("unknown name: %s; there are %s"
                     % (" ".join(unknown), " ".join(STAGE_NAMES + SUITES)))
    options.suites = [name for name in SUITES if name in names]
    options.stages = [name for name in STAGE_NAMES if name in names]
    if not options.stages:
        options.stages = ["release"] if options.suites or options.quick else list(STAGE_NAMES)
    return options


def main():
    options = arguments()
    results, costs = [], []
    # The interop stage needs the release build, though not its tests.
    builds = start_builds([stage for stage in STAGES if stage.name in options.stages
                           or (stage.name == "release" and "interop" in options.stages)], options)
    for stage in STAGES:
        build = builds.get(stage.name)
        if not build:
            continue
        if options.one_by_one:
            build.run()
        built = build.wait()
        results.append(build.result)
        costs.append(build.cost)
        if built and stage.name in options.stages:
            costs.append(run_stage(stage, options, results))
    if "interop" in options.stages and not builds["release"].result.failed:
        costs.append(Cost("interop"))
        with costs[-1].clock():
            run_interop(options, results, costs[-1])
    return close(results, costs)


def run_stage(stage, options, results):
    """Runs the stage's tests; what it took."""
    cost = Cost(stage.name + " tests")
    with cost.clock():
        suites = [name for name in stage.suites if not options.suites or name in options.suites]
        by_suite = run_meson_tests(stage, suites, results, cost)
    for suite, result in by_suite.items():
        ran = result.passed + result.failed + result.skipped
        if options.strict and suite in REQUIRED and not ran:
            result.fail("the suite is empty")
    return cost


if __name__ == "__main__":
    sys.exit(main())
