#!/usr/bin/env python3
"""Checks that every include goes down the ladder of tools/layers.txt.

  check_layers.py [--root DIR] [--layers FILE]

Looks at src/, include/martlet/ and tests/unit/; a unit test may include what its folder may, and
the folder itself. Prints each forbidden include and exits 1 if there is one.
"""
import argparse
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
PUBLIC = "martlet"


class Ladder:
    def __init__(self, path):
        self.layer = {}  # folder to number
        self.allowed = set()  # (from, to) between neighbours
        self.only = {}  # target to the folders that may include it
        self.headers = {}  # system header to the folders that may include it
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                words = line.split("#", 1)[0].split()
                if words:
                    self.read(words, "%s:%d" % (path, number))

    def read(self, words, where):
        kind, rest = words[0], words[1:]
        if kind == "layer" and len(rest) >= 2:
            for folder in rest[1:]:
                self.layer[folder] = int(rest[0])
        elif kind == "allow" and len(rest) >= 3:
            self.allowed.add((rest[0], rest[1]))
        elif kind == "only" and len(rest) >= 2:
            self.only[rest[0]] = rest[1:]
        elif kind == "header" and len(rest) >= 2:
            self.headers[rest[0]] = rest[1:]
        else:
            sys.exit("%s: not understood: %s" % (where, " ".join(words)))

    def objection(self, folder, target):
        """Why `folder` may not include `target`; empty when it may."""
        if folder == target:
            return ""
        if target not in self.layer:
            return "%s is not in layers.txt" % target
        if target in self.only and folder not in self.only[target]:
            return "%s is for %s only" % (target, ", ".join(self.only[target]))
        if self.layer[target] < self.layer[folder] or (folder, target) in self.allowed:
            return ""
        relation = "beside" if self.layer[target] == self.layer[folder] else "above"
        return "%s stands %s %s" % (target, relation, folder)

    def header_objection(self, folder, header):
        owners = self.headers.get(header)
        if owners and folder not in owners:
            return "<%s> is for %s only" % (header, ", ".join(owners))
        return ""


def sources(top):
    for directory, _, names in os.walk(top):
        for name in sorted(names):
            if name.endswith((".h", ".cpp")):
                yield os.path.join(directory, name)


def folder_of(root, path):
    """The folder of the ladder that a file belongs to, or None."""
    parts = os.path.relpath(path, root).split(os.sep)
    if parts[:2] == ["include", "martlet"]:
        return PUBLIC
    if parts[0] == "src":
        return parts[1] if len(parts) > 2 else os.path.splitext(parts[1])[0]
    if parts[:2] == ["tests", "unit"] and len(parts) > 3:
        return parts[2]
    return None


def target_of(ladder, root, path, quote, name):
    """The folder of the ladder that an include names, or None for one that is not ours."""
    first = name.split("/", 1)[0]
    if quote == "<":
        return PUBLIC if first == PUBLIC else None
    if "/" in name:
        known = first in ladder.layer or os.path.isdir(os.path.join(root, "src", first))
        return first if known else None
    return folder_of(root, os.path.join(os.path.dirname(path), name))


def check(root, ladder):
    """Every violation as one line, in the order of the files."""
    found = []
    for top in ("include", "src", os.path.join("tests", "unit")):
        for path in sources(os.path.join(root, top)):
            folder = folder_of(root, path)
            if folder is None:
                continue
            shown = os.path.relpath(path, root)
            if folder not in ladder.layer:
                found.append("%s: folder %s is not in layers.txt" % (shown, folder))
                continue
            with open(path, encoding="utf-8") as lines:
                for number, line in enumerate(lines, 1):
                    match = INCLUDE.match(line)
                    if not match:
                        continue
                    quote, name = match.groups()
                    target = target_of(ladder, root, path, quote, name)
                    objection = ladder.objection(folder, target) if target else ""
                    objection = objection or ladder.header_objection(folder, name)
                    if objection:
                        found.append("%s:%d: includes %s, but %s" % (shown, number, name, objection))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.join(HERE, ".."))
    parser.add_argument("--layers", default=os.path.join(HERE, "layers.txt"))
    options = parser.parse_args()
    found = check(os.path.abspath(options.root), Ladder(options.layers))
    print("\n".join(found) if found else "All includes go down the ladder.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
