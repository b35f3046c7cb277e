"""The monitoring port as one for HTTP: where it listens, and the forms of requests."""
import json
import os
import re
import signal
import socket

import harness
from harness import expect, wait_for
from monitored import Monitored, read_all


def start(args):
    with Monitored(args.server, ["-D"] + args.flags) as server:
        log = server.log()
        expect(log.index("Starting http monitor on 127.0.0.1:")
               < log.index("Listening for client connections on"), "the clients' port comes first")
        wait_for(lambda: [n for n in os.listdir(server.dir) if n.endswith(".ports")], "no ports file")
        ports = [name for name in os.listdir(server.dir) if name.endswith(".ports")]
        with open(os.path.join(server.dir, ports[0])) as file:
            text = json.load(file)
        expect(text["monitoring"] == [f"http://127.0.0.1:{server.monitor_port}"], f"{text}")
        idle = server.raw()  # does not keep the server from ending
        server.get("/varz")
        server.signal(signal.SIGTERM)
        expect(server.wait(3) == 0, "no exit 0 while a connection is open")
        idle.close()


def bad_port(args):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = harness.Server(args.server, ["-m", str(port), *args.flags], wait=False)
        try:
            expect(server.wait(5) == 1, "no exit 1")
            line = (f"[FTL] Can't start monitoring: can't listen to the monitor port: "
                    f"listen tcp 127.0.0.1:{port}: bind: address already in use")
            expect(line in server.log(), server.log())
            expect("Listening for client" not in server.log(), "listened for clients all the same")
        finally:
            server.stop()
    server = harness.Server(args.server, ["-m", "70000", *args.flags], wait=False)
    try:
        expect(server.wait(5) == 1, "no exit 1")
        expect("[FTL] Can't start monitoring: can't listen to the monitor port: listen tcp: address "
               "70000: invalid port" in server.log(), server.log())
    finally:
        server.stop()


def http_forms(args):
    with Monitored(args.server, args.flags) as server:
        for method in ("POST", "PUT", "DELETE", "BREW"):
            expect(server.get("/healthz", method, "body").body == '{"status":"ok"}', method)
        head = server.get("/varz", "HEAD")
        expect(head.body == "" and int(head.headers["content-length"]) > 1000, f"{head}")
        root = server.get("/")
        expect(root.headers["content-type"] == "text/html; charset=utf-8", f"{root.headers}")
        for link in re.findall(r'href="\.(.*?)"', root.body):
            expect(server.get(link).status == 200, f"{link} leads nowhere")
        missing = server.get("/jsz")
        expect((missing.status, missing.body) == (404, "404 page not found\n"), f"{missing}")

        request = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
        last = b"GET /connz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        answers = server.raw_answer(request * 20 + last)
        expect(answers.count(b'{"status":"ok"}') == 20, f"{answers[-300:]}")
        expect(answers.rstrip().endswith(b"}") and b'"num_connections": 0' in answers, "the last one")
        expect(answers.count(b"Connection: close") == 1, "closes early")
        expect(server.raw_answer(b"GET /healthz HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 OK\r\n"),
               "HTTP/1.0")
        with server.raw() as sock:  # whoever says that it is done still gets its answer
            sock.sendall(b"GET /connz HTTP/1.1\r\nHost: h\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            expect(b'"connections": []' in read_all(sock), "half closed")
        with server.raw() as sock:  # byte by byte
            for byte in request:
                sock.sendall(bytes([byte]))
            expect(b'{"status":"ok"}' in sock.recv(4096), "byte by byte")
