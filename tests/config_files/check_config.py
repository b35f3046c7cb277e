#!/usr/bin/env python3
"""What -t says of configuration files, against what the reference says of them.

cases.txt holds the files, expected.json what the reference answered (`--record` with its binary
makes it anew, `--reference` asks it again instead of trusting the record). Compared are the exit
code and the lines; ours may say more: lines that begin with four blanks (the place in the file, a
guess at what was meant). The order of lines does not count: the reference walks its maps at random.

differences.txt lists the cases in which we mean to differ, with what we say and why.

Form of cases.txt: `=== name`, then `--- env NAME=VALUE`, then `--- file PATH` with its text; <CR>
stands for a carriage return, <NO NEWLINE> for a file that ends there.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def read_cases():
    cases, case, path = {}, None, None
    for line in (HERE / "cases.txt").read_text(encoding="utf-8").split("\n")[:-1]:
        if line.startswith("=== "):
            case = cases.setdefault(line[4:], {"env": {}, "files": {}})
            path = None
        elif line.startswith("--- env "):
            name, value = line[8:].split("=", 1)
            case["env"][name] = value
        elif line.startswith("--- file "):
            path = line[9:]
            case["files"][path] = ""
        elif path is not None:
            text = (line + "\n").replace("<CR>", "\r").replace("<NO NEWLINE>\n", "")
            case["files"][path] += text
    return cases


def read_differences():
    """Name to (reason, exit code and lines)."""
    out, name = {}, None
    for line in (HERE / "differences.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("=== "):
            name = line[4:]
            out[name] = {"why": "", "exit": 1, "lines": []}
        elif line.startswith("why: "):
            out[name]["why"] += line[5:]
        elif line.startswith("exit: "):
            out[name]["exit"] = int(line[6:])
        elif name is not None and line and not line.startswith("#"):
            out[name]["lines"].append(line)
    return out


def make_certificates(directory):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    for name in ("key", "other-key"):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", name + ".pem")
    for name in ("cert", "ca"):
        openssl("req", "-x509", "-new", "-key", "key.pem", "-subj", "/CN=" + name, "-days", "2",
                "-out", name + ".pem")
    (directory / "text.pem").write_text("no certificate\n")


def ask(binary, case, certificates):
    with tempfile.TemporaryDirectory() as directory:
        for path, text in case["files"].items():
            file = pathlib.Path(directory, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        for file in certificates.iterdir():
            os.symlink(file, pathlib.Path(directory, file.name))
        env = {"PATH": os.environ["PATH"], "HOME": directory, **case["env"]}
        if "ASAN_OPTIONS" in os.environ:
            # Looking for leaks takes longer than all the rest; unit tests and the fuzz corpus do.
            env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"] + ":detect_leaks=0"
        done = subprocess.run([binary, "-t", "-c", "main.conf"], cwd=directory, env=env,
                              capture_output=True, timeout=60, check=False)
    lines = done.stderr.decode("utf-8", "replace").split("\n")
    lines += done.stdout.decode("utf-8", "replace").split("\n")
    # Behind the name of the program stands the first of the messages, whichever that is.
    lines = [line.removeprefix("nats-server: ") for line in lines]
    return {"exit": done.returncode, "lines": sorted(line for line in lines if line)}


def without_ours(answer):
    return {"exit": answer["exit"],
            "lines": [line for line in answer["lines"] if not line.startswith("    ")]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--server", help="martlet-server")
    parser.add_argument("--reference", help="nats-server: ask it instead of the record")
    parser.add_argument("--record", help="nats-server: write what it says to expected.json")
    parser.add_argument("cases", nargs="*", help="only these")
    args = parser.parse_args()
    for name in ("server", "reference", "record"):  # they run elsewhere
        if getattr(args, name):
            setattr(args, name, os.path.abspath(getattr(args, name)))
    cases = read_cases()
    chosen = {name: cases[name] for name in args.cases} if args.cases else cases
    differences = read_differences()
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        certificates = pathlib.Path(directory)
        make_certificates(certificates)
        if args.record:
            # Some of those where we differ end the reference in no good way.
            answers = {name: ask(args.record, case, certificates) for name, case in cases.items()
                       if name not in differences}
            text = json.dumps(answers, indent=1, ensure_ascii=False, sort_keys=True)
            (HERE / "expected.json").write_text(text + "\n", encoding="utf-8")
            print(f"{len(answers)} cases recorded")
            return 0
        expected = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
        for name, case in chosen.items():
            intended = differences.get(name)
            if intended is not None:
                wanted = {"exit": intended["exit"], "lines": sorted(intended["lines"])}
            elif args.reference:
                wanted = ask(args.reference, case, certificates)
            else:
                wanted = expected[name]
            got = without_ours(ask(args.server, case, certificates))
            if got == wanted:
                continue
            failed += 1
            print(f"{name}: exit {got['exit']}, wanted {wanted['exit']}")
            for line in wanted["lines"]:
                print("  wanted:", line)
            for line in got["lines"]:
                print("  got:   ", line)
    print(f"{len(chosen)} cases, {failed} failed, {len(differences)} intended differences")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
