#!/usr/bin/env python3
"""What an installation has besides the programs: the unit, man pages, completions, the default
configuration. Tools that are not there are named and skipped.

  packaging.py --server S --generate G --service FILE --sysusers FILE --default FILE --reference FILE
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import harness
from harness import expect

EXPOSURE_MAX = 2.0  # of systemd-analyze security


def tool(name):
    path = shutil.which(name)
    if path is None:
        raise harness.Skip(f"no {name}")
    return path


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30,
                          check=False)
    return done.returncode, done.stdout + done.stderr


def made(args, name):
    code, text = run(args.generate, name)
    expect(code == 0 and len(text) > 1000, f"{name}: {code} {text[:100]!r}")
    return text


def flags_of(args):
    """All names of flags that the usage has, without dashes."""
    done = subprocess.run([*args.server, "-h"], capture_output=True, text=True, timeout=10,
                          check=True)
    names = set()
    for line in done.stdout.splitlines():
        synopsis = line[:37]
        names.update(re.findall(r"(?<![\w-])--?([A-Za-z_]+)", synopsis))
    return names


def manual_of_the_server(args):
    text = made(args, "martlet-server.1").replace("\\-", "-")
    for name in flags_of(args):
        expect(re.search(r"-%s\b" % name, text), f"no {name}")


def manual_of_the_configuration(args):
    text = made(args, "martlet.conf.5")
    for key in ("max_payload", "ping_interval", "write_deadline", "lame_duck_duration"):
        expect(f".B {key}" in text, f"no {key}")


def manuals_are_well_formed(args):
    groff = tool("groff")
    for name in ("martlet-server.1", "martlet.conf.5"):
        code, text = run(groff, "-man", "-Tutf8", "-ww", "-z", text=made(args, name))
        expect(code == 0 and text == "", text[:500])


def bash_completion(args):
    text = made(args, "martlet-server.bash")
    for words, wanted in ((["--ser"], "--server_name"), (["-sl", "rel"], "reload"),
                          (["--profile", "lat"], "latency")):
        script = text + (f"COMP_WORDS=(martlet-server {' '.join(words)}); COMP_CWORD={len(words)}; "
                         "_martlet_server; echo \"${COMPREPLY[@]}\"")
        code, out = run(tool("bash"), "-c", script)
        expect(code == 0 and wanted in out.split(), f"{words}: {out!r}")


def zsh_completion(args):
    code, out = run(tool("zsh"), "-n", "/dev/stdin", text=made(args, "_martlet-server"))
    expect(code == 0, out)


def fish_completion(args):
    code, out = run(tool("fish"), "--no-execute", "/dev/stdin", text=made(args, "martlet-server.fish"))
    expect(code == 0, out)


def unit_is_valid(args):
    analyze = tool("systemd-analyze")
    with tempfile.TemporaryDirectory() as directory:
        # Under the name that systemd would know it by, with a program that is there.
        path = os.path.join(directory, "martlet-server.service")
        with open(args.service, encoding="utf-8") as file:
            text = re.sub(r"/\S*/martlet-server", os.path.abspath(args.server[0]), file.read())
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        code, out = run(analyze, "verify", "--man=no", path)
        expect(code == 0 and "martlet-server.service" not in out, out)


def unit_is_hardened(args):
    analyze = tool("systemd-analyze")
    code, out = run(analyze, "security", "--offline=true", args.service)
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)
    expect(found, f"exit {code}: {out[-300:]}")
    expect(float(found.group(1)) <= EXPOSURE_MAX, found.group(0))
    return found.group(0)


def default_configuration(args):
    code, out = run(*args.server, "-t", "-c", args.default)
    expect(code == 0 and "is valid" in out, out)
    # With every line that is commented out, too.
    with open(args.default, encoding="utf-8") as file:
        text = re.sub(r"(?m)^#(?=[a-z_]+:)", "", file.read())
    code, out = run(*args.server, "-t", "-c", harness.write_config(text))
    expect(code == 0 and "is valid" in out, out)


def reference_is_current(args):
    if args.martlet is None:
        raise harness.Skip("no martlet command")
    code, tables = run(args.martlet, "config", "keys")
    expect(code == 0, tables)
    with open(args.reference, encoding="utf-8") as file:
        expect(file.read().endswith(tables), "run `martlet config keys` into docs/configuration.md")


def system_user(args):
    with open(args.sysusers, encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if line and not line.startswith("#")]
    expect(len(lines) == 1 and lines[0].startswith("u martlet "), lines)


def main():
    def add(parser):
        for name in ("generate", "service", "sysusers", "default", "reference"):
            parser.add_argument("--" + name, required=True)
        parser.add_argument("--martlet")

    args = harness.arguments(__doc__.splitlines()[0], add)
    tally = harness.Tally(args.only)
    for case in (manual_of_the_server, manual_of_the_configuration, manuals_are_well_formed,
                 bash_completion, zsh_completion, fish_completion, unit_is_valid,
                 unit_is_hardened, default_configuration, reference_is_current, system_user):
        tally.run(case.__name__, case, args)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
