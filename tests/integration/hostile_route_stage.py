"""The stage of hostile_routes.py: a victim, an honest server with routes to it, messages between."""
import re
import time

import harness
import hostile_stage
from cluster import Kind, Node, free_port, mesh, subscribe, wait_for
from harness import expect
from hostile_stage import SANITIZED, TooSlow


class Witness(hostile_stage.Witness):
    """A stream of numbered messages from a client of one server to one of the other."""

    def __init__(self, from_node, to_node):
        self.subscriber = to_node.client()
        self.publisher = from_node.client()
        subscribe(self.subscriber, "witness", 1)
        self.number = 0
        wait_for(self._first, "the first message of the witness")
        super().__init__()

    def _first(self):
        self.publisher.send(b"PUB witness 5\r\nfirst\r\n")
        try:
            self.subscriber.until(b"first\r\n", timeout=0.05)
        except TimeoutError:
            return False
        return True

    def exchange(self):
        self.number += 1
        text = b"number %d" % self.number
        self.publisher.send(b"PUB witness %d\r\n%s\r\n" % (len(text), text))
        self.subscriber.until(text + b"\r\n", timeout=5)

    def close(self):
        self.subscriber.close()
        self.publisher.close()


class Stage(hostile_stage.Stage):
    """For each case two servers of its own, and a witness in each direction."""

    WAIT_FOR = "message"
    WAIT_SECONDS_MAX = 5.0 if SANITIZED else 1.0

    def perform(self, attack, bound, **setting):
        """A busy machine may make anyone wait, but hardly twice."""
        try:
            return self._guarded(attack, bound, **setting)
        except TooSlow:
            return self._guarded(attack, bound, **setting)

    def _guarded(self, attack, bound, config="", limits=None):
        kind = Kind("victim", self.args.server[0], self.args.server[1:])
        port = free_port()
        login = "route:secret@" if "authorization" in config else ""
        text = "cluster {\n  name: C1\n  listen: \"127.0.0.1:%d\"\n%s\n}\n" % (port, config)
        friend_routes = f"nats://{login}127.0.0.1:{port}"
        with Victim(kind, port, text, limits) as victim, \
                Node(kind, "FRIEND", extra=["--routes", friend_routes]) as friend:
            mesh([victim, friend])
            wait_for(lambda: sum(victim.registered().values()) >= 4, "the whole pool")
            closed_before = honest_closes(friend)
            witnesses = [Witness(friend, victim), Witness(victim, friend)]
            note = self.attacked(attack, [victim, friend], witnesses, bound)
            closed = honest_closes(friend) - closed_before
            expect(closed == 0, f"{closed} honest routes were closed")
            return note


class Victim(Node):
    """A server whose cluster comes from a configuration file."""

    def __init__(self, kind, route_port, config, limits=None):
        self.kind, self.name, self.route_port = kind, "VICTIM", route_port
        harness.Server.__init__(self, [kind.command, *kind.flags],
                                ["-n", "VICTIM", "-D", "-c", harness.write_config(config)],
                                port=free_port(), limits=limits,
                                env=harness.countable_memory())


def honest_closes(friend):
    """Closed routes of the friend to the victim; what comes and goes in a case is not meant."""
    return len(re.findall(r"Router connection closed: .*Remote: VICTIM", friend.log()))


def joins_still(victim, config_login=""):
    """A third honest server finds its way into the cluster."""
    newcomer = Node(victim.kind, "NEWCOMER",
                    extra=["--routes", f"nats://{config_login}127.0.0.1:{victim.route_port}"])
    with newcomer:
        begin = time.monotonic()
        wait_for(lambda: len(newcomer.registered()) >= 2, "a newcomer in the mesh", 5)
        return f"a newcomer joined in {time.monotonic() - begin:.1f} s"
