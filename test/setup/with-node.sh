#!/usr/bin/env bash
# Runs a script of this repository under its own Node 24, after installing the npm packages if they are not as package-lock.json says.
#
#   with-node.sh SCRIPT [ARGUMENT...]     SCRIPT is relative to the repository, or absolute
#
# Needs bash, coreutils, util-linux (flock) and, the first time, any Node >= 20 with npm. Never root.
# Exit codes of its own are those of agent/kit/errors.ts: 64 wrong argument, 75 not possible now.
set -euo pipefail

root=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
node=$root/node_modules/node/bin/node
stamp=$root/node_modules/.hawser-installed # the sum of the lock file that node_modules was checked against
log=$root/.state/logs/npm-ci.log
lock_wait_s=1200
install_limit_s=900

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { # CODE LINE: the one line a person needs, then the end
  printf 'hawser: %s\n' "$2" >&2
  exit "$1"
}

lock_sum() { sha256sum <"$root/package-lock.json"; }
runs_24() { [[ $("$node" --version 2>/dev/null) == v24.* ]]; }
is_installed() { [[ -f $stamp && $(<"$stamp") == "$(lock_sum)" ]] && runs_24; }

# npm hands its settings to what it runs; those of the outer call (npm --prefix, npm start) must not steer the inner one.
clean_npm() {
  local name
  for name in $(compgen -e | grep -E '^npm_(package|lifecycle|config_(local_|global_)?prefix|config_(ignore_scripts|omit|loglevel))' || true); do
    unset "$name"
  done
}

check_machine() {
  command -v node >/dev/null || stop 75 'Node.js 20 or newer is needed to install the rest, and there is none in PATH'
  command -v npm >/dev/null || stop 75 'npm is needed to install the packages, and there is none in PATH'
  local version
  version=$(node --version 2>/dev/null) || stop 75 "$(command -v node) does not run"
  [[ $version =~ ^v([0-9]+)\. ]] && ((BASH_REMATCH[1] >= 20)) || stop 75 "Node.js 20 or newer is needed, $(command -v node) is $version"
}

install() { # WHY
  say "npm packages from package-lock.json, because $1 (Node 24, test and build tools; about 30 s, no root)"
  local code=0
  npm_ci || code=$?
  if ((code != 0 && code < 124)); then # a registry that fails once is not worth a failed run
    say "npm ci failed ($(npm_complaint "$code")), trying once more"
    code=0
    npm_ci || code=$?
  fi
  ((code != 130 && code != 143)) || exit "$code"
  ((code != 124)) || stop 75 "npm ci did not end within $install_limit_s s; see $log"
  ((code == 0)) || stop 75 "npm ci failed ($(npm_complaint "$code")); see $log"
  runs_24 || stop 75 "npm ci left no running Node 24 (are install scripts switched off, or is there none for $(uname -m)?); see $log"
}

npm_ci() {
  (cd -- "$root" && clean_npm && exec timeout --foreground "$install_limit_s" npm ci --include=dev --no-progress) >"$log" 2>&1
}

npm_complaint() { # EXIT-CODE
  grep -m1 -E '^npm (error|ERR!)' "$log" || echo "exit $1"
}

prepare() {
  mkdir -p -- "$root/.state/logs" 2>/dev/null && [[ -w $root ]] || stop 75 "cannot write to $root, where the npm packages belong"
  exec 9>"$root/.state/setup.lock" # two first calls at once: one installs, the other waits for it
  flock --wait "$lock_wait_s" 9 || stop 75 "another setup has held $root/.state/setup.lock for $lock_wait_s s"
  is_installed || { check_machine && settle; }
  exec 9>&- # or everything that is started from here on would hold the lock
}

settle() {
  local why
  # What npm installed by hand (npm install) is as good, if it is what the lock file says.
  why=$(node "$root/test/setup/packages-differ.mjs" "$root") || stop 75 'node_modules could not be compared with package-lock.json'
  if [[ -z $why ]] && ! runs_24; then why='its Node 24 does not run here'; fi
  [[ -z $why ]] || install "$why"
  lock_sum >"$stamp" || stop 75 "cannot write to $root/node_modules"
}

[[ $# -gt 0 ]] || stop 64 'with-node.sh needs a script to run: with-node.sh SCRIPT [ARGUMENT...]'
script=$1
shift
[[ $script == /* ]] || script=$root/$script
[[ -f $script ]] || stop 64 "there is no script $script"

is_installed || prepare
export PATH="$root/node_modules/.bin:$PATH"
exec "$node" "$script" "$@"
