#!/usr/bin/env python3
"""Compiles headers alone, with the include paths and language flags of the build.

  check_headers.py --build DIR [--jobs N] [--all]

Takes the compiler and flags from DIR/compile_commands.json. A header that a source of that build includes
before anything else has stood alone there: it is counted, and compiled once more only with --all. Exits 1
and prints the compiler's words where a header needs something that it does not include itself.
"""
import argparse
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOPS = ("include", "src", "tests", "bench")
WITH_VALUE = ("-I", "-isystem", "-idirafter", "-D")
KEPT = ("-std=", "-fno-rtti", "-pthread")
INCLUDE = re.compile(r'#\s*include\s*"([^"]+)"')


def sources(build):
    """Each source of ours that is built: its path, its folder's compiler command as words."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as text:
        entries = json.load(text)
    for entry in entries:
        path = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        if os.path.relpath(path, ROOT).split(os.sep)[0] in TOPS:
            words = shlex.split(entry["command"])
            ours = 1 if os.path.basename(words[0]) in ("ccache", "sccache") else 0
            yield path, words[ours:]


def compile_command(built):
    """The compiler and the flags that matter to headers, over all of our sources."""
    compiler, flags = None, []
    for _, words in built:
        compiler = compiler or words[0]
        for flag in kept_flags(words[1:]):
            if flag not in flags:
                flags.append(flag)
    if not compiler:
        sys.exit("no sources of ours in compile_commands.json")
    return [compiler] + [word for flag in flags for word in flag]


def kept_flags(words):
    words = iter(words)
    for word in words:
        if word in WITH_VALUE:
            yield (word, next(words))
        elif word.startswith(WITH_VALUE + KEPT):
            yield (word,)


def first_include(path):
    """What the source includes before any other text for the compiler, or None."""
    with open(path, encoding="utf-8") as text:
        for line in text:
            line = line.strip()
            if line and not line.startswith("//"):
                found = INCLUDE.match(line)
                return found[1] if found else None
    return None


def compiled_alone(built, build):
    """The headers that a source of the build begins with."""
    found = set()
    for path, words in built:
        name = first_include(path)
        if not name or "-include" in words:
            continue
        folders = [os.path.dirname(path)]
        folders += [os.path.join(build, word[2:]) for word in words if word.startswith("-I")]
        candidates = (os.path.normpath(os.path.join(folder, name)) for folder in folders)
        found.add(next(filter(os.path.exists, candidates), None))
    return found


def guarded(path):
    """Whether it may be included twice; asked of those that are not compiled here."""
    with open(path, encoding="utf-8") as text:
        return any(line.strip() == "#pragma once" for line in text)


def headers():
    for top in TOPS:
        for directory, _, names in os.walk(os.path.join(ROOT, top)):
            yield from (os.path.join(directory, name) for name in names if name.endswith(".h"))


def compile_alone(command, build, header):
    """The compiler's complaint, or an empty string."""
    text = '#include "%s"\n#include "%s"\n' % (header, header)  # twice: the guard is checked too
    done = subprocess.run(command + ["-fsyntax-only", "-x", "c++", "-"], input=text, cwd=build,
                          capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="configured build folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--all", action="store_true", help="also those that the build compiles alone")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    built = list(sources(options.build))
    command = compile_command(built)
    done = set() if options.all else set(filter(guarded, compiled_alone(built, options.build)))
    failed = 0
    everything = sorted(headers())
    paths = [path for path in everything if path not in done]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        complaints = pool.map(lambda path: compile_alone(command, options.build, path), paths)
        for path, complaint in zip(paths, complaints):
            if complaint:
                failed += 1
                print("FAIL %s does not compile alone\n%s" % (os.path.relpath(path, ROOT), complaint))
    print("%d of %d compiled here, the others by the build" % (len(paths), len(everything)))
    print("%d passed, %d failed, 0 skipped" % (len(everything) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
