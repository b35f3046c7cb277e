# shellcheck shell=bash
# What the scripts in this folder share: the root of the tree, system packages, the release build.
# To be sourced, after `set -euo pipefail`.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian's names of what a build needs. The tests' and benchmarks' libraries are here too: one build
# folder serves `tools/run` and `tools/test`.
# shellcheck disable=SC2034  # used by the scripts that source this file
BUILD_PACKAGES=(g++ meson ninja-build pkg-config python3
  libabsl-dev libbenchmark-dev libcli11-dev libgmock-dev libgtest-dev libmimalloc-dev libsnappy-dev
  libssl-dev liburing-dev rapidjson-dev)
BUILD_COMMANDS=(c++ meson ninja pkg-config python3)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# need_packages NAME...: installs those that dpkg does not know as installed. Where there is no dpkg
# it installs nothing and says which commands are missing; meson's wraps fetch missing libraries.
need_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    need_commands "${BUILD_COMMANDS[@]}"
    return
  fi
  local name missing=()
  for name in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    die "These packages are missing, and without root or sudo they cannot be installed here:
  ${missing[*]}
As root: apt-get update && apt-get install -y ${missing[*]}"
  fi
  say "Installing ${missing[*]}"
  local log
  log=$(mktemp)
  # A failed update may be one unreachable source of many; the install decides.
  as_root apt-get update -q >"$log" 2>&1 || say "apt-get update failed; going on with the known lists"
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=120 "${missing[@]}" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    die "Could not install: ${missing[*]}"
  fi
  rm -f "$log"
}

need_commands() {
  local name missing=()
  for name in "$@"; do
    command -v "$name" >/dev/null || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] || die "Missing commands: ${missing[*]}
Please install them. Missing libraries are fetched and built by meson (subprojects/*.wrap)."
}

# configure_release FOLDER: that of a plain release build, configured once.
configure_release() {
  local folder=$1 log
  [ -f "$ROOT/$folder/build.ninja" ] && return
  log=$(mktemp)
  if ! meson setup "$ROOT/$folder" "$ROOT" --buildtype=release >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    rm -f "$log"
    die "meson setup failed"
  fi
  rm -f "$log"
}

build_release_server() {
  need_packages "${BUILD_PACKAGES[@]}"
  [ -x "$ROOT/build/martlet-server" ] || say "Building; the first time takes a minute or two."
  configure_release build
  if [ -t 1 ]; then
    ninja -C "$ROOT/build" martlet-server >&2
  else
    ninja -C "$ROOT/build" --quiet martlet-server | sed '/^ninja: no work to do/d' >&2
  fi
}
