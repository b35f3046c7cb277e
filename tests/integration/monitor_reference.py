"""Answers of the monitoring port beside those of nats-server, after the same traffic."""
import json
import re
import shlex

import harness
from harness import expect
from monitored import Monitored, Pair, traffic

# What it has and this server has not, as neither has a part of the server behind it.
REFERENCE_ONLY = {"/varz": {"feature_flags", "system_account"}}
OURS_ONLY = {"/varz": {"martlet"}}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
# Values that must be the same for the same traffic.
SAME = {"connections", "total_connections", "num_connections", "total", "offset", "limit", "in_msgs",
        "in_bytes", "out_msgs", "out_bytes", "in_client_msgs", "in_client_bytes", "out_client_msgs",
        "out_client_bytes", "slow_consumers", "stale_connections", "stalled_clients", "routes", "proto",
        "version", "host", "http_host", "http_base_path", "https_port", "max_connections", "max_payload",
        "max_pending", "max_control_line", "ping_interval", "ping_max", "auth_timeout", "tls_timeout",
        "write_deadline", "write_timeout", "http_port", "subject", "sid", "qgroup", "msgs", "max", "kind",
        "type", "ip", "reason", "name", "lang", "authorized_user", "name_tag", "account", "account_tag",
        "num_routes", "cores", "config_digest", "status", "error", "errors", "cid", "remotes",
        "remote_name", "compression", "pool_size", "addr", "pending_size"}


def kind(value):
    """What stands there, as a reader of the JSON sees it."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        if TIME.fullmatch(value):
            return "time " + value[-1]
        return "uptime" if re.fullmatch(r"(\d+[ydhm])*\d+s", value) else "text"
    return type(value).__name__


def differences(path, ours, theirs, ignored=()):
    if kind(ours) != kind(theirs):
        yield f"{path}: {ours!r} is {kind(ours)}, not {kind(theirs)} like {theirs!r}"
    elif isinstance(ours, dict):
        wanted = [name for name in theirs if name not in ignored]
        if list(ours) != wanted:
            missing = [name for name in wanted if name not in ours]
            more = [name for name in ours if name not in wanted]
            yield f"{path}: missing {missing}, more {more}" if missing or more else f"{path}: order"
        for name in set(ours) & set(wanted):
            yield from differences(f"{path}.{name}", ours[name], theirs[name])
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            yield f"{path}: {len(ours)} instead of {len(theirs)}"
        for i, (a, b) in enumerate(zip(ours, theirs)):
            yield from differences(f"{path}[{i}]", a, b)
    elif path.rsplit(".", 1)[-1] in SAME and ours != theirs:
        yield f"{path}: {ours!r} instead of {theirs!r}"


def reference(args):
    if not args.reference:
        raise harness.Skip("no nats-server, tools/install-interop builds one: nothing compared")
    both = [Monitored(args.server, args.flags), Monitored(shlex.split(args.reference))]
    try:
        ours, theirs = (json.loads(server.get("/varz").body)["version"] for server in both)
        if ours != theirs:
            raise harness.Skip(f"{args.reference} is {theirs}, not {ours}, which tools/install-interop "
                               "builds: nothing compared")
        clients = [traffic(server) for server in both]
        found, compared = [], 0
        for path in ("/varz", "/connz", "/connz?auth=1", "/connz?subs=1", "/connz?subs=detail&auth=true",
                     "/connz?state=closed", "/connz?state=any&sort=bytes_from", "/connz?cid=99999",
                     "/connz?sort=msgs_to&limit=1", "/connz?offset=1", "/connz?acc=nobody",
                     "/connz?user=u", "/routez", "/subsz", "/subsz?subs=1&test=foo.x",
                     "/subsz?subs=1&test=bar&acc=$G", "/subsz?test=foo.x", "/healthz",
                     "/healthz?details=1", "/varz"):
            ours, theirs = (server.get(path) for server in both)
            if ours.status != theirs.status:
                found.append(f"{path}: {ours.status} instead of {theirs.status}")
                continue
            found += compare(path, ours, theirs)
            compared += 1
        found += texts(both)
        expect(not found, "\n      " + "\n      ".join(found))
        for pair in clients:
            for client in pair:
                client.close()
        return f"{compared} answers like those of {args.reference}"
    finally:
        for server in both:
            server.stop()


def compare(path, ours, theirs):
    objects = [normal(path, json.loads(reply.body)) for reply in (ours, theirs)]
    endpoint = path.split("?")[0]
    for name in OURS_ONLY.get(endpoint, ()):
        del objects[0][name]
    yield from differences(path, *objects, REFERENCE_ONLY.get(endpoint, ()))
    yield from layout_differences(path, ours, theirs)


def cluster_reference(args):
    """A cluster of ours and one of the reference's tell the same."""
    if not args.reference:
        raise harness.Skip("no nats-server on PATH: nothing compared")
    versions = []
    for command in (args.server, shlex.split(args.reference)):
        with Monitored(command) as server:
            versions.append(json.loads(server.get("/varz").body)["version"])
    if versions[0] != versions[1]:
        raise harness.Skip(f"{args.reference} is {versions[1]}: nothing compared")
    with Pair(args.server, args.flags) as ours, Pair(shlex.split(args.reference)) as theirs:
        found = []
        for path in ("/routez", "/routez?subs=1", "/routez?subs=detail", "/routez?subs=Detail",
                     "/varz", "/connz?subs=1", "/subsz", "/healthz"):
            for server in ("a", "b"):
                replies = [getattr(pair, server).get(path) for pair in (ours, theirs)]
                found += [f"{server}{line}" for line in compare(path, *replies)]
        expect(not found, "\n      " + "\n      ".join(found))


def normal(path, value):
    """Without what may stand in any order, or stands for one server only."""
    if path.startswith("/varz"):
        value["http_req_stats"] = {name: 0 for name in sorted(value["http_req_stats"])
                                   if name in ("/varz", "/connz", "/subsz", "/healthz", "/routez")}
        if value["cluster"]:
            for name in ("in_msgs", "in_bytes", "out_msgs", "out_bytes"):
                value[name] = 0  # the reference's servers talk to each other
    for route in value.get("routes", ()) if path.startswith("/routez") else ():
        if route.get("account") == "$SYS":
            for name in ("in_msgs", "in_bytes", "out_msgs", "out_bytes"):
                route[name] = 0
            route.pop("subscriptions_list", None)
            route.pop("subscriptions_list_detail", None)
        route.get("subscriptions_list", []).sort()
        for subscription in route.get("subscriptions_list_detail", ()):
            subscription["cid"] = subscription["msgs"] = 0
        route.get("subscriptions_list_detail", []).sort(key=lambda s: s["sid"])
    connections = value.get("connections")
    for connection in connections if isinstance(connections, list) else []:
        for name in ("subscriptions_list", "subscriptions_list_detail"):
            if name in connection:
                connection[name].sort(key=lambda s: s if isinstance(s, str) else s["sid"])
    return value


def layout_differences(path, ours, theirs):
    """Blanks and line ends, and the headers that tell what it is."""
    for name in ("content-type", "access-control-allow-origin"):
        if ours.headers.get(name) != theirs.headers.get(name):
            yield f"{path}: {name} {ours.headers.get(name)} instead of {theirs.headers.get(name)}"
    for text, other in ((ours.body, "ours"), (theirs.body, "theirs")):
        one_line = path.startswith("/healthz")
        again = json.dumps(json.loads(text), indent=None if one_line else 2, ensure_ascii=False,
                           separators=(",", ":") if one_line else (",", ": "))
        # Numbers are written in other ways; the lines and their beginnings must be the same.
        shape = [re.match(r" *", line).group() for line in text.split("\n")]
        wanted = [re.match(r" *", line).group() for line in again.split("\n")]
        if shape != wanted:
            yield f"{path}: the lines of {other} are not those of an indented object"


def texts(both):
    """Answers that are no objects, word for word."""
    for path in ("/nothing", "/varz/", "/connz?limit=x", "/connz?auth=2", "/connz?cid=-1",
                 "/connz?offset=99999999999999999999", "/connz?state=zz", "/connz?sort=foo",
                 "/connz?sort=stop", "/connz?state=any&sort=reason", "/connz?subs=%22%0a",
                 "/connz?limit=1_0", "/connz?limit=%2b", "/routez?subs=x", "/subsz?subs=x",
                 "/subsz?test=foo.*&subs=1", "/subsz?limit=1e3", "/healthz?details=x",
                 "/healthz?stream=s", "/healthz?account=a&consumer=c",
                 "/healthz?stream=s&details=1"):
        ours, theirs = (server.get(path) for server in both)
        if (ours.status, ours.body) != (theirs.status, theirs.body):
            yield f"{path}: {ours.status} {ours.body!r} instead of {theirs.status} {theirs.body!r}"
        for name in ("content-type", "x-content-type-options", "access-control-allow-origin"):
            if ours.headers.get(name) != theirs.headers.get(name):
                yield f"{path}: {name} {ours.headers.get(name)} instead of {theirs.headers.get(name)}"
    for data in (b"GET\r\n\r\n", b"GET /varz HTTP/1.1\r\n\r\n", b"GET /varz HTTP/2.0\r\nHost: h\r\n\r\n",
                 b"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", b"G T / HTTP/1.1\r\nHost: h\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n"):
        ours, theirs = (server.raw_answer(data) for server in both)
        if ours != theirs:
            yield f"{data!r}: {ours!r} instead of {theirs!r}"
