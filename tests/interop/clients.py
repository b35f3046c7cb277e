"""The clients, each built from its sources here, and the releases of nats-server that tests want."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HINT = "run tools/install-interop"

BUILD_S = 1200  # one build step

SCENARIOS = (
    "pubsub_wildcards",
    "request_reply",
    "no_responders",
    "queue_group",
    "headers",
    "drain",
    "flush",
    "reconnect",
)
CLI_SCENARIOS = (
    "sub_all",
    "pub_count",
    "pub_headers",
    "req_reply",
    "no_responders",
    "reply_echo",
    "queue_group",
    "bench",
    "rtt",
    "reconnect",
)


class Skip(Exception):
    """What this client needs is not here."""


class Failure(Exception):
    """What is here does not work."""


class Builder:
    """Builds one client in `<cache>/<name>/`, from a copy of its sources."""

    def __init__(self, name, cache):
        self.name = name
        self.source = HERE / name
        self.out = cache / name
        self.work = self.out / "src"
        self.log = cache / "logs" / f"{name}.build"

    def digest(self):
        sha = hashlib.sha256(platform.machine().encode())
        for path in sorted(self.source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                sha.update(f"\n{path.relative_to(self.source)}\n".encode())
                sha.update(path.read_bytes())
        return sha.hexdigest()

    def run(self, kind, *argv, cwd=None, env=None):
        """Runs one step. A failed fetch is a skip (no network here), a failed compile a failure."""
        with open(self.log, "a") as log:
            log.write(f"\n$ {shlex.join(map(str, argv))}\n")
            log.flush()
            process = subprocess.Popen(
                [str(a) for a in argv],
                cwd=cwd or self.work,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                status = process.wait(BUILD_S)
            except subprocess.TimeoutExpired:
                status = f"timeout after {BUILD_S} s"
            finally:
                kill_group(process)
        if status != 0:
            what = f"{argv[0]} {argv[1]}"
            reason = f"{pathlib.Path(what).name} failed ({status}); see {self.log}"
            raise Skip(reason) if kind == "fetch" else Failure(reason)

    def tool(self, name, hint=HINT):
        path = shutil.which(name)
        if not path:
            raise Skip(f"{name} not found; {hint}")
        return path

    def build(self, steps, allowed):
        """Calls steps(self) unless the same sources were built before."""
        stamp = self.out / "stamp"
        want = self.digest()
        if stamp.exists() and stamp.read_text() == want:
            return
        if not allowed:
            raise Skip(f"not built in {self.out}; {HINT}")
        stamp.unlink(missing_ok=True)
        shutil.rmtree(self.work, ignore_errors=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")
        shutil.copytree(self.source, self.work, ignore=shutil.ignore_patterns("__pycache__"))
        steps(self)
        stamp.write_text(want)


def version(argv, pattern=r"(\d+)\.(\d+)"):
    """The first version that the command prints, as (major, minor)."""
    text = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    match = re.search(pattern, text)
    return tuple(map(int, match.groups())) if match else (0, 0)


def go_build(builder, package, output, oldest_mod):
    """Builds with go.mod where Go is new enough for it, else with the modules of Debian 12's Go."""
    go = builder.tool("go")
    have = version([go, "version"], r"go(\d+)\.(\d+)")
    if have < (1, 19):
        raise Skip(f"Go {have[0]}.{have[1]} is older than 1.19; {HINT}")
    mod = "go.mod" if have >= (1, 24) else oldest_mod
    env = {"GOTOOLCHAIN": "local", "GOWORK": "off"}
    flags = ("-modfile=" + mod, "-buildvcs=false")
    builder.run("fetch", go, "list", *flags, "-deps", package, env=env)
    builder.run("compile", go, "build", *flags, "-o", output, package, env=env)


class Client:
    """One row of the table below: how to build it, how to run it, what it must report."""

    scenarios = SCENARIOS

    def __init__(self, name, cache):
        self.builder = Builder(name, cache)

    def prepare(self, allowed):
        self.builder.build(self.steps, allowed)
        return self.argv()


class GoClient(Client):
    def steps(self, b):
        go_build(b, ".", b.out / "interop", "go119.mod")
        go_build(b, "./roam", b.out / "roam", "go119.mod")

    def argv(self):
        return [self.builder.out / "interop"]


class PythonClient(Client):
    def steps(self, b):
        venv = b.out / "venv"
        shutil.rmtree(venv, ignore_errors=True)
        b.run("fetch", sys.executable, "-m", "venv", venv)
        python = venv / "bin" / "python"
        b.run("fetch", python, "-m", "pip", "install", "--require-hashes", "-r", "requirements.txt")

    def argv(self):
        return [self.builder.out / "venv" / "bin" / "python", self.builder.work / "main.py"]


class JsClient(Client):
    def steps(self, b):
        have = version([b.tool("node"), "--version"])
        if have < (18, 0):
            raise Skip(f"node {have[0]} is older than 18; {HINT}")
        b.run("fetch", b.tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund")

    def argv(self):
        return [self.builder.tool("node"), self.builder.work / "main.js"]


class RustClient(Client):
    def steps(self, b):
        cargo = b.tool("cargo")
        have = version([b.tool("rustc"), "--version"])
        if have < (1, 89):
            raise Skip(f"rustc {have[0]}.{have[1]} is older than 1.89, which async-nats needs; {HINT}")
        target = ("--target-dir", b.out / "target")
        b.run("fetch", cargo, "fetch", "--locked")
        b.run("compile", cargo, "build", "--locked", "--offline", *target)

    def argv(self):
        return [self.builder.out / "target" / "debug" / "interop"]


class JavaClient(Client):
    def steps(self, b):
        javac = b.tool("javac")
        b.run("fetch", b.tool("mvn"), "dependency:copy-dependencies", "-B", "-DoutputDirectory=lib")
        b.run("compile", javac, "--release", "11", "-cp", "lib/*", "-d", "classes", "Main.java")

    def argv(self):
        work = self.builder.work
        path = f"{work / 'classes'}:{work / 'lib'}/*"
        return [self.builder.tool("java"), "-XX:TieredStopAtLevel=1", "-cp", path, "Main"]


class CClient(Client):
    def steps(self, b):
        cc = b.tool("cc")
        probe = [cc, "-fsyntax-only", "-include", "nats/nats.h", "-x", "c", os.devnull]
        if subprocess.run(probe, capture_output=True).returncode != 0:
            raise Skip(f"nats/nats.h (libnats-dev) not found; {HINT}")
        flags = ("-std=c11", "-Wall", "-Wextra", "-O1", "-pthread")
        b.run("compile", cc, *flags, "main.c", "-o", b.out / "interop", "-lnats")
        b.run("compile", cc, *flags, "roam.c", "-o", b.out / "roam", "-lnats")

    def argv(self):
        return [self.builder.out / "interop"]


class CliClient(Client):
    """The `nats` on PATH, else one built from the pinned module."""

    scenarios = CLI_SCENARIOS

    def prepare(self, allowed):
        nats = shutil.which("nats")
        if not nats:
            self.builder.build(self.steps, allowed)
            nats = self.builder.out / "nats"
        return [sys.executable, self.builder.source / "scenarios.py", nats]

    def steps(self, b):
        go_build(b, "github.com/nats-io/natscli/nats", b.out / "nats", "go119.mod")


class Reference:
    """nats-server, of the release that ours follows or of another: no client, but what tests compare
    with and put into clusters."""

    OLDEST_GO = (1, 26)  # that it builds with
    SWITCHING_GO = (1, 21)  # fetches the release that a go.mod names by itself

    def __init__(self, name, cache):
        self.builder = Builder(name, cache)

    def prepare(self, allowed):
        self.builder.build(self.steps, allowed)

    def steps(self, b):
        go = b.tool("go")
        have = version([go, "version"], r"go(\d+)\.(\d+)")
        if have < (1, 19):
            raise Skip(f"Go {have[0]}.{have[1]} is older than 1.19; {HINT}")
        env = {"GOTOOLCHAIN": "local" if have >= self.OLDEST_GO else "auto", "GOWORK": "off"}
        if have < self.SWITCHING_GO:
            root = self.fetch_go(b, go)
            go = root / "bin" / "go"
            env.update(GOTOOLCHAIN="local", GOROOT=str(root))
        package = "github.com/nats-io/nats-server/v2"
        b.run("fetch", go, "list", "-deps", package, env=env)
        b.run("compile", go, "build", "-buildvcs=false", "-o", b.out / "nats-server", package, env=env)

    def fetch_go(self, b, go):
        """The folder of the Go that go.mod names, got the way that newer ones take: it is a module."""
        wanted = re.search(r"^toolchain (go\S+)", (b.work / "go.mod").read_text(), re.MULTILINE)[1]
        words = subprocess.run([go, "env", "GOMODCACHE", "GOOS", "GOARCH"], capture_output=True,
                               text=True).stdout.split()
        module = f"golang.org/toolchain@v0.0.1-{wanted}.{words[1]}-{words[2]}"
        root = b.out.parent / wanted  # for all of them
        if root.exists():
            return root
        b.run("fetch", go, "mod", "download", module, cwd=b.out)
        unfinished = root.with_name(wanted + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        # A module has no nested go.mod, and nothing in it may be executed.
        b.run("compile", "cp", "-r", "--no-preserve=mode", f"{words[0]}/{module}", unfinished)
        b.run("compile", "cp", unfinished / "src" / "_go.mod", unfinished / "src" / "go.mod")
        for program in (*unfinished.glob("bin/*"), *unfinished.glob("pkg/tool/*/*")):
            program.chmod(0o755)
        unfinished.rename(root)
        return root


CLIENTS = {
    "cli": CliClient,
    "go": GoClient,
    "python": PythonClient,
    "js": JsClient,
    "rust": RustClient,
    "java": JavaClient,
    "c": CClient,
}
BUILT_ONLY = {"reference": Reference, "reference-2.10.27": Reference}


@contextlib.contextmanager
def locked(cache):
    """Two runs may share a cache; only one builds at a time."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def kill_group(process):
    """Ends what is left of a process that leads its own group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
