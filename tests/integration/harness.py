"""A server process under test, a raw client and a tally: what the integration scripts share."""
import argparse
import atexit
import json
import os
import re
import resource
import shlex
import shutil
import socket
import subprocess
import tempfile
import time

CONNECT = b'CONNECT {"verbose":false,"pedantic":false,"protocol":1,"headers":true}\r\n'
MOMENT_SECONDS = 0.02


def prefer(cpus, nice):
    """Pins the calling process and raises its priority where that is allowed."""
    if cpus:
        os.sched_setaffinity(0, cpus)
    try:
        if nice:
            os.setpriority(os.PRIO_PROCESS, 0, nice)
    except PermissionError:
        pass


class Server:
    """One server process on a port of the kernel's choice; its log goes to a file.

    `limits` maps resource.RLIMIT_* to a value set, soft and hard, before the program starts;
    `cpus` pins it; `nice` is best effort. With `port=None` the command line is `extra` and nothing else.
    """

    def __init__(self, command, extra=(), limits=None, port=-1, env=None, wait=True,
                 cpus=None, nice=0):
        self.dir = tempfile.mkdtemp(prefix="martlet-test-")
        self.log_path = os.path.join(self.dir, "server.log")
        self.command = list(command)
        own = ["-a", "127.0.0.1", "-p", str(port), "--ports_file_dir", self.dir]
        self.args = [*(own if port is not None else ()), *extra]
        self.port = port if port and port > 0 else None
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

        def before_exec():
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            for which, value in (limits or {}).items():
                resource.setrlimit(which, (value, value))
            prefer(cpus, nice)

        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                self.command + self.args, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=before_exec, env={**os.environ, **(env or {})})
        self.pid = self.process.pid
        if wait:
            self.wait_ready()

    def wait_ready(self, seconds=10):
        """Returns once the server accepts; the port is read from its log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            log = self.log()
            found = re.search(r"Listening for client connections on \S*:(\d+)", log)
            if found and "Server is ready" in log:
                self.port = int(found.group(1))
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"server ended with {self.process.returncode}: {log[-2000:]}")
            time.sleep(0.005)
        self.kill()
        raise RuntimeError(f"server not ready after {seconds} s: {self.log()[-2000:]}")

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()

    def alive(self):
        return self.process.poll() is None

    def rss(self):
        """Resident bytes now."""
        return self._status("VmRSS")

    def peak_rss(self):
        """Most resident bytes since the start, or since reset_peak()."""
        return self._status("VmHWM")

    def reset_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w") as file:
            file.write("5")

    def _status(self, key):
        try:
            with open(f"/proc/{self.pid}/status") as file:
                found = re.search(key + r":\s+(\d+) kB", file.read())
            return int(found.group(1)) * 1024 if found else 0
        except OSError:
            return 0

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def fds(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds):
        """The exit code, or None if it still runs after so long."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Ends it politely, then firmly; removes its files; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            if self.wait(5) is None:
                self.kill()
        for name in os.listdir(self.dir):
            os.unlink(os.path.join(self.dir, name))
        os.rmdir(self.dir)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Client:
    """A raw connection: bytes out, bytes in, with a deadline on every read."""

    def __init__(self, port, greet=True, timeout=5.0):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = timeout
        self.buffer = b""
        self.info = {}
        if greet:
            self.read_info()
            self.send(CONNECT)
            self.ping()

    def read_info(self):
        line = self.line()
        if not line.startswith(b"INFO "):
            raise AssertionError(f"no INFO but {line!r}")
        self.info = json.loads(line[5:])

    def send(self, data):
        self.sock.sendall(data)

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing more within the time; have {self.buffer[-200:]!r}")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(1 << 16)
        finally:
            self.sock.settimeout(self.timeout)
        if not data:
            raise EOFError("closed by the server")
        self.buffer += data

    def line(self, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while b"\n" not in self.buffer:
            self._fill(deadline)
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def until(self, marker, timeout=None):
        """Everything up to and including `marker`."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while marker not in self.buffer:
            self._fill(deadline)
        end = self.buffer.index(marker) + len(marker)
        data, self.buffer = self.buffer[:end], self.buffer[end:]
        return data

    def ping(self, timeout=None):
        """Seconds until the PONG."""
        begin = time.monotonic()
        self.send(b"PING\r\n")
        self.until(b"PONG\r\n", timeout)
        return time.monotonic() - begin

    def rest(self, timeout=2.0):
        """What comes until the server closes or the time is up: (bytes, closed).

        A machine that stands still uses up none of the time but a moment: what others would have sent
        meanwhile is still waited for.
        """
        closed = False
        while timeout > 0 and not closed:
            begin = time.monotonic()
            moment = min(timeout, MOMENT_SECONDS)
            try:
                self._fill(begin + moment)
            except TimeoutError:
                pass
            except (EOFError, ConnectionError):
                closed = True
            timeout -= min(moment, time.monotonic() - begin)
        data, self.buffer = self.buffer, b""
        return data, closed

    def reset(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Skip(Exception):
    """Raised inside a case that cannot run here."""


class Tally:
    """Runs cases, prints one line each and the sum at the end."""

    def __init__(self, only=None):
        self.only = re.compile(only) if only else None
        self.passed = self.failed = self.skipped = 0

    def run(self, name, case, *args):
        """`case` returns a remark or None, raises Skip, or raises anything else to fail."""
        if self.only and not self.only.search(name):
            return
        begin = time.monotonic()
        try:
            remark = case(*args)
            word = "ok"
            self.passed += 1
        except Skip as why:
            word, remark = "skip", str(why)
            self.skipped += 1
        except Exception as why:  # a case may fail in any way; the others must still run
            word, remark = "FAIL", f"{type(why).__name__}: {why}"
            self.failed += 1
        seconds = time.monotonic() - begin
        print(f"{word:4}  {name:44} {seconds:6.2f} s  {remark or ''}".rstrip(), flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def wait_for(condition, message, seconds=8.0):
    """What `condition` says when it first says something true. `message` may be a function."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() >= deadline:
            text = message() if callable(message) else message
            raise AssertionError(f"not within {seconds} s: {text}")
        time.sleep(0.01)
    return value


def arguments(description, add=None):
    """--server, --only and what `add(parser)` adds; args.server becomes a list of words."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--server", required=True, help="server command, may hold arguments")
    parser.add_argument("--only", help="run only the cases whose name matches this pattern")
    if add:
        add(parser)
    args = parser.parse_args()
    args.server = shlex.split(args.server)
    return args


def countable_memory():
    """The environment of a server whose resident memory is to be judged: an address-sanitized one keeps
    256 MiB of what it freed, so that a late use shows. Changes nothing for others.
    """
    options = [os.environ.get("ASAN_OPTIONS", ""), "quarantine_size_mb=1",
               "thread_local_quarantine_size_kb=64"]
    return {"ASAN_OPTIONS": ":".join(filter(None, options))}


def interop_cache():
    """The folder that tools/install-interop builds in."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.environ.get("MARTLET_INTEROP_CACHE") or os.path.join(top, "build", "interop")


def reference_server():
    """The nats-server that ours is compared with: what tools/install-interop built, else the one on PATH,
    else None.
    """
    built = os.path.join(interop_cache(), "reference", "nats-server")
    return shutil.which(built) or shutil.which("nats-server")


def reference_servers():
    """Where nats-servers of several releases may be: Debian's, and what tools/install-interop built."""
    return ["/usr/sbin/nats-server"] + [
        os.path.join(interop_cache(), folder, "nats-server")
        for folder in ("reference", "reference-2.10.27")]


def write_config(text):
    """The path of a configuration file that lives as long as this process."""
    file = tempfile.NamedTemporaryFile("w", prefix="martlet-test-", suffix=".conf", delete=False)
    with file:
        file.write(text)
    atexit.register(os.unlink, file.name)
    return file.name
