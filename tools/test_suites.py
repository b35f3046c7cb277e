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
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import time

import probe_io_uring
from test_builds import ROOT, STAGES, SUITES, capture, finish, run, start_builds
from test_results import Cost, Result, close

PROJECT = "martlet"
STAGE_NAMES = tuple(stage.name for stage in STAGES) + ("interop",)
REQUIRED = ("unit", "structure", "integration", "transcripts")  # empty ones fail with --strict
SKIPPED_STATUS = 77  # everything was skipped, as meson and autotools agree


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
