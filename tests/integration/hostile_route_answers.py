"""Tables of what comes over a route that is wrong: before CONNECT, behind it, and once registered."""
import harness
from hostile_answers import LIVES, SILENT, TOO_LONG, UNKNOWN, check_answer, run_answers
from hostile_stage import MIB
from route_peer import Peer, connect_line, info_line

UNAUTHORIZED = b"-ERR 'Authorization Violation'\r\n"
CLIENT = b"-ERR 'attempted to connect to route port'\r\n"
# What the victim says anyway: interest, gossip, its first PING.
ANYWAY = rb"(?m)^(INFO|RS[+-]|PING|PONG)[^\r\n]*\r\n"


def err(text):
    return b"-ERR '" + text.encode() + b"'\r\n"


def deep(verb, count, before=b'{"server_id":"x","x":', after=b"}"):
    return verb + b" " + before + b"[" * count + b"]" * count + after + b"\r\n"


# name, bytes right after the victim's INFO, the answer before the close or LIVES
FIRST = (
    ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", UNAUTHORIZED),
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), UNAUTHORIZED),
    ("SSH hello", b"SSH-2.0-OpenSSH_9.2\r\n", UNAUTHORIZED),
    ("MQTT hello", b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", UNAUTHORIZED),
    ("NUL", b"\x00\x00\x00\r\n", UNAUTHORIZED),
    ("RS+", b"RS+ $G foo\r\n", UNAUTHORIZED),
    ("RS-", b"RS- $G foo\r\n", UNAUTHORIZED),
    ("RMSG", b"RMSG $G foo 2\r\nhi\r\n", UNAUTHORIZED),
    ("HMSG", b"HMSG $G foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", UNAUTHORIZED),
    ("LS+ without arguments", b"LS+ test\r\n", UNAUTHORIZED),
    ("LS-", b"LS- test\r\n", UNAUTHORIZED),
    ("INFO", info_line(), UNAUTHORIZED),
    ("INFO {}", b"INFO {}\r\n", UNAUTHORIZED),
    ("INFO, remote_account", b'INFO {"remote_account":"x"}\r\n', UNAUTHORIZED),
    ("PING", b"PING\r\n", UNAUTHORIZED),
    ("PONG", b"PONG\r\n", UNAUTHORIZED),
    ("SUB", b"SUB foo 1\r\n", UNAUTHORIZED),
    ("PUB", b"PUB foo 2\r\nhi\r\n", UNAUTHORIZED),
    ("-ERR", b"-ERR 'Loop Detected'\r\n", UNAUTHORIZED),
    ("A+", b"A+ x\r\n", UNAUTHORIZED),
    ("a client's CONNECT", harness.CONNECT.replace(b"}", b',"lang":"go"}'), CLIENT),
    ("a gateway's CONNECT", connect_line(name="x", gateway="GW"),
     err('Rejecting connection from gateway "GW" on the Route port')),
    ("another cluster", connect_line(name="x", cluster="C2"),
     err('Rejecting connection, cluster name "C2" does not match "C1"')),
    ("no cluster", connect_line(name="x"),
     err('Rejecting connection, cluster name "" does not match "C1"')),
    ("CONNECT array", b"CONNECT []\r\n", SILENT),
    ("CONNECT empty", b"CONNECT \r\n", SILENT),
    ("CONNECT cut off", b'CONNECT {"name":"x"\r\n', SILENT),
    ("CONNECT depth 10k", deep(b"CONNECT", 10000), SILENT),
    ("CONNECT 1 MiB", b'CONNECT {"name":"' + b"a" * MIB + b'"}\r\n', TOO_LONG),
    ("CONNECT cluster number", b'CONNECT {"cluster":1}\r\n', SILENT),
)

# the same, after CONNECT
GREETED = (
    ("PING", b"PING\r\n", LIVES),
    ("CONNECT again", connect_line(name="x", cluster="C1"), LIVES),
    ("RMSG unregistered", b"RMSG $G foo 2\r\nhi\r\n", LIVES),
    ("INFO array", b"INFO []\r\n", SILENT),
    ("INFO cut off", b'INFO {"server_id":"x"\r\n', SILENT),
    ("INFO depth 1000", deep(b"INFO", 1000), LIVES),
    ("INFO depth 20k", deep(b"INFO", 20000), SILENT),
    ("INFO 1 MiB", b'INFO {"server_id":"' + b"a" * MIB + b'"}\r\n', TOO_LONG),
    ("INFO of nobody", b"INFO {}\r\n", b"-ERR 'Rejecting connection, its INFO has no server_id'\r\n"),
    ("INFO port text", info_line(port="x"), SILENT),
    ("INFO port 1e999", info_line(port=1).replace(b'"port": 1', b'"port": 1e999'), SILENT),
    ("INFO pool size text", info_line(route_pool_size="x"), SILENT),
    ("INFO other cluster", info_line(cluster="C2"), SILENT),
    ("INFO reserved cluster", info_line(cluster="_"), SILENT),
    ("INFO same name", info_line(server_name="VICTIM"), SILENT),
    ("INFO pool index 3", info_line(route_pool_size=3, route_pool_idx=3),
     err("Invalid route pool index: 3 - pool size is 3")),
    ("INFO pool index -1", info_line(route_pool_size=3, route_pool_idx=-1),
     err("Invalid route pool index: -1 - pool size is 3")),
    ("INFO account, no pool", info_line(route_account="$SYS"),
     err('Not possible to have a dedicated route for account "$SYS" between those servers')),
    ("INFO compression zstd", info_line(compression="zstd"),
     err('unsupported route compression mode "zstd"')),
)

# the same, after the route was registered
REGISTERED = (
    ("unknown verb", b"HELLO\r\n", UNKNOWN),
    ("MSG", b"MSG foo 1 2\r\nhi\r\n", UNKNOWN),
    ("+OK", b"+OK\r\n", LIVES),
    ("PONG unasked", b"PONG\r\n" * 100, LIVES),
    ("A+ A-", b"A+ x\r\nA- x\r\n", LIVES),
    ("CONNECT again", connect_line(name="x", cluster="C1"), LIVES),
    ("PUB SUB", b"SUB foo 1\r\nPUB foo 2\r\nhi\r\n", LIVES),
    ("-ERR", b"-ERR 'Loop Detected'\r\n", SILENT),
    ("RS+ invalid subject", b"RS+ $G foo..bar\r\n", LIVES),
    ("RS+ > in the middle", b"RS+ $G foo.>.bar\r\n", LIVES),
    ("RS+ unknown account", b"RS+ NOBODY foo\r\n", LIVES),
    ("RS+ weight 0", b"RS+ $G foo q 0\r\n", LIVES),
    ("RS+ weight text", b"RS+ $G foo q x\r\n", LIVES),
    ("RS+ weight 2^64", b"RS+ $G foo q 18446744073709551616\r\n", LIVES),
    ("RS+ no arguments", b"RS+ \r\n", SILENT),
    ("RS+ one argument", b"RS+ foo\r\n", SILENT),
    ("RS+ three arguments", b"RS+ $G foo q\r\n", SILENT),
    ("RS+ five arguments", b"RS+ $G foo q 1 2\r\n", SILENT),
    ("RS- one argument", b"RS- foo\r\n", SILENT),
    ("RS- unknown", b"RS- $G never.heard\r\nRS- $G foo q\r\n", LIVES),
    ("RS+ of 70 kB", b"RS+ $G " + b"a" * 70000 + b"\r\n", TOO_LONG),
    ("RS+ of 30000 tokens", b"RS+ $G " + b".".join([b"a"] * 30000) + b"\r\n", LIVES),
    ("RMSG unknown account", b"RMSG NOBODY foo 2\r\nhi\r\n", LIVES),
    ("RMSG no size", b"RMSG $G foo\r\n", SILENT),
    ("RMSG size -1", b"RMSG $G foo -1\r\n", SILENT),
    ("RMSG size +1", b"RMSG $G foo +1\r\nx\r\n", SILENT),
    ("RMSG size 2^31", b"RMSG $G foo 2147483648\r\n", SILENT),
    ("RMSG size 2^63", b"RMSG $G foo 9223372036854775808\r\n", SILENT),
    ("RMSG size 2^64 + 1", b"RMSG $G foo 18446744073709551617\r\n", SILENT),
    ("RMSG size of 400 digits", b"RMSG $G foo " + b"9" * 400 + b"\r\n", SILENT),
    ("RMSG indicator", b"RMSG $G foo * a b 2\r\nhi\r\n", SILENT),
    ("RMSG short by one", b"RMSG $G foo 5\r\nhell\r\nPING\r\n", UNKNOWN),
    ("RMSG long by one", b"RMSG $G foo 5\r\nhello!\r\nPING\r\n", UNKNOWN),
    ("RMSG to nobody's queue", b"RMSG $G foo | q1 q2 2\r\nhi\r\n", LIVES),
    ("RMSG 10k queues", b"RMSG $G foo | " + b"q " * 10000 + b"2\r\nhi\r\n", LIVES),
    ("HMSG header > total", b"HMSG $G foo 10 5\r\nhello\r\n", SILENT),
    ("HMSG header -1", b"HMSG $G foo -1 5\r\nhello\r\n", SILENT),
    ("HMSG no header size", b"HMSG $G foo 5\r\nhello\r\n", SILENT),
    ("HMSG garbage header", b"HMSG $G foo 12 12\r\n\x00\xff\r\n\n\r:\x80::\r\n\r\n", LIVES),
    ("LMSG unasked", b"LMSG o $G foo 0 2\r\nhi\r\n", LIVES),
    ("LS+ unasked", b"LS+ o $G foo\r\n", LIVES),
    ("stream reply without end", b"RMSG $G foo $JS.ACK.@ 2\r\nhi\r\n", LIVES),
    ("INFO array", b"INFO []\r\n", SILENT),
    ("INFO {}", b"INFO {}\r\n", LIVES),
    ("INFO of a gateway", info_line(gateway="GW"), LIVES),
    ("INFO to pin nothing", b'INFO {"server_id":"","route_acc_add_reqid":"x"}\r\n', LIVES),
    ("INFO import of numbers", info_line().replace(b"}", b',"import":{"allow":[1]}}'), SILENT),
    ("gossip, ip not a URL", info_line(ip="nats://[::"), LIVES),
    ("gossip, ip without host", info_line(ip="nats-route:///"), LIVES),
    ("gossip, ip of 60 kB", info_line(ip="nats-route://" + "a" * 60000 + ":1/"), LIVES),
    ("gossip, port 99999", info_line(ip="nats-route://127.0.0.1:99999/"), LIVES),
    ("gossip, port -1", info_line(ip="nats-route://127.0.0.1:-1/", port=-1), LIVES),
    ("gossip, name with NUL", info_line(ip="nats-route://a\0b:6222/"), LIVES),
    ("gossip, password", info_line(ip="nats-route://u:p@127.0.0.1:1/"), LIVES),
)


def run_route_answers(stage, prefix, begin, table):
    """`begin(peer)` goes as far as the rows want it."""
    def ask(victim, data, wanted):
        with Peer(victim) as peer:
            begin(peer)
            check_answer(peer, data, wanted, ANYWAY, 3.0)
    run_answers(stage, prefix, table, ask, 16)
