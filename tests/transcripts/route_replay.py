"""One transcript with Martlet in the role of one of its servers."""
import os
import re
import select
import socket
import time

from check_transcripts import TROUBLE
from route_connection import Conn, Forwarded, kind_of_info
from route_expect import Comparison, Names, of_system_account
from route_logs import missing
from route_martlet import Configuration, Failure, Martlet, Ports
from route_scripts import SCRIPTS, Script
from route_steps import Steps
from route_transcript import Transcript, take_ops

PATIENCE = 10.0    # seconds for what is expected
REDIAL_MIN = 0.75  # the reference waits 1 s and up to 0.1 s more
REDIAL_MAX = 4.0
GATE_TIME = 0.6    # a PING this early asks whether the pool may grow


def id_of(name, greatest):
    """An id that is greater or less than every one that Martlet makes for itself, or nearly so."""
    return ("N" + "2Z"[greatest] * 4 + name.upper() + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 2)[:56]


class Replay(Steps):
    """One transcript with Martlet in one role."""

    def __init__(self, transcript, role, script, command, first_port):
        self.transcript, self.role, self.script = transcript, role, script
        self.names = Names()
        self.ports = Ports(first_port, transcript.peers, role)
        self.configuration = Configuration(transcript, role, script, self.ports)
        self.compare = Comparison(self.names, role, transcript.peers[role].version,
                                  script.loose.get(role, ()))
        self.conns, self.waiting, self.unknown = {}, {}, {}
        self.clients, self.listening, self.last_close, self.dialed = {}, {}, {}, set()
        self.last_action_by_client = False
        self.gate_opened = {}  # when a pool was allowed to grow last, by server
        self.accepted = 0
        # Where two have dialled each other and a PONG comes too late to tell who stays, Martlet keeps
        # the connection of the greater id; in the transcripts it is the one dialled first.
        first_dialer = next(iter(transcript.ends.values()), (role,))[0]
        for name in list(transcript.peers) + ["peer"]:
            if name != role:
                self.names.known["ID_" + name] = id_of(name, name == first_dialer)
        for name in script.names.values():
            if name != role:
                self.names.known["NAME_" + name] = ("z" if name == script.winner else "0") * 22
        self.events = self.own_events()
        self.martlet = Martlet(command, self.configuration)

    # What is to happen ------------------------------------------------------------------------

    def own_events(self):
        """The events that Martlet in its role takes part in, with the steps of clients."""
        events, number = [], 0
        for event in self.transcript.events:
            time_ = event.time
            if event.kind == "action":
                shift = self.script.shift
                time_ += shift.get(number, 0) if isinstance(shift, dict) else shift
                steps = self.script.actions[number] if number < len(self.script.actions) else ()
                number += 1
                events.append((time_, event, steps))
            elif self.role in event.ends and event.conn not in self.script.without:
                if events and self.told_together(events[-1][1], event):
                    before = events.pop()[1]
                    event = before._replace(data=before.data + event.data)
                events.append((time_, event, ()))
        for time_, steps in self.script.more:
            events.append((time_, None, steps))
        return sorted(events, key=lambda one: one[0])

    def told_together(self, before, event):
        """Interest in two segments that only chance has divided."""
        return (before is not None and before.kind == event.kind == "bytes" and
                before.conn == event.conn and before.ends == event.ends and
                before.ends[0] == self.role and event.time - before.time < 0.002 and
                before.data.startswith(b"RS+ ") and event.data.startswith(b"RS+ "))

    def text_of(self, event):
        data = event.data
        for name, whose in self.script.names.items():
            data = data.replace(name.encode(), b"{NAME_%s}" % whose.encode())
        return self.ports.translate(data)

    def ops_of(self, event):
        text = self.text_of(event)
        text = re.sub(rb"RMSG \$SYS [^\r]*\r\n\{\"server\".*?\r\n", b"", text)
        return [op for op in take_ops(text) if not of_system_account(op)]

    def conn_events(self, number):
        return [event for _, event, _ in self.events
                if event and event.kind in ("bytes", "closed") and event.conn == number]

    # Bytes ------------------------------------------------------------------------------------

    def pump(self, seconds):
        socks = {}
        for name, sock in self.listening.items():
            socks[sock] = ("listener", name)
        for conn in [*self.conns.values(), *(c for some in self.unknown.values() for c in some)]:
            if not conn.closed:
                socks[conn.sock] = ("conn", conn)
        for client in self.clients.values():
            if not client.closed:
                socks[client.sock] = ("conn", client)
        if not socks:
            time.sleep(min(seconds, 0.01))
            return
        for sock in select.select(list(socks), [], [], min(seconds, 0.02))[0]:
            what, who = socks[sock]
            if what == "listener":
                self.accept(who, sock)
                continue
            try:
                data = sock.recv(1 << 18)
            except OSError:
                data = b""
            if data:
                who.feed(data)
            else:
                who.closed = True

    def wait(self, condition, what, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure("not within %g s: %s" % (seconds, what() if callable(what) else what))
            self.pump(left)

    def settle(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.pump(deadline - time.monotonic())

    # Connections ------------------------------------------------------------------------------

    def listen(self, name):
        if name in self.ports.held and name not in self.listening:
            self.ports.held[name].listen(16)
            self.listening[name] = self.ports.held[name]

    def refuse(self, name):
        """The server is gone: nobody listens on its port."""
        if name in self.listening:
            self.listening.pop(name).close()
            self.ports.held.pop(name)

    def listen_early(self):
        """All listen from the start but those whom another connection had found first.

        Those were not up yet when the reference dialled them at its own start.
        """
        opened = [event.ends for _, event, _ in self.events if event and event.kind == "opened"]
        for number, (dialer, acceptor) in enumerate(opened):
            routes = self.ports.translate(" ".join(self.configuration.routes))
            explicit = acceptor in self.ports.held and str(
                self.ports.number[self.transcript.peers[acceptor].cluster_port]) in routes
            explicit |= bool(self.configuration.flags)
            if dialer == self.role and (number == 0 or not explicit or
                                        opened[0] == (dialer, acceptor)):
                self.listen(acceptor)

    def accept(self, name, listener):
        conn = Conn(listener.accept()[0], True)
        self.accepted += 1
        self.unknown.setdefault(name, []).append(conn)
        later = sorted(number for number, ends in self.transcript.ends.items()
                       if ends == (self.role, name) and number not in self.conns
                       and number not in self.script.without)
        number = later[min(len(self.unknown[name]), len(later)) - 1] if later else 0
        if not number:
            return
        # As long as it is not known which one it is, no PING is answered that lets a pool grow.
        conn.gates = int(self.configuration.pool_size >= 1)
        for event in self.conn_events(number):
            if event.ends[0] == name and event.data.startswith(b"INFO "):
                conn.send(self.names.fill(self.text_of(event)))
                conn.auto_info = conn.sent_info = True
                return

    def is_gate(self, number, event):
        return (event.kind == "bytes" and event.ends[0] == self.transcript.ends[number][0] and
                re.search(rb"(?m)^PING\r$", event.data) and
                event.time < self.opened_at(number) + GATE_TIME)

    def opened_at(self, number):
        return next(event.time for _, event, _ in self.events
                    if event and event.kind == "opened" and event.conn == number)

    def conn(self, number):
        """The connection, after it was found out which of those that Martlet dialled it is."""
        if number in self.conns:
            return self.conns[number]
        _, name = self.transcript.ends[number]
        wanted = None
        for event in self.conn_events(number):
            if event.ends[0] == self.role and event.kind == "bytes":
                for op in self.ops_of(event):
                    if op.line.startswith(b"INFO ") and wanted is None:
                        wanted = kind_of_info(op)
        begin = time.monotonic()

        def fitting():
            some = [conn for conn in self.unknown.get(name, [])
                    if conn.kind() == wanted and (wanted or conn.closed)]
            if "dials twice" in self.compare.loose and number > self.script.without[0]:
                still = [conn for conn in some if not conn.closed]
                settled = len(still) == 1 and time.monotonic() - still[0].opened > 0.6
                return still[0] if settled else None
            return some[0] if some else None

        def found():
            return fitting() or (time.monotonic() - begin > PATIENCE and self.unknown.get(name))

        self.wait(found, "CONN %d: Martlet does not connect to %s" % (number, name), PATIENCE + 0.5)
        conn = fitting() or self.unknown[name][0]
        self.unknown[name].remove(conn)
        self.conns[number] = conn
        conn.gates = sum(1 for event in self.conn_events(number) if self.is_gate(number, event))
        conn.answer()
        self.check_redial(number, name, conn)
        return conn

    def check_redial(self, number, name, conn):
        """After the loss of a configured route, about a second has to pass; a pool grows by PONGs."""
        if conn.opened < self.gate_opened.get(name, 0) and (conn.kind() or ("", 0))[1] > 0:
            raise Failure("CONN %d: dialled before the PONG on the one before" % number)
        before = self.last_close.get(name)
        if before is None or self.opened_at(number) - before[1] < 0.7:
            return
        if not REDIAL_MIN < conn.opened - before[0] < REDIAL_MAX:
            raise Failure("CONN %d: dialled again after %.3f s"
                          % (number, conn.opened - before[0]))

    # Events -----------------------------------------------------------------------------------

    def run(self):
        try:
            self.listen_early()
            self.wait(self.martlet.ready, "the server's start", 10)
            self.take(self.script.first)
            self.last_action_by_client = False
            for _, event, steps in self.events:
                try:
                    if event and event.kind != "action":
                        getattr(self, "on_" + event.kind)(event)
                    elif event:
                        self.on_action(event.data)
                    self.take(steps)
                except Failure as why:
                    line = "line %d: " % event.line if event else ""
                    raise Failure(line + str(why)) from why
            self.finish()
        finally:
            for conn in [*self.conns.values(), *(c for some in self.unknown.values() for c in some)]:
                conn.sock.close()
            for client in self.clients.values():
                client.sock.close()
            for sock in self.ports.held.values():
                sock.close()
            self.martlet.end()
        trouble = TROUBLE.search(self.martlet.logs)
        if trouble:
            raise Failure("the log says: " + trouble[0])
        lines = missing(self.transcript.logs.get(self.role, []), self.martlet.logs,
                        self.script.unlogged.get(self.role, ()))
        if lines:
            raise Failure("the log has nothing like %s" % lines)

    def on_action(self, text):
        gone = re.match(r"SIG(?:TERM|INT|USR2) to (\w+)|(\w+) killed", text)
        if gone:
            self.refuse(gone[1] or gone[2])

    def on_opened(self, event):
        dialer, acceptor = event.ends
        self.synchronize()  # who comes second is told by what Martlet has read, not by what was sent
        if dialer == self.role:
            self.listen(acceptor)
            return
        sock = socket.create_connection(("127.0.0.1", self.martlet.cluster_port), timeout=5)
        self.conns[event.conn] = Conn(sock, False)

    def on_bytes(self, event):
        conn = self.conn(event.conn)
        if event.ends[0] == self.role:
            self.expect(conn, event)
            return
        if event.data == b"PONG\r\n":
            if conn.gates:  # the pool may grow from here on
                conn.gates -= 1
                conn.pings_answered += 1
                self.gate_opened[self.transcript.ends[event.conn][1]] = time.monotonic()
                conn.send(b"PONG\r\n")
            return
        if event.data.startswith(b"INFO ") and conn.auto_info:
            conn.auto_info = False
            return
        if not event.data:
            return  # nothing but the system account
        if b"INFO " in event.data:  # what it brings about has no client's order
            conn.sent_info, self.last_action_by_client = True, False
        conn.pongs_due += len(re.findall(rb"(?m)^PING\r$", event.data))
        conn.send(self.names.fill(self.text_of(event)), event.compressed)

    def on_closed(self, event):
        conn = self.conn(event.conn)
        if event.ends[0] == self.role:
            self.wait(lambda: conn.closed, lambda: "CONN %d is closed; it has %s more"
                      % (event.conn, [op.line[:200] for op in conn.ops] or "nothing"))
            conn.expect_close = True
        else:
            self.synchronize()  # what was sent on other connections was long done by then
            conn.shut = conn.expect_close = True
            try:
                conn.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        if conn.by_martlet:
            self.last_close[event.ends[1] if event.ends[0] == self.role else event.ends[0]] = (
                time.monotonic(), event.time)

    def expect(self, conn, event):
        ops = self.ops_of(event)
        while ops:
            op = ops.pop(0)
            if self.is_gossip(op, b"{ID_%s}" % self.role.encode()) and \
                    {"passes nothing on", "passes on by 2.11's rules"} & set(self.compare.loose):
                continue
            if op.line == b"PONG":
                self.wait(lambda: conn.pongs >= conn.pongs_due or conn.closed, "PONG")
            elif op.line == b"PING":
                self.expect_ping(conn, event)
            elif op.line.startswith(b"INFO ") and "INFO after interest" in self.compare.loose:
                self.expect_set(conn, event.conn, [op] + ops)
                ops = []
            elif op.line[:3] in (b"RS+", b"RS-"):
                run = [op]
                while ops and ops[0].line[:3] in (b"RS+", b"RS-"):
                    run.append(ops.pop(0))
                self.expect_interest(conn, event.conn, run)
            else:
                self.expect_op(conn, event.conn, op)

    def drop_gossip(self, conn):
        own_id = self.names.known.get("ID_" + self.role, "INFO").encode()
        if "passes on by 2.11's rules" in self.compare.loose:
            while conn.ops and self.is_gossip(conn.ops[0], own_id):
                conn.ops.popleft()

    @staticmethod
    def is_gossip(op, own_id):
        return op.line.startswith(b"INFO ") and own_id not in op.line

    def expect_ping(self, conn, event):
        if conn.probed and "asks with a PING" in self.compare.loose:
            conn.pings_due, conn.probed = conn.pings_due + 1, False
        conn.pings_due += 1
        self.wait(lambda: conn.pings >= conn.pings_due,
                  lambda: "PING number %d on CONN %d%s" % (
                      conn.pings_due, event.conn, ", which is closed" * conn.closed))
        if conn.probed and not self.is_gate(event.conn, event):
            raise Failure("CONN %d: the first PING comes too early" % event.conn)

    def next_op(self, conn, number, wanted):
        self.wait(lambda: conn.ops or conn.closed,
                  lambda: "on CONN %d: %r" % (number, wanted.line[:300]))
        if not conn.ops:
            raise Failure("CONN %d is closed, expected %r" % (number, wanted.line[:300]))
        self.drop_gossip(conn)
        return conn.ops.popleft() if conn.ops else self.next_op(conn, number, wanted)

    def expect_op(self, conn, number, wanted):
        got = self.next_op(conn, number, wanted)
        difference = self.compare.difference(wanted, got)
        if difference:
            raise Failure("CONN %d: %s" % (number, difference))

    def expect_interest(self, conn, number, run):
        if not self.last_action_by_client:
            return self.expect_set(conn, number, run)
        for place, op in enumerate(run):
            # Where shards hand changes over, the last of several weights may be the only one told.
            later = [other for other in run[place + 1:] if other.line.split()[:4] == op.line.split()[:4]]
            if later and op.line.count(b" ") == 4:
                got = self.next_op(conn, number, op)
                conn.ops.appendleft(got)
                if any(got.line == other.line for other in later):
                    continue
            self.expect_op(conn, number, op)

    def expect_set(self, conn, number, wanted):
        while wanted:
            got = self.next_op(conn, number, wanted[0])
            for op in wanted:
                if not self.compare.difference(op, got):
                    wanted.remove(op)
                    break
            else:
                raise Failure("CONN %d: %r, expected one of %r"
                              % (number, got.line[:300], [op.line for op in wanted]))

    # The end ----------------------------------------------------------------------------------

    def is_due(self, name, conn):
        """Whether it belongs to attempts that the transcript ended amid, one a second: on a machine that
        stood still the next one comes before the replay has ended.
        """
        *_, before, last = [0, 0] + [
            event.time for _, event, _ in self.events
            if event and event.kind == "opened" and event.ends == (self.role, name)]
        closed = self.last_close.get(name)
        return last - before > 0.7 and closed and conn.opened - closed[0] > REDIAL_MIN

    def finish(self):
        self.settle(self.script.quiet)
        self.check_clients()
        if "dials twice" in self.compare.loose:
            for some in self.unknown.values():
                some[:] = [conn for conn in some if not conn.closed]
        uncalled = [name for name, some in self.unknown.items() for conn in some
                    if not self.is_due(name, conn)]
        if uncalled:
            raise Failure("connects once more to %s" % uncalled)
        for number, conn in self.conns.items():
            self.drop_gossip(conn)
            if conn.ops and "dials twice" in self.compare.loose:  # 36: both may refuse
                conn.ops = [op for op in conn.ops if b"Not possible to have a dedicated" not in op.line]
            if conn.ops:
                raise Failure("CONN %d: %r, nothing more expected" % (number, conn.ops[0].line[:300]))
            if conn.closed and not conn.expect_close:
                raise Failure("CONN %d is closed" % number)


class SelfRoute(Replay):
    """19: Martlet dials itself by IP address; what it says goes through here."""

    def run(self):
        proxy = socket.create_server(("127.0.0.1", 0))
        self.ports.held["A"] = self.listening["proxy"] = proxy
        self.martlet.end()
        self.configuration.routes = ["nats-route://127.0.0.1:%d" % proxy.getsockname()[1]]
        self.martlet.start()
        super().run()

    def accept(self, name, listener):
        sock = listener.accept()[0]
        self.accepted += 1
        there = socket.create_connection(("127.0.0.1", self.martlet.cluster_port), timeout=5)
        dialer, acceptor = Forwarded(sock, there), Forwarded(there, sock)
        self.unknown["A"] = [dialer]
        self.conns["acceptor"] = acceptor
        acceptor.expect_close = True

    def on_opened(self, event):
        self.wait(lambda: self.unknown.get("A"), "a connection")
        self.conns[event.conn] = self.unknown["A"].pop()

    def on_bytes(self, event):
        dialed = event.data.startswith(b"CONNECT ")
        self.expect(self.conns[event.conn if dialed else "acceptor"], event)

    def on_closed(self, event):
        for conn in self.conns.values():
            self.wait(lambda c=conn: c.closed, "both ends are closed")
            conn.expect_close = True


def read(path):
    """31 names both servers alike; what they say of themselves tells them apart."""
    if not os.path.basename(path).startswith("31-"):
        return Transcript(path)

    def ends(text):
        return ("A", "B") if text and ("{ID_A}" in text or text.startswith("[")) else ("B", "A")
    return Transcript(path, ends)


def replay(path, role, command, first_port):
    """The first difference, or nothing; and the server's log."""
    number = os.path.basename(path)[:2]
    replay_ = None
    try:
        kind = SelfRoute if number == "19" else Replay
        replay_ = kind(read(path), role, SCRIPTS.get(number, Script()), command, first_port)
        replay_.run()
        return "", replay_.martlet.logs
    except (Failure, OSError, ValueError) as why:
        return "%s%s" % ("" if isinstance(why, Failure) else type(why).__name__ + ": ", why), \
            replay_.martlet.logs if replay_ else ""
    finally:
        if replay_:
            replay_.martlet.remove()
