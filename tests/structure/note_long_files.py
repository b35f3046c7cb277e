#!/usr/bin/env python3
"""Names the source files that have grown long. A note, never a failure: length is judged by reading."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LONG_LINES = 400
DRAWER_LINES = 600  # a file of this length has usually become a drawer: more than one job


def main():
    for top in ("include", "src"):
        for directory, _, names in sorted(os.walk(os.path.join(ROOT, top))):
            for name in sorted(names):
                if not name.endswith((".h", ".cpp")):
                    continue
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as text:
                    lines = sum(1 for _ in text)
                if lines > LONG_LINES:
                    kind = "NOTE a drawer" if lines > DRAWER_LINES else "note long"
                    print("%s: %s has %d lines" % (kind, os.path.relpath(path, ROOT), lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
