"""A server that is none: its connection to a cluster's port, its CONNECT and its INFO."""
import itertools
import json

import harness

ids = itertools.count(1)


def fresh_id():
    return "NHOSTILE%048d" % next(ids)


class Peer(harness.Client):
    """A connection to the cluster's port that pretends to be a server."""

    def __init__(self, victim, timeout=5.0):
        super().__init__(victim.route_port, greet=False, timeout=timeout)
        self.id = fresh_id()

    def connect(self, cluster="C1", **fields):
        self.read_info()
        self.send(connect_line(name=self.id, cluster=cluster, **fields))
        return self

    def join(self, **fields):
        """A registered route of a server without a pool."""
        self.connect()
        self.send(info_line(server_id=self.id, server_name=self.id, **fields))
        self.ping()
        return self


def connect_line(**fields):
    return b"CONNECT " + json.dumps(
        {"echo": True, "verbose": False, "pedantic": False, "headers": True, **fields}
    ).encode() + b"\r\n"


def info_line(**fields):
    info = {"server_id": fresh_id(), "version": "0.0.1", "proto": 1, "host": "127.0.0.1",
            "port": 1, "headers": True, "max_payload": 1048576, "cluster": "C1"}
    info.update(fields)
    info.setdefault("server_name", info["server_id"])
    return b"INFO " + json.dumps(info).encode() + b" \r\n"
