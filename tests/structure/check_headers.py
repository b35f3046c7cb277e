#!/usr/bin/env python3
"""Compiles every header alone, with the include paths and language flags of the build.

  check_headers.py --build DIR [--jobs N]

Takes the compiler and flags from DIR/compile_commands.json. Exits 1 and prints the compiler's words
where a header needs something that it does not include itself.
"""
import argparse
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TOPS = ("include", "src", "tests", "bench")
WITH_VALUE = ("-I", "-isystem", "-idirafter", "-D")
KEPT = ("-std=", "-fno-rtti", "-pthread")


def compile_command(build):
    """The compiler and the flags that matter to headers, over all of our sources."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as text:
        entries = json.load(text)
    compiler, flags = None, []
    for entry in entries:
        source = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
        if source.split(os.sep)[0] not in TOPS:
            continue
        words = shlex.split(entry["command"])
        start = 1 if os.path.basename(words[0]) in ("ccache", "sccache") else 0
        compiler = compiler or words[start]
        for flag in kept_flags(words[start + 1:]):
            if flag not in flags:
                flags.append(flag)
    if not compiler:
        sys.exit("no sources of ours in %s/compile_commands.json" % build)
    return [compiler] + [word for flag in flags for word in flag]


def kept_flags(words):
    words = iter(words)
    for word in words:
        if word in WITH_VALUE:
            yield (word, next(words))
        elif word.startswith(WITH_VALUE + KEPT):
            yield (word,)


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
    options = parser.parse_args()
    command = compile_command(options.build)
    failed = 0
    paths = sorted(headers())
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        complaints = pool.map(lambda path: compile_alone(command, options.build, path), paths)
        for path, complaint in zip(paths, complaints):
            if complaint:
                failed += 1
                print("FAIL %s does not compile alone\n%s" % (os.path.relpath(path, ROOT), complaint))
    print("%d passed, %d failed, 0 skipped" % (len(paths) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
