"""Whether Martlet's log tells what the log of the recorded server tells.

Each kind of line has to be there once at least: how often depends on when the capture ended. What
is in Martlet's log besides is not looked at, as it goes on after the end of the transcript.
"""
import re

# Not compared: what is about the system account's interest, which Martlet does not have, about the
# process rather than the cluster, or beyond the end of a replay.
LEFT_OUT = re.compile(
    r'for account "\$SYS"$|Sent local subscriptions|Client connection|SYSTEM - |accept loop exiting|'
    r'Get non local|  ip=|Version: |\(attempt ([2-9]|\d\d)\)|Trapped "(interrupt|terminated)"|'
    r"Initiating Shutdown|Server Exiting")
SAME = (
    (r"(127\.0\.0\.1|0\.0\.0\.0|localhost):(\d+|\{PORT\})", "HOST:PORT"),
    (r"\b(rid|cid):\d+", r"\1:N"),
    (r"\bN[A-Z2-7]{55}\b|\{ID_\w\}", "ID"),
    (r"\b[A-Za-z0-9]{22}\b", "NAME"),
    (r"sha256:\w+", "sha256"),
    (r" - Remote: \w+$", ""),  # from 2.12 on
)


def shape(line):
    for pattern, text in SAME:
        line = re.sub(pattern, text, line)
    return line


def shapes(lines):
    return {shape(line) for line in lines if line.strip() and not LEFT_OUT.search(line)}


def missing(wanted, log, tolerated):
    """Lines of `wanted` that `log`, the text of a log file, has nothing like."""
    given = shapes(re.sub(r"^\[\d+\] \S+ \S+ ", "", line) for line in log.split("\n"))
    return sorted(line for line in shapes(wanted) - given
                  if not any(text in line for text in tolerated))
