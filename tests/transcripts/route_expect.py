"""What of two servers' bytes has to agree, and what may differ.

Intended differences, which are not looked at:

  INFO     version, go, git_commit      Martlet says what it is
           nonce                        nothing reads it on routes; not sent
           proto                        2: no message tracing, where the reference says 3
           lnoc, lnocu, ln              no leaf nodes yet, so their forms are not asked for
           jetstream, domain, xkey      not there
           martlet_checks               Martlet's own: it takes checks of interest
           compression, gossip_mode     where the transcript's server is 2.9.10 or 2.10.27, which
                                        do not know (all of) them
           route_pool_size              in what 2.9.10 passes on: it drops what it does not know
  CONNECT  lnoc, ln                     as in INFO
  $SYS     interest and messages of the system account: Martlet has none to tell

Where route_scripts.py says so (`loose`), by transcript and role:

  passes nothing on     09/C: gossip that came by gossip is left to those who told it, as from 2.11 on
  g1 may stay           14/B, 15/B: with a member of the group on both sides chance decides
  g by chance           36/F: both members of the group are elsewhere
  passes on by 2.11's.. 36/F: F is no server and passes on everything
  dials twice           36/F: two servers tell of a third; one connection is closed as a double
  INFO after interest   29/A: a reload's interest goes out before its INFO, where it came after it
  the name is chosen    24/B: a name taken from a static server's INFO is no generated one any more: a
                        server that said otherwise would change it for ever between that server and
                        one with a greater generated name
  asks with a PING      20, 39: a route has to answer before a second one to the same server is closed

And always: of several weights of a group that one write brings about, only the last one is sure.

Where the reference's order comes from a map, sets are compared: queue names of a message, client
URLs after the own ones, interest at registration, at a client's end and at a reload.
"""
import json
import re

from route_martlet import Failure

IGNORED = {b"INFO": {"version", "go", "git_commit", "nonce", "proto", "lnoc", "lnocu", "ln",
                     "jetstream", "domain", "xkey", "martlet_checks"},
           b"CONNECT": {"lnoc", "ln"}}
NOT_KNOWN = {"2.9.10": {"compression", "gossip_mode"}, "2.10.27": {"gossip_mode"},
             "0.0.1": {"compression", "gossip_mode"}}
DROPPED_BY = {"2.9.10": {"route_pool_size", "route_pool_idx", "route_account"}}
PLACEHOLDER = re.compile(r"\{(ID_\w+|NAME_\w+|IP4|IP6)\}")


def of_system_account(op):
    words = op.line.split()
    return (words[0] in (b"RS+", b"RS-", b"RMSG", b"HMSG") and len(words) > 1
            and words[1].startswith(b"$SYS"))


class Names:
    """What placeholders stand for; Martlet's own are learned from it."""

    def __init__(self):
        self.known = {}

    def fill(self, data):
        return re.sub(rb"\{(ID_\w+|NAME_\w+)\}",
                      lambda m: self.known.get(m[1].decode(), m[0].decode()).encode(), data)

    def same(self, want, got):
        """Whether a text is as wanted; learns what it did not know."""
        if want == got:
            return True
        pattern, at, here = "", 0, []
        for found in PLACEHOLDER.finditer(want):
            pattern += re.escape(want[at:found.start()])
            at, name = found.end(), found[1]
            if name in self.known:
                pattern += re.escape(self.known[name])
            elif name in here:
                pattern += "(?P=%s)" % name
            else:
                here.append(name)
                pattern += r"(?P<%s>[^\"'\]]+)" % name
        match = re.fullmatch(pattern + re.escape(want[at:]), got)
        if match:
            self.known.update({name: text for name, text in match.groupdict().items()
                               if not name.startswith("IP")})
        return bool(match)


def as_json(op):
    verb, _, rest = op.line.partition(b" ")
    try:
        return verb, json.loads(rest)
    except ValueError as why:
        raise Failure("%r is no JSON: %s" % (op.line, why)) from why


def json_difference(names, want, got, ignored):
    for key in sorted((set(want) | set(got)) - ignored):
        if key not in got:
            return "%s is missing, %r expected" % (key, want[key])
        if key not in want:
            return "%s: %r, none expected" % (key, got[key])
        mine, theirs = got[key], want[key]
        if key == "connect_urls":
            if "{IP4}" in str(theirs):
                continue
            mine, theirs = (one[:1] + sorted(one[1:]) for one in (mine, theirs))
        if isinstance(theirs, str) and isinstance(mine, str) and names.same(theirs, mine):
            continue
        if mine != theirs:
            return "%s: %r, expected %r" % (key, mine, theirs)
    return ""


def sorted_queues(line):
    """A message line with its queue names in order: the reference's order is by chance."""
    words = line.split()
    marks = [number for number, word in enumerate(words) if word in (b"|", b"+")]
    if words[0] not in (b"RMSG", b"HMSG") or not marks:
        return line
    start = marks[0] + (1 if words[marks[0]] == b"|" else 2)
    end = len(words) - (2 if words[0] == b"HMSG" else 1)
    return b" ".join(words[:start] + sorted(words[start:end]) + words[end:])


class Comparison:
    def __init__(self, names, role, version, loose):
        self.names, self.role, self.version, self.loose = names, role, version, loose

    def difference(self, want, got):
        """What is wrong with `got`, or nothing."""
        verb = want.line.split(b" ", 1)[0]
        if got.line.split(b" ", 1)[0] != verb:
            return "%r, expected %r" % (got.line[:300], want.line[:300])
        if verb in (b"INFO", b"CONNECT"):
            wanted, given = as_json(want)[1], as_json(got)[1]
            own = wanted.get("server_id") == "{ID_%s}" % self.role
            version = wanted.get("version", "") if own else self.version
            ignored = set(IGNORED[verb]) | NOT_KNOWN.get(version, set())
            if "the name is chosen" in self.loose:
                ignored |= {"cluster_dynamic"}
            if not own:
                ignored |= DROPPED_BY.get(version, set())
            what = json_difference(self.names, wanted, given, ignored)
            return "%s: %s" % (verb.decode(), what) if what else ""
        mine, theirs = sorted_queues(got.line), sorted_queues(want.line)
        if "g1 may stay" in self.loose:
            mine, theirs = (line.replace(b"| g1 g2", b"| g2") for line in (mine, theirs))
        if "g by chance" in self.loose:
            mine, theirs = (line.replace(b" + _R g ", b" _R ") for line in (mine, theirs))
        if not self.names.same(theirs.decode("latin1"), mine.decode("latin1")):
            return "%r, expected %r" % (got.line[:300], want.line[:300])
        if want.payload != got.payload:
            return "payload of %r: %r" % (got.line, got.payload[:100])
        return ""
