"""Clients and the operator in a replay: what they do, and what clients have received."""
import collections
import re

from route_martlet import Client, Failure


class Steps:
    """The part of a Replay that performs the steps of its script."""

    def synchronize(self):
        """Waits until Martlet has read all that was sent to it."""
        for conn in self.conns.values():
            if conn.sent_info and conn.got_info and not conn.closed and not conn.shut:
                conn.pongs_due += 1
                conn.send(b"PING\r\n")
                self.wait(lambda c=conn: c.closed or c.pongs >= c.pongs_due, "PONG")
        self.settle(0.03)

    def client(self, name, **options):
        if name not in self.clients:
            self.clients[name] = Client(self.martlet.client_port, **options)
            self.flush(self.clients[name])
        return self.clients[name]

    def flush(self, client, data=b""):
        wanted = client.pongs + 1
        client.sock.sendall(data + b"PING\r\n")
        self.wait(lambda: client.closed or client.pongs >= wanted, "PONG to a client")

    def take(self, steps):
        mine = [step for step in steps if step.server == self.role]
        if mine:
            self.synchronize()
        for step in mine:
            self.last_action_by_client = step.verb == "write"
            getattr(self, "do_" + step.verb)(step)

    def do_open(self, step):
        self.client(step.client, **step.value)

    def do_write(self, step):
        self.flush(self.client(step.client), step.value)
        self.settle(0.02)

    def do_close(self, step):
        self.clients.pop(step.client).sock.close()

    def do_pause(self, step):
        self.settle(step.value)

    def do_signal(self, step):
        self.martlet.signal(step.value)

    def do_reload(self, step):
        for key, value in step.value.items():
            setattr(self.configuration, key, value)
        self.configuration.arguments(self.martlet.dir)
        before = self.martlet.reloads()
        self.martlet.signal("HUP")
        self.wait(lambda: self.martlet.reloads() > before, "the reload")

    def do_restart(self, step):
        for key, value in step.value.items():
            setattr(self.configuration, key, value)
        self.martlet.end()
        for conns in self.unknown.values():
            conns.clear()  # those of the process before
        for kind in ("ID_", "NAME_"):
            self.names.known.pop(kind + self.role, None)
        self.last_close.clear()
        self.martlet.start()
        self.wait(self.martlet.ready, "the server's start", 10)

    def do_quiet(self, step):
        before = self.accepted
        self.settle(step.value)
        if self.accepted != before:
            raise Failure("dials a route within %g s" % step.value)

    def check_clients(self):
        for who, wanted in self.transcript.received.items():
            server, _, name = who.partition(".")
            if server != self.role or name not in self.clients:
                continue
            received = [op for op, _ in self.clients[name].received]
            self.check_infos(who, [op for op in wanted if op.line.startswith(b"INFO ")],
                             [op for op in received if op.line.startswith(b"INFO ")][1:])
            self.check_messages(who, wanted, received)

    def check_infos(self, who, wanted, received):
        """What INFOs after the first tell of client URLs and of the end."""
        def told(ops):
            infos = [re.sub(rb'"connect_info":true.*', b"", op.line) == op.line and op
                     for op in ops]
            rows = []
            for op in filter(None, infos):
                urls = re.search(r'"connect_urls":\[([^\]]*)\]', self.ports.translate(
                    op.line.decode()))
                rows.append((sorted(urls[1].split(",")) if urls else [], b'"ldm":true' in op.line))
            return rows
        want, got = told(wanted), told(received)
        if want != got:
            raise Failure("%s is told %s, expected %s" % (who, got, want))

    def check_messages(self, who, wanted, received):
        """All messages, and those of one subscription in their order."""
        def by_sid(ops):
            table = collections.defaultdict(list)
            for op in ops:
                if op.payload is not None:
                    words = op.line.split()
                    table[words[2]].append((op.line, op.payload))
            return table
        if "g1 may stay" in self.script.loose.get(self.role, ()):
            return
        want, got = by_sid(wanted), by_sid(received)
        for sid in sorted(set(want) | set(got)):
            if want[sid] != got[sid]:
                raise Failure("%s got for %s: %s, expected %s"
                              % (who, sid.decode(), got[sid], want[sid]))
