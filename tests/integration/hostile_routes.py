#!/usr/bin/env python3
"""Feeds the cluster's port of a server what no honest server sends; its neighbours must not notice.

  hostile_routes.py --server "build/martlet-server" [--only PATTERN]
  hostile_routes.py --server nats-server --reference

Every case has a cluster of its own: the victim, an honest server with routes to it, and a stream of
numbered messages between clients of the two. During a case no message may get lost or wait longer
than a second, no honest route may close, the victim must live, and its memory must stay within the
case's bound. --reference skips what the reference server itself does not keep ("ours only").
"""
import resource
import sys

import harness
import hostile_route_connections as connections
import hostile_route_floods as floods
import hostile_route_s2 as s2
from hostile_route_answers import FIRST, GREETED, REGISTERED, run_route_answers
from hostile_route_stage import Stage
from route_peer import Peer

COMPRESSED = "  compression: s2_fast\n"
AUTHORIZED = "  authorization { user: route, password: secret, timeout: 1 }\n"


def nothing(peer):
    peer.read_info()


def main():
    args = harness.arguments(__doc__.splitlines()[0], lambda parser: parser.add_argument(
        "--reference", action="store_true", help="skip what the reference does not keep"))
    tally = harness.Tally(args.only)
    stage = Stage(args, tally)
    run_route_answers(stage, "first: ", nothing, FIRST)
    run_route_answers(stage, "greeted: ", Peer.connect, GREETED)
    run_route_answers(stage, "registered: ", Peer.join, REGISTERED)
    stage.case("the victim's own id", connections.own_id, 8)
    stage.case("the honest server's id", connections.friends_id, 8)
    stage.case("20 errors", connections.errors, 16)
    stage.case("400 wrong passwords", connections.wrong_passwords, 16, config=AUTHORIZED)
    stage.case("300 connections past the time to authenticate", connections.authentication_timeout, 16,
               config=AUTHORIZED)
    stage.case("3000 connections without CONNECT", connections.half_open(3000), 80)
    stage.case("5000 connections without CONNECT", connections.half_open(5000), 120)
    stage.case("out of file descriptors", connections.out_of_descriptors, 16,
               limits={resource.RLIMIT_NOFILE: 128})
    stage.case("connect and RST x 500", connections.resets, 16)
    stage.case("half close", connections.half_close, 8)
    stage.case("one byte a second x 200", connections.slow_loris, 16)
    stage.case("garbage at first x 400", connections.garbage(nothing), 16)
    stage.case("garbage of a greeted one x 400", connections.garbage(Peer.connect), 16)
    stage.case("garbage of a registered one x 400", connections.garbage(Peer.join), 32)
    stage.case("endless lines", floods.endless_lines, 8)
    stage.case("1 GB announced, 3 bytes sent x 50", floods.big_message, 16, ours_only=True)
    stage.case("many subjects, three times", floods.interest_flood, 400, ours_only=True)
    stage.case("300000 invalid subjects, answers unread", floods.invalid_interest_flood, 64,
               ours_only=True)
    stage.case("20000 unknown accounts", floods.unknown_account_flood, 32)
    stage.case("3000 changes of what is imported", floods.info_bomb, 128, ours_only=True)
    stage.case("1000 false sums of members, twice", floods.false_sums, 8)
    stage.case("gossip of 10000 silent servers",
               floods.gossip_flood(lambda n: f"127.{n // 250 % 250}.{n % 250}.9", "silent"), 64,
               ours_only=True)
    stage.case("gossip of 10000 refusing servers",
               floods.gossip_flood(lambda n: f"127.{n // 250 % 250}.{n % 250}.9", "refused"), 64,
               ours_only=True)
    stage.case("gossip of 10000 servers at the victim's address",
               floods.gossip_flood(lambda n: "127.0.0.1", "self"), 64, ours_only=True)
    stage.case("gossip of 10000 names", floods.gossip_flood(lambda n: f"s{n}.invalid", "refused"), 64,
               ours_only=True)
    stage.case("S2: streams that are none", s2.no_streams, 32, config=COMPRESSED)
    stage.case("S2: bombs", s2.bombs, 32, config=COMPRESSED)
    stage.case("S2: a bomb of one message", s2.message_bomb, 160, config=COMPRESSED)
    stage.case("S2: padding", s2.endless_padding, 16, config=COMPRESSED)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
