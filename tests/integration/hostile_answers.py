"""Tables of inputs that are wrong: rows of a name, bytes, and the answer before the close or LIVES."""
import re

from harness import expect

UNKNOWN = b"-ERR 'Unknown Protocol Operation'\r\n"
TOO_LONG = b"-ERR 'maximum control line exceeded'\r\n"
SILENT = b""
LIVES = None  # stays open and answers the next PING


def check_answer(client, data, wanted, anyway, seconds=2.0):
    """`anyway` is the pattern of what the server says whatever it hears."""
    try:
        client.send(data + (b"PING\r\n" if wanted is LIVES else b""))
    except OSError:
        pass  # closed while we still sent
    if wanted is LIVES:
        client.until(b"PONG\r\n")
        return
    answer, closed = client.rest(seconds)
    answer = re.sub(anyway, b"", answer)
    expect(closed, f"still open; answer {answer[:200]!r}")
    # What we sent beyond the point of the error turns the close into a RST, which may overtake the
    # answer; then an empty one is all there is to see.
    expect(answer == wanted or (answer == b"" and len(data) > 4097),
           f"{answer[:200]!r} instead of {wanted!r}")


def run_answers(stage, prefix, table, ask, growth_mib, **setting):
    """All rows of a table in front of one server: it must bear them one after the other.

    `ask(server, data, wanted)` raises if the answer is another.
    """
    only = stage.tally.only
    chosen = [row for row in table if only is None or only.search(prefix + row[0])]
    if not chosen:
        return
    failures = {}

    def attack(server, *_):
        for name, data, wanted in chosen:
            try:
                ask(server, data, wanted)
            except Exception as why:  # told below, for its row
                failures[name] = f"{type(why).__name__}: {why}"
            expect(server.alive(), f"the server died of {name}: {server.log()[-1500:]}")
        return f"{len(chosen)} inputs"

    stage.tally.only = None
    stage.case(prefix + "all of them", attack, growth_mib, **setting)
    for name, _, _ in chosen:
        def verdict(name=name):
            expect(name not in failures, failures.get(name))
        stage.tally.run(prefix + name, verdict)
    stage.tally.only = only
