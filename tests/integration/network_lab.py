"""A small network of its own for every server: namespaces, a bridge between them, and what breaks it.

Node number n is 10.77.0.n in a namespace of its own, with an Ethernet pair to a bridge in one more.
Clients of a node talk to it over the loopback of its namespace, which no fault touches.
"""
import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from harness import Skip

NETMASK = 24
CLONE_NEWNET = 0x40000000
PACKET_OUTGOING = 4
libc = ctypes.CDLL(None, use_errno=True)


def enter(path):
    """Moves the calling thread into a network namespace."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)


def address(number):
    return f"10.77.0.{number}"


def hardware_address(number):
    return f"02:00:0a:4d:00:{number:02x}"


class NetworkLab:
    """Namespaces for `count` nodes; gone after close()."""

    def __init__(self, count):
        for tool in ("ip", "nft", "ss"):
            if shutil.which(tool) is None:
                raise Skip(f"there is no {tool} here")
        if os.geteuid() != 0:
            raise Skip("only root may make network namespaces")
        self.numbers = range(1, count + 1)
        self.prefix = f"martlet-{os.getpid()}-"
        self.relays = {}
        self.names = [self.prefix + "hub"] + [self.prefix + str(n) for n in self.numbers]
        try:
            self._build()
        except subprocess.CalledProcessError as why:
            self.close()
            raise Skip(f"no network namespaces here: {why}")

    def _build(self):
        for name in self.names:
            self._ip("netns", "add", name)
        hub = self.names[0]
        self._in(hub, "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0")
        self._in(hub, "link set br0 up")
        for number in self.numbers:
            self._connect(hub, number)

    def _connect(self, hub, number):
        name = self.names[number]
        self._quiet_ipv6(name)
        self._in(hub, f"link add p{number} type veth peer name eth0 netns {name}")
        self._in(hub, f"link add r{number} type veth peer name b{number}")
        for port in (f"p{number}", f"b{number}"):
            self._in(hub, f"link set {port} master br0 up")
        self._in(hub, f"link set r{number} up")
        self._in(name, f"link set eth0 address {hardware_address(number)}")
        self._in(name, "link set lo up")
        self._in(name, "link set eth0 up")
        self._in(name, f"addr add {address(number)}/{NETMASK} dev eth0")
        # What ARP does after a cut is not what is asked here.
        for other in self.numbers:
            if other != number:
                self._in(name, f"neigh add {address(other)} lladdr {hardware_address(other)} "
                               "dev eth0 nud permanent")
        with self.inside(number):
            without_offloads("eth0")
        self._nft(number, "add table inet faults\n"
                          "add chain inet faults in { type filter hook input priority 0; }\n")

    def close(self):
        for number in list(self.relays):
            self.end_slow(number)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    @staticmethod
    def _ip(*words):
        subprocess.run(["ip", *words], check=True, capture_output=True)

    def _in(self, name, words):
        self._ip("-n", name, *words.split())

    def _quiet_ipv6(self, name):
        subprocess.run(["ip", "netns", "exec", name, "sh", "-c",
                        "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"],
                       capture_output=True)

    def path(self, number):
        return "/run/netns/" + self.names[number]

    @contextlib.contextmanager
    def inside(self, number):
        """The calling thread is in the namespace of the node, for sockets that it makes."""
        own = f"/proc/self/task/{threading.get_native_id()}/ns/net"
        here = os.open(own, os.O_RDONLY | os.O_CLOEXEC)
        enter(self.path(number))
        try:
            yield
        finally:
            libc.setns(here, CLONE_NEWNET)
            os.close(here)

    def start(self, number, command, log_path):
        """A process in the namespace of the node."""
        path = self.path(number)
        with open(log_path, "ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    preexec_fn=lambda: enter(path))

    def _nft(self, number, text):
        path = self.path(number)
        subprocess.run(["nft", "-f", "-"], input=text.encode(), check=True, capture_output=True,
                       preexec_fn=lambda: enter(path))

    # Faults -----------------------------------------------------------------------------------

    def link(self, number, state):
        """`state`: up or down. Its cable is pulled, at the far end."""
        self._in(self.names[0], f"link set p{number} {state}")

    def deafen(self, number, others):
        """Nothing of `others` arrives at the node; what it says still reaches them."""
        self._nft(number, "".join(f"add rule inet faults in ip saddr {address(o)} drop\n"
                                  for o in others))

    def refuse(self, number, others):
        """What `others` send to the node is answered with RST by its firewall."""
        self._nft(number, "".join(
            f"add rule inet faults in ip saddr {address(o)} tcp flags & rst == 0 "
            "reject with tcp reset\n" for o in others))

    def hear_all(self, number):
        self._nft(number, "flush chain inet faults in\n")

    def reset(self, number, other):
        """Ends every TCP connection between the two."""
        path = self.path(number)
        subprocess.run(["ss", "-K", "-tn", "dst", address(other)], capture_output=True,
                       preexec_fn=lambda: enter(path))

    def begin_slow(self, number, delay, loss, seed):
        """Frames of the node take a detour that delays, and loses some, in both directions."""
        pid = os.fork()
        if pid == 0:
            try:
                enter("/run/netns/" + self.names[0])
                relay(f"p{number}", f"r{number}", delay, loss, random.Random(seed))
            finally:
                os._exit(1)
        self.relays[number] = pid
        self._in(self.names[0], f"link set p{number} nomaster")

    def end_slow(self, number):
        pid = self.relays.pop(number)
        self._in(self.names[0], f"link set p{number} master br0")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def without_offloads(interface):
    """Whole frames with whole checksums, so that a relay can pass them on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in (0x17, 0x19, 0x1F, 0x24):  # checksums, scatter-gather, TSO, GSO
            value = ctypes.create_string_buffer(struct.pack("II", command, 0))
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(value)).ljust(40)
            try:
                fcntl.ioctl(sock, 0x8946, request)  # SIOCETHTOOL
            except OSError:
                pass  # not every kernel has every one


def relay(one, two, delay, loss, dice):
    """Passes frames between two interfaces, `delay` seconds later and in order, until killed."""
    socks = []
    for interface in (one, two):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind((interface, 0))
        sock.setblocking(False)
        socks.append(sock)
    waiting = []
    count = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, to, frame = heapq.heappop(waiting)
            with contextlib.suppress(OSError):
                to.send(frame)
        patience = waiting[0][0] - now if waiting else 1.0
        for sock in select.select(socks, [], [], patience)[0]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    frame, source = sock.recvfrom(1 << 16)
                    if source[2] == PACKET_OUTGOING or dice.random() < loss:
                        continue
                    count += 1
                    to = socks[1] if sock is socks[0] else socks[0]
                    heapq.heappush(waiting, (time.monotonic() + delay, count, to, frame))
