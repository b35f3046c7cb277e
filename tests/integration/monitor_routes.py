"""What the monitoring port says of routes and of the interest that came over them."""
import json
import os
import signal
import threading

from harness import expect, wait_for
from monitored import Pair, connect


def cluster(args):
    with Pair(args.server, args.flags + ["--shards", "2"]) as pair:
        a, b = pair.a, pair.b
        expect("[INF]   Cluster:  C\n" in a.log(), "banner")
        answer = a.json("/routez")
        expect((answer["server_name"], answer["num_routes"]) == ("A", 4), f"{answer}")
        expect([r.get("account") for r in answer["routes"]] == [None, None, None, "$SYS"], f"{answer}")
        expect(len({r["rid"] for r in answer["routes"]}) == 4, f"{answer}")
        for route in answer["routes"]:
            expect((route["remote_name"], route["remote_id"], route["ip"], route["did_solicit"],
                    route["is_configured"], route["compression"], route["pending_size"])
                   == ("B", b.json("/varz")["server_id"], "127.0.0.1", False, False, "off", 0),
                   f"{route}")
        out = answer["routes"][2]
        expect((out["in_msgs"], out["out_msgs"], out["in_bytes"], out["out_bytes"])
               == (0, 13, 0, 56), f"{out}")
        expect(out["start"] <= out["last_activity"] <= answer["now"], f"{out}")
        come = pair.route(b)
        expect((come["did_solicit"], come["is_configured"], come["port"], come["in_bytes"],
                come["subscriptions"]) == (True, True, pair.route_port, 56, 0), f"{come}")
        listed = pair.route(a, "?subs=1")
        expect(sorted(listed["subscriptions_list"]) == ["bar", "foo.*"], f"{listed}")
        detail = sorted(pair.route(a, "?subs=detail")["subscriptions_list_detail"],
                        key=lambda s: s["subject"])
        expect(detail == [{"subject": "bar", "qgroup": "workers", "sid": "R $G bar workers",
                           "msgs": 0, "cid": out["rid"]},
                          {"subject": "foo.*", "sid": "R $G foo.*", "msgs": 0, "cid": out["rid"]}],
               f"{detail}")

        varz = a.json("/varz")
        wanted = {"routes": 4, "remotes": 1, "subscriptions": 2, "in_msgs": 13, "in_client_msgs": 13,
                  "out_msgs": 13, "out_bytes": 56, "out_client_msgs": 0, "connections": 1,
                  "total_connections": 1, "martlet": {
                      "interest_differences": 0, "lost_interest": 0, "lost_routes": 0,
                      "member_differences": 0}}
        for name, value in wanted.items():
            expect(varz[name] == value, f"{name}: {varz[name]} instead of {value}")
        expect(varz["cluster"] == {"name": "C", "addr": "127.0.0.1", "cluster_port": pair.route_port,
                                   "auth_timeout": 2, "tls_timeout": 2, "pool_size": 3},
               f"{varz['cluster']}")
        expect(b.json("/varz")["cluster"]["urls"] == [f"127.0.0.1:{pair.route_port}"], "urls")
        expect(varz["connect_urls"] == [f"127.0.0.1:{s.port}" for s in (a, b)], f"{varz}")
        expect(a.json("/subsz")["num_subscriptions"] == 2, "subsz does not count interest")
        expect(a.json("/subsz?subs=1")["total"] == 0, "subsz tells of interest")
        expect(len(a.json("/connz")["connections"]) == 1, "connz tells of routes")
        ports = [name for name in os.listdir(a.dir) if name.endswith(".ports")]
        with open(os.path.join(a.dir, ports[0])) as file:
            expect(json.load(file)["cluster"] == [f"nats://127.0.0.1:{pair.route_port}"], "ports file")

        pair.subscriber.close()
        wait_for(lambda: a.json("/varz")["subscriptions"] == 0, "interest stays")
        expect(a.json("/subsz")["num_removes"] == 2, "removes")
        b.signal(signal.SIGTERM)
        expect(b.wait(5) == 0, "B does not end")
        wait_for(lambda: a.json("/varz")["routes"] == 0, "routes stay")
        now = a.json("/varz")
        expect((now["remotes"], now["out_msgs"]) == (0, 13), f"{now}")
        expect(a.json("/routez")["routes"] == [], "routes stay")
        expect(a.json("/healthz")["status"] == "ok", "health")


def much_interest(args):
    """What another server wants is told in pieces, while it changes."""
    count = 20000
    with Pair(args.server, args.flags + ["--shards", "2"]) as pair:
        subscriber = connect(pair.b)
        subscriber.send(b"".join(b"SUB many.%d %d\r\n" % (i, i) for i in range(count)))
        subscriber.ping()
        wait_for(lambda: pair.route(pair.a)["subscriptions"] == count + 2, "interest", 20)
        stopping = threading.Event()

        def churn():
            with connect(pair.b) as client:
                while not stopping.is_set():
                    client.send(b"".join(b"SUB other.%d %d\r\n" % (i, i) for i in range(100)))
                    client.send(b"".join(b"UNSUB %d\r\n" % i for i in range(100)))
                    client.ping()

        thread = threading.Thread(target=churn)
        thread.start()
        try:
            for _ in range(3):
                listed = pair.route(pair.a, "?subs=1")["subscriptions_list"]
                expect(len(listed) == len(set(listed)), "told twice")
                missing = {f"many.{i}" for i in range(count)} - set(listed)
                expect(not missing, f"{len(missing)} missing")
        finally:
            stopping.set()
            thread.join()
        subscriber.close()
