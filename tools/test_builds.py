"""The stages of tools/test and their builds, one after the other, beside the tests of the one before."""
import collections
import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading

from test_results import Cost, Result

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SUITES = ("unit", "structure", "integration", "transcripts", "fuzz")

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
