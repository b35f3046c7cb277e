"""What the transcripts in route/ tell in words, as steps that a program can take.

For each transcript: how its servers were configured beyond what their INFO shows, which clients
did what at which `---` line, and what the reference leaves to chance.
"""
import dataclasses

LETTERS = "abcdefghij"


@dataclasses.dataclass
class Step:
    """Done only when Martlet plays `server`; what the others do is in their recorded bytes."""
    server: str
    verb: str  # open, write, close, signal, reload, restart, pause, quiet
    client: str = ""
    value: object = None


@dataclasses.dataclass
class Script:
    config: dict = dataclasses.field(default_factory=dict)  # by server: options, see Configuration
    first: tuple = ()     # steps before any connection between servers
    actions: tuple = ()   # for each `---` line, in order: steps
    more: tuple = ()      # (time, steps): what the transcript does not say
    shift: object = 0.0   # seconds by which the capture shows a `---` line early: all, or by number
    names: dict = dataclasses.field(default_factory=dict)  # generated cluster names: whose
    winner: str = ""      # whose name the others take over
    quiet: float = 0.3    # seconds at the end in which nothing more may come
    without: tuple = ()   # connections that are left out
    unlogged: dict = dataclasses.field(default_factory=dict)  # by server: lines that may lack
    loose: dict = dataclasses.field(default_factory=dict)  # by server: tolerated differences


def write(server, client, *lines):
    return Step(server, "write", client, "".join(line + "\r\n" for line in lines).encode())


def connect(server, client, **options):
    return Step(server, "open", client, options)


def close(server, client):
    return Step(server, "close", client)


def pub(subject, payload="x", reply=""):
    return "PUB %s %d\r\n%s" % (" ".join(filter(None, [subject, reply])), len(payload), payload)


def hpub(subject, reply="", header="K: v", payload="hi"):
    head = "NATS/1.0\r\n%s\r\n\r\n" % header
    return "HPUB %s %d %d\r\n%s%s" % (" ".join(filter(None, [subject, reply])), len(head),
                                      len(head) + len(payload), head, payload)


def reload(server, **changes):
    return Step(server, "reload", "", changes)


def restart(server, **changes):
    return Step(server, "restart", "", changes)


def quiet(server, seconds):
    """No route may be dialled in that time."""
    return Step(server, "quiet", "", seconds)


def pause(server, seconds):
    """Where the reference's timers need it."""
    return Step(server, "pause", "", seconds)


def signal(server, name):
    return Step(server, "signal", "", name)


ROUTE_TO_A = "nats-route://127.0.0.1:21101"

MESSAGES = (
    (write("A", "client1", *("SUB %s %d" % (what, sid) for sid, what in enumerate(
        ("p", "q1 g1", "q1 g2", "mix", "mix g1", "mix g2", "*.wild g1", "two.*"), 1))),),
    (write("A", "client2", "SUB p 1", "SUB two.> 2"),),
    (write("B", "client", pub("p", "hi")),),
    (write("B", "client", pub("p", "")),),
    (write("B", "client", pub("p", "hi", "_INBOX.r1")),),
    (write("B", "client", hpub("p")),),
    (write("B", "client", hpub("p", "_INBOX.r1")),),
    (write("B", "client", pub("q1", "hi")),),
    (write("B", "client", pub("q1", "hi", "_INBOX.r1")),),
    (write("B", "client", hpub("q1", "_INBOX.r1")),),
    (write("B", "client", hpub("q1")),),
    (write("B", "client", pub("mix", "hi")),),
    (write("B", "client", pub("mix", "hi", "_INBOX.r1")),),
    (write("B", "client", pub("two.wild", "hi")),),
    (write("B", "client", pub("nobody", "hi", "_INBOX.r1")),),
    (write("B", "client", "SUB q1 g1 50"),),
    (write("B", "client", pub("q1", "hi"), pub("q1", "hi")),),
)

SCRIPTS = {
    "03": Script(
        more=((0.30, (write("A", "client", "SUB foo 1"),)),
              (0.60, (write("B", "client", pub("foo", "hello")),)),
              (0.65, (write("B", "client", pub("foo", LETTERS * 60)),)))),
    # 2.9.10 passes on what has come by gossip too; later ones, and Martlet, leave that to the others.
    "09": Script(loose={"C": {"passes nothing on"}}),
    "12": Script(
        actions=(
            (write("A", "client1", "SUB foo 1"),),
            (write("A", "client2", "SUB foo 9"),),
            (write("A", "client1", "SUB foo.* 2", "SUB > 3"),),
            (write("A", "client1", "UNSUB 1"),),
            (write("A", "client2", "UNSUB 9"),),
            (write("A", "client1", "SUB max 5", "UNSUB 5 2"),),
            (write("B", "client", pub("max", "x"), pub("max", "y"), pub("max", "z")),),
            (close("A", "client1"),),
            ())),  # of the last line nothing is in the capture
    "13": Script(
        actions=(
            (write("A", "client1", "SUB q.s g1 1"),),
            (write("A", "client1", "SUB q.s g1 2"),),
            (write("A", "client1", "SUB q.s g1 3"),),
            (write("A", "client2", "SUB q.s g1 7"),),
            (write("A", "client2", "SUB q.s g2 8"),),
            (write("A", "client1", "SUB q.s 9"),),
            (write("A", "client1", "UNSUB 1"),),
            (close("A", "client1"),),
            (write("A", "client2", "UNSUB 7"),),
            (write("A", "client2", "UNSUB 8"),),
            (write("A", "client2", "SUB b q 11", "SUB b q 12", "SUB b q 13", "SUB b q 14"),))),
    "14": Script(actions=MESSAGES, loose={"B": {"g1 may stay"}}),
    # The capture shows bytes 0.2 s and more after what the clients did.
    "15": Script(actions=MESSAGES, shift=0.2, loose={"B": {"g1 may stay"}}),
    "16": Script(
        actions=(
            (write("A", "client", "SUB foo 1"),),
            (write("B", "client", "SUB foo 1"),),
            (write("B", "client", pub("foo")),),
            (connect("B", "client2", echo=False), write("B", "client2", "SUB foo 1", pub("foo", "y"))),
            (signal("A", "KILL"),)),
        quiet=1.5),
    "17": Script(
        config={"A": {"top": ["lame_duck_duration: 30s", "lame_duck_grace_period: 1s"]}},
        actions=((write("A", "client", "SUB foo 1"), connect("B", "client")),
                 (pause("A", 0.4), signal("A", "USR2"),)),
        quiet=1.5),
    "18": Script(
        config={"A": {"flags": "localhost"}, "B": {"flags": "localhost"}},
        names={"d3Swv21HSBN7piX7iHt0Xx": "A", "M7dKgeSMKIS8HPAqlekwzP": "B"}, winner="A"),
    # Before a second connection is refused, the first one has to show that it is alive.
    "20": Script(loose={"A": {"asks with a PING"}, "B": {"asks with a PING"}}),
    "22": Script(
        config={"A": {"cluster": ["authorization { user: ruser, password: rpass, timeout: 1 }"]},
                "B": {"routes": ["nats-route://ruser:wrong@127.0.0.1:21101"]}},
        more=((2.3, (restart("B", routes=["nats-route://ruser:rpass@127.0.0.1:21101"]),)),)),
    # Whether -ERR or the INFO before it closes the connection is chance.
    "23": Script(unlogged={"B": ["Route Error 'Rejecting connection"]}),
    "24": Script(names={"K6fNgWvheKXT5XgEmrfJ6K": "B"}, loose={"B": {"the name is chosen"}}),
    "25": Script(names={"HQURABQ9WoN4hfAv9DXrUZ": "A", "OD3S6nSIszhMHrIzflPHnX": "B"}, winner="B"),
    "26": Script(
        first=(connect("A", "client"),),
        actions=(
            (write("B", "client", "SUB foo 1"),),
            (reload("B", routes=[]),),
            (quiet("B", 1.3), reload("B", routes=[ROUTE_TO_A])))),
    "27": Script(
        config={"B": {"routes": [ROUTE_TO_A]}},
        first=(connect("A", "client"),),
        actions=((reload("B", routes=[]),),), quiet=1.4),
    "28": Script(
        config={"B": {"cluster": ["no_advertise: true"]}},
        first=(connect("A", "client"),),
        actions=((connect("B", "client"), reload("B", cluster=[])),)),
    # The shards know the new permissions first: interest goes out just before INFO, not after it.
    "29": Script(
        loose={"A": {"INFO after interest"}},
        config={"A": {"cluster": [
            'permissions { import { allow: ["foo.>", bar] }, '
            'export { allow: [baz, "foo.>"], deny: [foo.secret] } }']}},
        first=(write("A", "client", "SUB foo.a 1", "SUB bar 2", "SUB other 3", "SUB baz 4",
                     "SUB > 5"),),
        actions=(
            (write("B", "client", "SUB baz 1", "SUB other 2", "SUB foo.x 3"),),
            (write("B", "client", pub("foo.a", "x"), pub("other", "y"), pub("baz", "z")),),
            (write("A", "client", pub("baz", "x"), pub("other", "y"), pub("foo.x", "z")),),
            (reload("A", cluster=["permissions { import: other, export: other }"]),),
            (reload("A", cluster=[]),)),
        shift={0: 0.05, 1: 0.21, 2: 0.1105}),
    "32": Script(
        config={"B": {"pool_size": -1, "compression": "off"}},
        more=((0.6, (connect("A", "client"),)),),
        actions=(
            (signal("B", "INT"),),
            (restart("B", pool_size=3, compression="accept"),),
            (signal("A", "TERM"),)),
        quiet=1.5),
    "33": Script(config={"B": {"pool_size": 1}}),
    "34": Script(
        actions=(
            (write("A", "client", "SUB foo 1"),),
            (write("B", "client", pub("foo")),),
            (write("B", "client", "SUB bar 1"),),
            (write("A", "client", pub("bar")),))),
    # F is a little program, not a server. Two others tell it of B, so it dials twice; which of the
    # two connections stays is chance, and CONN 18 was closed at once.
    "36": Script(
        first=(write("F", "client", "SUB pre.existing 1"),),
        more=((2.0, (write("F", "client", "SUB to.f.* 2"),)),
              (3.4, (write("F", "client", hpub("from.f", "_R", "A: b", "hello")),)),
              (4.7, (write("F", "client", "SUB svc workers 3"),)),
              (5.6, (write("F", "client", pub("_INBOX.q", "resp")),)),
              (5.8, (write("F", "client", "UNSUB 3"),))),
        without=(18,),
        loose={"F": {"g by chance", "passes on by 2.11's rules", "dials twice"}}),
    "38": Script(
        first=(write("A", "client", "SUB foo 1", "SUB foo 2", "SUB bar.* 3", "SUB q g 4",
                     "SUB q g 5", "SUB q g 6", "SUB q h 7"),)),
    "39": Script(unlogged={"A": ["Not attempting reconnect"]},  # 2.15.1 does not say so (20)
                 loose={"A": {"asks with a PING"}, "B": {"asks with a PING"}}),
}
