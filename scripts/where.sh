# Where is everything, and how do the scripts speak and get root's rights? Sourced by all of them.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the names are for those who source this

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cache="${XDG_CACHE_HOME:-${HOME:?}/.cache}/quaylight"
target="${CARGO_TARGET_DIR:-$root/target}"
[[ $target == /* ]] || target="$root/$target"
site="$root/target/site"
default_engine="unix:///var/run/docker.sock"
cd "$root" || exit

# Our own node (only where the system's is too old), then the project's npm tools (wasm-opt among them), then cargo's.
export PATH="$cache/node/node_modules/.bin:$root/node_modules/.bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

say() { printf -- '-> %s\n' "$*" >&2; }

fail() {
  printf -- '!! %s\n' "$*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null; }

# Runs a command as root: directly, or by sudo, which may ask for a password.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif has sudo; then
    sudo -- "$@"
  else
    fail "This needs root's rights and there is no sudo: $*"
  fi
}

# Fetches the package lists, once for each script, and only where something is to be installed.
fetch_package_lists() {
  [[ -z ${package_lists_fetched:-} ]] || return 0
  has apt-get || fail "There is no apt-get here: please install what is missing with your package manager."
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null
  package_lists_fetched=yes
}

install_packages() {
  ((EUID == 0)) || say "Using sudo to install $*."
  fetch_package_lists
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Installs the package of a program whose service is not wanted: neither now nor at the next boot.
install_without_service() {
  # Debian starts a service as it installs it, unless this file forbids it. One that is there already is the machine's own.
  local policy=/usr/sbin/policy-rc.d forbidden=no
  if [[ ! -e $policy ]]; then
    forbidden=yes
    # shellcheck disable=SC2016 # expanded by the inner shell, which has root's rights
    as_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy"
  fi
  local done=0
  install_packages "$1" || done=$?
  [[ $forbidden == no ]] || as_root rm -f "$policy"
  ((done == 0)) || return "$done"
  # What the machine's own policy may have let start; there was none of it here before.
  if service "$1" status >/dev/null 2>&1; then as_root service "$1" stop; fi
  if has systemctl; then as_root systemctl --quiet disable "$1"; fi
}

# Whether the package manager knows a package: a name that is missing here is often another name there.
package_exists() {
  fetch_package_lists
  # Not by a pipe: a grep that has seen enough ends, and what writes to it then counts as failed.
  [[ "$(apt-cache policy "$1")" == *'Candidate: '[^\(]* ]]
}

# Repeats a question until its answer is yes; fails after the given number of seconds.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}
