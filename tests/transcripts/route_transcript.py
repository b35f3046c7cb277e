"""Reads the transcripts in route/: what went over each connection between servers, and when.

Where the capture writes {N lines: ...} or {JSON payload}, it left out what the system account said;
that is left out here too, with the RMSG line that a payload belongs to.
"""
import collections
import re

import s2_framing

SERVER = re.compile(r"# (\w+) = nats-server (.+?), client port (\d+), cluster port (\d+)(?:, routes: (.*))?$")
EVENT = re.compile(r"\[\s*([+-]\d+\.\d+)\] (.*)$")
OPENED = re.compile(r"CONN (\d+) opened: (\w+) -> (\w+) ")
BYTES = re.compile(r"#(\d+) (\w+)>(\w+) (.*)$")
LOGGED = re.compile(r"LOG of (\w+) ")
RECEIVED = re.compile(r"(client\w*) of (\w+) received:$")

Peer = collections.namedtuple("Peer", "name version client_port cluster_port routes")
# kind: opened (`ends` is dialer, acceptor), bytes (sender, receiver), closed (the same), action.
Event = collections.namedtuple("Event", "line time kind conn ends data compressed")
# A line and, for messages, its payload; both bytes.
Op = collections.namedtuple("Op", "line payload")


def take_op(data):
    """The first operation of `data` and the rest; (None, data) if it is not all there."""
    end = data.find(b"\n")
    if end < 0:
        return None, data
    line, rest = data[:end].rstrip(b"\r"), data[end + 1:]
    if line.split(b" ", 1)[0].upper() not in (b"MSG", b"RMSG", b"HMSG", b"LMSG"):
        return Op(line, None), rest
    size = int(line.split()[-1])
    if len(rest) < size + 2:
        return None, data
    return Op(line, rest[:size]), rest[size + 2:]


def take_ops(data):
    ops = []
    while data:
        op, data = take_op(data)
        if op is None:
            raise ValueError("half an operation: %r" % data[:200])
        ops.append(op)
    return ops


def unescape(text):
    codes = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}
    return re.sub(r"\\(x[0-9a-f]{2}|.)",
                  lambda m: chr(int(m[1][1:], 16)) if m[1][0] == "x" and len(m[1]) == 3
                  else codes.get(m[1], m[1]), text)


def without_collapsed(text):
    text = re.sub(r"\{\d+ lines: [^}]*\}\r\n", "", text)
    return re.sub(r"RMSG [^\r\n]*\r\n\{JSON payload\}\r\n", "", text)


class Transcript:
    def __init__(self, path, sender_of=None):
        """`sender_of` tells the ends of bytes where the capture named both servers alike."""
        self.path, self.peers, self.events, self.received = path, {}, [], {}
        self.logs = {}  # lines, by server
        self.comments, self.title = [], ""
        self.ends = {}  # of connections: dialer, acceptor
        self.with_system_account = set()
        self.sender_of = sender_of
        with open(path, encoding="utf-8") as file:
            self._read(file.read().split("\n"))

    def _read(self, lines):
        self.title = lines[0][2:]
        blocks, section, current = [], None, []
        for number, line in enumerate(lines, 1):
            event, received, logged = (one.match(line) for one in (EVENT, RECEIVED, LOGGED))
            if line.startswith("# "):
                self._header(line)
            elif event:
                section = [number, float(event[1]), [event[2]]]
                blocks.append(section)
            elif line.startswith("            ") and section:
                section[2].append(line[12:])
            elif received or logged:
                section, current = None, []
                table, key = (self.received, received[2] + "." + received[1]) if received else (
                    self.logs, logged[1])
                table[key] = current
            elif line.startswith("  ") and section is None:
                current.append(line[2:])
            elif line.strip():
                section, current = None, []
        for number, time, texts in blocks:
            self._event(number, time, texts)
        self.received = {who: take_ops(unescape("".join(texts)).encode("latin1"))
                         for who, texts in self.received.items()}

    def _header(self, line):
        found = SERVER.match(line)
        if not found:
            self.comments.append(line[2:])
            return
        name, version, client_port, cluster_port, routes = found.groups()
        self.peers[name] = Peer(name, version, int(client_port), int(cluster_port),
                                re.findall(r"'([^']+)'", routes or ""))

    def _event(self, number, time, texts):
        opened, sent = OPENED.match(texts[0]), BYTES.match(texts[0])

        def add(kind, conn=0, ends=(), data=b"", compressed=False):
            self.events.append(Event(number, time, kind, conn, ends, data, compressed))

        if texts[0].startswith("--- "):
            add("action", data=texts[0][4:])
        elif opened:
            conn, ends = int(opened[1]), (opened[2], opened[3])
            if self.sender_of:
                ends = self.sender_of(None)
            self.ends[conn] = ends
            add("opened", conn, ends)
        elif sent:
            conn, ends = int(sent[1]), (sent[2], sent[3])
            text = "".join([sent[4]] + texts[1:])
            if self.sender_of:
                ends = self.sender_of(text)
            if text in ("[FIN]", "[RST]"):
                add("closed", conn, ends)
                return
            if "$SYS" in text or "system-account" in text:
                self.with_system_account.add(ends[0])
            data, compressed = self._bytes(text, ends[0])
            add("bytes", conn, ends, data, compressed)
        else:
            raise SyntaxError("%s:%d: %r" % (self.path, number, texts[0]))

    def _bytes(self, text, sender):
        if text.startswith("hex "):
            plain = s2_framing.Reader().feed(bytes.fromhex(text[4:])).decode("latin1")
            # Where the bytes are shown as they were, the ids are too.
            return re.sub(r'"server_id":"N[A-Z2-7]{55}"', '"server_id":"{ID_%s}"' % sender,
                          plain).encode("latin1"), True
        if text.startswith(r"\xff\x06"):
            return without_collapsed(unescape(text[text.index("INFO "):])).encode("latin1"), True
        return without_collapsed(unescape(text)).encode("latin1"), False
