# Paths, output and root access, sourced by all scripts.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the names are for those who source this

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cache="${XDG_CACHE_HOME:-${HOME:?}/.cache}/quaylight"
target="${CARGO_TARGET_DIR:-$root/target}"
[[ $target == /* ]] || target="$root/$target"
site="$root/target/site"
default_engine="unix:///var/run/docker.sock"
cd "$root" || exit

# The project's node (only if the system's is too old), then its npm tools (such as wasm-opt), then cargo's.
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

# Fetches the package lists, once per script, and only if something must be installed.
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

# Installs a program's package without running its service, neither now nor at the next boot. The service has the package's
# name unless another one is given.
install_without_service() {
  local service="${2:-$1}"
  # Debian starts a service on installation unless this file forbids it. An existing file is the machine's own.
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
  # The machine's own policy may have started the service; it was not installed before.
  if service "$service" status >/dev/null 2>&1; then as_root service "$service" stop; fi
  if has systemctl; then as_root systemctl --quiet disable "$service"; fi
}

# Whether the package manager knows a package: package names differ between distributions.
package_exists() {
  fetch_package_lists
  # Not a pipe: grep would exit at the first match, and the failed write to the pipe would count as an error.
  [[ "$(apt-cache policy "$1")" == *'Candidate: '[^\(]* ]]
}

# Polls a condition until it succeeds; fails after the given number of seconds.
wait_until() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# A zombie counts as gone: where the machine's first process is slow to reap, it may remain for a second.
is_gone() { [[ ! -d /proc/$1 || "$(ps --no-headers -o stat "$1")" == Z* ]]; }

# All processes of the test engine whose sockets are in a folder, by their command lines: dockerd (its pid file may be gone or
# stale), containerd, the shims, conmon.
engine_processes() { pgrep --full -- "[ =]$1/" || (($? == 1)); }

no_engine_processes() { [[ -z "$(engine_processes "$1")" ]]; }

# After a crash containers keep running; they are children of shims.
end_leftovers() {
  local pid
  for pid in $(engine_processes "$1"); do
    as_root pkill -KILL --parent "$pid" || (($? == 1))
    as_root kill -KILL "$pid" || is_gone "$pid"
  done
  wait_until 10 no_engine_processes "$1" || fail "Processes of the engine in $1 do not end: $(engine_processes "$1" | xargs)"
}

# Unmounts a folder and everything below it, innermost first.
unmount_below() {
  local mount
  awk -v dir="$1" '$5 == dir || index($5, dir "/") == 1 { print $5 }' /proc/self/mountinfo | sort --reverse |
    while read -r mount; do as_root umount "$mount"; done
}
