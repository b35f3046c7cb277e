"""What the monitoring port of a server without routes says."""
import re
import signal
import threading
import time

import harness
from harness import Client, expect, wait_for
from monitored import IN_BYTES, IN_MSGS, OUT_BYTES, OUT_MSGS, Monitored, connect, traffic


def varz(args):
    with Monitored(args.server, args.flags) as server:
        clients = traffic(server)
        before = server.json("/varz")
        server.get("/")
        server.get("/nothing")
        server.get("/connz?limit=x")
        now = server.json("/varz")
        wanted = {"connections": 2, "total_connections": 3, "in_msgs": IN_MSGS, "in_bytes": IN_BYTES,
                  "out_msgs": OUT_MSGS, "out_bytes": OUT_BYTES, "in_client_msgs": IN_MSGS,
                  "out_client_bytes": OUT_BYTES, "slow_consumers": 0, "stalled_clients": 0,
                  "port": server.port, "subscriptions": 2, "routes": 0}
        for name, value in wanted.items():
            expect(now[name] == value, f"{name}: {now[name]} instead of {value}")
        expect(now["http_req_stats"]["/varz"] == before["http_req_stats"]["/varz"] + 1,
               f"{now['http_req_stats']}")
        expect(set(now["http_req_stats"]) == {"/", "/varz"}, f"{now['http_req_stats']}")
        expect(abs(now["mem"] - server.rss()) < 16 << 20, f"mem {now['mem']}, {server.rss()}")
        expect(re.fullmatch(r"\d+s", now["uptime"]), now["uptime"])
        for client in clients:
            client.close()


def cpu(args):
    with Monitored(args.server, args.flags) as server:
        server.get("/varz")
        time.sleep(1.1)
        expect(server.json("/varz")["cpu"] < 20, "an idle server at work")
        stop = time.monotonic() + 1.5
        with connect(server) as client:
            while time.monotonic() < stop:
                client.send(b"PUB x 0\r\n\r\n" * 2000)
                client.ping()
        busy = server.json("/varz")["cpu"]
        expect(1 < busy < 1000, f"{busy} % after a second of work")
        return f"{busy} %"


def connz(args):
    with Monitored(args.server, args.flags) as server:
        subscriber, publisher = traffic(server)
        answer = server.json("/connz?auth=1&subs=1")
        expect([c["name"] for c in answer["connections"]] == ["sub", "pub"], f"{answer}")
        sub, pub = answer["connections"]
        wanted = {"kind": "Client", "type": "nats", "ip": "127.0.0.1", "in_msgs": 0,
                  "out_msgs": OUT_MSGS, "out_bytes": OUT_BYTES, "subscriptions": 2, "lang": "python",
                  "version": "1.0", "authorized_user": "u", "pending_bytes": 0, "name_tag": "$G",
                  "port": subscriber.sock.getsockname()[1], "cid": subscriber.info["client_id"]}
        for name, value in wanted.items():
            expect(sub[name] == value, f"{name}: {sub[name]} instead of {value}")
        expect(sorted(sub["subscriptions_list"]) == ["bar", "foo.*"], f"{sub}")
        expect(pub["in_msgs"] == IN_MSGS - 1 and pub["out_msgs"] == 0, f"{pub}")
        expect("subscriptions_list" not in pub, f"{pub}")
        expect(re.fullmatch(r"[\d.]+(ns|µs|ms)", sub["rtt"]), sub["rtt"])

        detail = server.json("/connz?subs=detail&cid=%d" % sub["cid"])["connections"][0]
        one = next(s for s in detail["subscriptions_list_detail"] if s["subject"] == "foo.*")
        expect(one == {"subject": "foo.*", "sid": "1", "msgs": OUT_MSGS - 3, "max": 100,
                       "cid": sub["cid"]}, f"{one}")
        closed = server.json("/connz?state=closed")
        expect(closed["total"] == 1, f"{closed}")
        gone = closed["connections"][0]
        expect((gone["name"], gone["reason"], gone["subscriptions"], gone["in_msgs"])
               == ("gone", "Client Closed", 1, 1), f"{gone}")
        expect(gone["start"] <= gone["last_activity"] <= gone["stop"], f"{gone}")
        order = [c["name"] for c in server.json("/connz?state=any&sort=bytes_from")["connections"]]
        expect(order == ["pub", "gone", "sub"], f"{order}")
        subscriber.close()
        publisher.close()


def subsz(args):
    with Monitored(args.server, args.flags) as server:
        subscriber, publisher = traffic(server)
        plain = server.json("/subsz")
        wanted = {"num_subscriptions": 2, "num_inserts": 3, "num_removes": 1, "total": 0}
        for name, value in wanted.items():
            expect(plain[name] == value, f"{name}: {plain[name]} instead of {value}")
        expect(plain["num_matches"] > 0, f"{plain}")
        listed = server.json("/subsz?subs=1&test=foo.x")
        expect(listed["total"] == 1, f"{listed}")
        expect(listed["subscriptions_list"] == [
            {"account": "$G", "account_tag": "$G", "subject": "foo.*", "sid": "1",
             "msgs": OUT_MSGS - 3, "max": 100, "cid": subscriber.info["client_id"]}], f"{listed}")
        queue = server.json("/subscriptionsz?subs=1&test=bar")["subscriptions_list"][0]
        expect(queue["qgroup"] == "workers", f"{queue}")
        subscriber.close()
        publisher.close()


def lame_duck(args):
    with Monitored(args.server, args.flags) as server:
        expect(server.get("/healthz").body == '{"status":"ok"}', "not healthy")
        with connect(server):
            server.signal(signal.SIGUSR2)
            wait_for(lambda: server.get("/healthz").status == 500, "healthy without a listener")
            body = server.get("/healthz").body
            expect(body == '{"status":"error","error":"failed to be ready for connections after 1ms: '
                           'server"}', body)
            expect(server.json("/varz")["connections"] == 1, "connections")


def many(args):
    """A walk over thousands of connections, on two shards, while some come and go."""
    with Monitored(args.server, ["--shards", "2", *args.flags]) as server:
        clients = [Client(server.port, greet=False) for _ in range(3000)]
        for client in clients:
            client.send(harness.CONNECT + b"SUB x 1\r\nPING\r\n")
        for client in clients:
            client.until(b"PONG\r\n")
        cids = []
        for offset in range(0, 3000, 500):
            page = server.json(f"/connz?offset={offset}&limit=500")
            expect(page["total"] == 3000, f"total {page['total']}")
            cids += [c["cid"] for c in page["connections"]]
        expect(cids == sorted(set(cids)) and len(cids) == 3000, f"{len(cids)} of 3000")
        expect(server.json("/subsz?subs=1&limit=10000")["total"] == 3000, "subscriptions")

        stopping = threading.Event()

        def churn():
            while not stopping.is_set():
                Client(server.port, greet=False).close()

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for _ in range(10):
                answer = server.json("/connz?limit=100000&subs=1")
                told = [c["cid"] for c in answer["connections"]]
                expect(told == sorted(set(told)), "told twice")
                expect(set(cids) <= set(told), "one that stays is missing")
        finally:
            stopping.set()
            thread.join()
        begin = time.monotonic()
        server.json("/connz")
        seconds = time.monotonic() - begin
        for client in clients:
            client.close()
        return f"{seconds * 1000:.0f} ms for a page of 3000"
