#!/usr/bin/env python3
"""Builds and runs the suites, and closes with one block that counts them all.

Stages:  release  optimized build: unit, structure, integration, transcripts, fuzz
         asan     address and undefined behaviour sanitizers: the same without structure and martlet
         tsan     thread sanitizer: what has threads of that
         interop  real clients and tools against the release build, on both backends

Without names every stage runs in full. A stage name picks that stage; a suite name (unit,
transcripts, ...) picks that suite, in the release build if no stage is named. The last line is
`N passed, N failed, N skipped`; the exit status is 1 when something failed or nothing ran.
"""
import argparse
import collections
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
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
SANITIZED = {"buildtype": "debugoptimized", "mimalloc": "disabled", "benchmarks": "false",
             "companion": "false"}
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


def run(command, **options):
    print("$ " + " ".join(command), flush=True)
    return subprocess.run(command, cwd=ROOT, check=False, **options).returncode


def capture(command):
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def configure(stage, options):
    """Makes the build folder what the stage wants; False when meson refuses."""
    directory = os.path.join(ROOT, stage.directory)
    wanted = dict(stage.options, tests="true", werror=str(options.werror).lower())
    if compiler_is_clang():  # has one runtime anyway, and does not know the flags
        wanted.pop("cpp_link_args", None)
    flags = ["-D%s=%s" % item for item in sorted(wanted.items())]
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        return run(["meson", "setup", stage.directory] + flags) == 0
    known = {option["name"]: option_text(option["value"])
             for option in json.loads(capture(["meson", "introspect", stage.directory,
                                               "--buildoptions"]))}
    if any(known.get(name) != value for name, value in wanted.items()):
        return run(["meson", "configure", stage.directory] + flags) == 0
    return True


def option_text(value):
    return " ".join(value) if isinstance(value, list) else str(value).lower()


def compiler_is_clang():
    return "clang" in capture(shlex.split(os.environ.get("CXX", "c++")) + ["--version"])


def build(stage, options, results):
    result = Result(stage.name + " build")
    results.append(result)
    if not configure(stage, options):
        result.fail("meson could not configure " + stage.directory)
    elif run(["ninja", "-C", stage.directory] + ([] if sys.stdout.isatty() else ["--quiet"])):
        result.fail("the build in %s failed" % stage.directory)
    return not result.failed


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


def run_meson_tests(stage, suites, results):
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
        run(without_address_randomization(stage) + command, env=environment(stage, reports))
    runs = read_log(log)
    for (suite, name), test in tests.items():
        count(by_suite[suite], stage, test, runs.get(name))
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


def run_interop(options, results):
    script = os.path.join("tests", "interop", "run.py")
    for backend in ("io_uring", "epoll"):
        result = Result("interop " + backend)
        results.append(result)
        if not os.path.exists(os.path.join(ROOT, script)):
            if options.strict:
                result.fail(script + " is missing")
            else:
                result.skip(script + " is missing")
            continue
        reason = probe_io_uring.refusal() if backend == "io_uring" else ""
        if reason:
            result.skip("all of it: " + reason)
            continue
        command = [sys.executable, script, "--server", os.path.join("build", "martlet-server")]
        command += ["--strict"] if options.strict else []
        command += ["--", "--io_backend", backend]
        print("$ " + " ".join(command), flush=True)
        output = []
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace") as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                output.append(line)
        if not result.add_output("interop", "".join(output),
                                 process.returncode in (0, SKIPPED_STATUS)):
            result.fail("run.py gave no total, status %d" % process.returncode)


def grouped(texts):
    """Equal texts once, with their number."""
    for text, number in collections.Counter(texts).items():
        yield text if number == 1 else "%s (%d times)" % (text, number)


def close(results, took):
    """Prints the closing block; returns the exit status."""
    print("\n" + "-" * 78)
    for result in results:
        print("%-24s %6d passed %5d failed %5d skipped"
              % (result.label, result.passed, result.failed, result.skipped))
    for title, texts in (("skipped", lambda result: result.skips),
                         ("failed", lambda result: result.failures)):
        rows = ["%s  %s" % (result.label, text) for result in results for text in texts(result)]
        if rows:
            print("\n%s:" % title)
            print("\n".join("  " + row for row in grouped(rows)))
    for note in dict.fromkeys(note for result in results for note in result.notes):
        print("\npending: " + note)
    print("\ntime: " + ", ".join("%s %d s" % item for item in took.items()))
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
    results, took = [], {}
    built = True
    for stage in STAGES:
        # The interop stage needs the release build, though not its tests.
        wanted = stage.name in options.stages
        if not wanted and not (stage.name == "release" and "interop" in options.stages):
            continue
        start = time.monotonic()
        success = build(stage, options, results)
        if stage.name == "release":
            built = success
        took[stage.name + " build"] = time.monotonic() - start
        start = time.monotonic()
        if success and wanted:
            suites = [name for name in stage.suites if not options.suites or name in options.suites]
            by_suite = run_meson_tests(stage, suites, results)
            for suite, result in by_suite.items():
                ran = result.passed + result.failed + result.skipped
                if options.strict and suite in REQUIRED and not ran:
                    result.fail("the suite is empty")
            took[stage.name] = time.monotonic() - start
    if "interop" in options.stages and built:
        start = time.monotonic()
        run_interop(options, results)
        took["interop"] = time.monotonic() - start
    return close(results, took)


if __name__ == "__main__":
    sys.exit(main())
