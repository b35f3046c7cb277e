"""Martlet in one role of a transcript: its configuration, its process and its clients."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from route_transcript import take_op, take_ops

FREE_PORTS_TRIED = 40


class Failure(Exception):
    """What Martlet did differs from what the transcript tells."""


class Ports:
    """Ports for those in a transcript, held from the start so that nobody else takes them."""

    def __init__(self, first, peers, role):
        self.number, self.held = {}, {}
        candidates = iter(range(first, first + FREE_PORTS_TRIED))
        for peer in peers.values():
            for port in (peer.client_port, peer.cluster_port):
                keep = port == peer.cluster_port and peer.name != role
                sock = self._bind(candidates)
                self.number[port] = sock.getsockname()[1]
                if keep:
                    self.held[peer.name] = sock
                else:
                    sock.close()

    @staticmethod
    def _bind(candidates):
        for port in candidates:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", port))
                return sock
            except OSError:
                sock.close()
        raise Failure("no free port")

    def translate(self, text):
        """`text` (str or bytes) with the ports of this replay."""
        if isinstance(text, bytes):
            return self.translate(text.decode("latin1")).encode("latin1")
        return re.sub(r"\b21[01]0\d\b",
                      lambda m: str(self.number.get(int(m[0]), m[0])), text)


def own_infos(transcript, role):
    """(INFO as JSON, whether it accepted) of what the reference in this role said of itself."""
    for event in transcript.events:
        if event.kind != "bytes" or event.ends[0] != role:
            continue
        for op in take_ops(event.data) if b"$SYS.S" not in event.data else []:
            if op.line.startswith(b"INFO "):
                info = json.loads(op.line[5:])
                if info["server_id"] == "{ID_%s}" % role:
                    yield info, transcript.ends[event.conn][1] == role


class Configuration:
    """A configuration file like that of the reference server in this role."""

    def __init__(self, transcript, role, script, ports):
        infos = list(own_infos(transcript, role))
        info = infos[0][0] if infos else {}
        said = [one.get("compression", "off") for one, accepted in infos if accepted]
        asked = info.get("compression", "off")
        pooled = "route_pool_size" in info
        own = script.config.get(role, {})
        self.ports, self.role, self.peer = ports, role, transcript.peers[role]
        self.flags = own.get("flags", "")
        self.server_name = info.get("server_name", role)
        self.cluster_name = "" if info.get("cluster_dynamic") else info.get("cluster", "C1")
        self.pool_size = own.get("pool_size", info.get("route_pool_size", -1))
        self.compression = own.get("compression") or (
            said[0] if said else asked if asked.startswith("s2") or not pooled else "accept")
        self.system_account = role in transcript.with_system_account
        self.routes = own.get("routes", self.peer.routes)
        self.cluster = own.get("cluster", [])
        self.top = own.get("top", [])

    def text(self):
        peer = self.peer
        lines = ["server_name: %s" % self.server_name, "listen: 127.0.0.1:%d" % peer.client_port]
        lines += self.top + ([] if self.system_account else ["no_system_account: true"])
        lines += ["cluster {", "  listen: 127.0.0.1:%d" % peer.cluster_port,
                  "  pool_size: %d" % self.pool_size, '  compression: "%s"' % self.compression,
                  "  routes: [%s]" % ", ".join('"%s"' % url for url in self.routes)]
        if self.cluster_name:
            lines.append("  name: %s" % self.cluster_name)
        return self.ports.translate("\n".join(lines + ["  " + one for one in self.cluster] + ["}"]))

    def arguments(self, directory):
        if self.flags == "localhost":  # the command lines of the upgrade guide
            line = ("-p %d -cluster nats://localhost:%d -routes "
                    "nats://localhost:21101,nats://localhost:21102"
                    % (self.peer.client_port, self.peer.cluster_port))
            return self.ports.translate(line).split()
        path = os.path.join(directory, "server.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text() + "\n")
        return ["-c", path]


class Martlet:
    """The process; its log is kept for the report of a failure."""

    def __init__(self, command, configuration):
        self.command, self.configuration = command, configuration
        self.dir = tempfile.mkdtemp(prefix="replay-route-")
        self.process, self.logs = None, ""
        self.start()

    @property
    def client_port(self):
        return self.configuration.ports.number[self.configuration.peer.client_port]

    @property
    def cluster_port(self):
        return self.configuration.ports.number[self.configuration.peer.cluster_port]

    def start(self):
        arguments = self.configuration.arguments(self.dir)
        with open(os.path.join(self.dir, "server.log"), "wb") as log:
            self.process = subprocess.Popen(self.command + arguments + ["-D"], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, cwd=self.dir)

    def ready(self):
        if self.process.poll() is not None:
            raise Failure("the server ended with %s: %s"
                          % (self.process.returncode, self.log()[-600:]))
        return "Listening for route connections" in self.log()

    def log(self):
        with open(os.path.join(self.dir, "server.log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def signal(self, name):
        self.process.send_signal(getattr(signal, "SIG" + name))

    def reloads(self):
        return self.log().count("Reloaded server configuration")

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.logs += self.log()

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Client:
    """A client of Martlet: what it receives is kept, PINGs are answered."""

    def __init__(self, port, echo=True):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending, self.received, self.pongs, self.closed = b"", [], 0, False
        options = {"verbose": False, "pedantic": False, "protocol": 1, "headers": True}
        if not echo:
            options["echo"] = False
        self.sock.sendall(b"CONNECT " + json.dumps(options).encode() + b"\r\n")

    def feed(self, data):
        self.pending += data
        while True:
            op, self.pending = take_op(self.pending)
            if op is None:
                return
            if op.line == b"PING":
                self.sock.sendall(b"PONG\r\n")
            elif op.line == b"PONG":
                self.pongs += 1
            else:
                self.received.append((op, time.monotonic()))
