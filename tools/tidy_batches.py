#!/usr/bin/env python3
"""clang-tidy over files that stand in compile_commands.json, many at a time.

    tidy_batches.py TIDY BUILD_FOLDER deep|shallow FILE...

A file alone takes most of its time for the headers that all of them include. So files of one target are
put into one, which is checked as if it were theirs. Where something is found, or names that only one of
them should know meet, its halves are checked, and in the end each file for itself: what is told in the
end is told of a file as it stands.
"""
import collections
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys

BATCH = 16
QUICK = ["--checks=-*,misc-static-assert"]
# With long paths the analyzer takes most of the time, in tests eight tenths of it: every EXPECT forks
# them.
SHALLOW = ["--extra-arg=-Xclang", "--extra-arg=-analyzer-config", "--extra-arg=-Xclang",
           "--extra-arg=mode=shallow"]


class Checker:
    def __init__(self, tidy, folder, deep):
        self.tidy, self.folder, self.deep = tidy, os.path.abspath(folder), deep
        self.batches = os.path.join(self.folder, "batches")
        self.commands = {}
        with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as text:
            for entry in json.load(text):
                path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
                self.commands[path] = flags_of(shlex.split(entry["command"]))

    def copy_settings(self):
        """A batch stands in a folder with the settings that those of its files have."""
        for settings in subprocess.run(["git", "ls-files", "*/.clang-tidy"], stdout=subprocess.PIPE,
                                       text=True, check=True).stdout.split():
            copy = os.path.join(self.batches, settings)
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            shutil.copy(settings, copy)

    def groups(self, files):
        """Lists of files that are compiled alike, in the order of their names."""
        alike = collections.defaultdict(list)
        for name in sorted(files):
            path = os.path.realpath(name)
            if path not in self.commands:
                sys.exit(f"{name} is not in compile_commands.json, so it would not be checked")
            alike[tuple(self.commands[path])].append(name)
        for group in alike.values():
            for first in range(0, len(group), BATCH):
                yield group[first:first + BATCH]

    def check(self, files):
        """What is wrong with them, as text."""
        if len(files) == 1:
            return self.run(os.path.realpath(files[0]), files[0])
        path = os.path.join(self.batches, f"{files[0]}.{len(files)}.cpp")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as batch:
            for name in files:
                with open(name, encoding="utf-8") as source:
                    batch.write(source.read() + "\n")
        # Whether it can be read at all shows soonest with one check that costs nothing.
        if not self.run(path, files[0], QUICK) and not self.run(path, files[0]):
            return ""
        half = len(files) // 2
        return self.check(files[:half]) + self.check(files[half:])

    def run(self, path, name, options=()):
        """What it says of `path`, compiled as the source file `name` is."""
        command = [self.tidy, "--quiet", "--extra-arg=-Wno-unknown-warning-option"]
        command += options or ([] if self.deep else SHALLOW)
        done = subprocess.run([*command, path, "--", *self.commands[os.path.realpath(name)]],
                              cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        # It counts what it suppressed in foreign headers, too.
        return done.stdout if done.returncode else ""


def flags_of(command):
    """Without compiler, input and outputs."""
    flags, skip = [], False
    for word in command[2 if os.path.basename(command[0]) == "ccache" else 1:]:
        if not skip and word not in ("-MD", "-MQ", "-MF", "-o", "-c"):
            flags.append(word)
        skip = word in ("-MQ", "-MF", "-o", "-c")
    return flags


def main():
    tidy, folder, depth, *files = sys.argv[1:]
    checker = Checker(tidy, folder, depth == "deep")
    checker.copy_settings()
    groups = list(checker.groups(files))
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = [text for text in pool.map(checker.check, groups) if text]
    print("".join(found), end="")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
