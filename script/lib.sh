# shellcheck shell=bash
# Shared by the scripts beside it: where things are and how to say what happens. Sourced, never run; sets nothing up.

set -euo pipefail
shopt -s inherit_errexit

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd)
cache=$root/.cache
venv=$root/.venv

say() { printf 'herald: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# help_if_asked ARGUMENTS: prints the comment that opens the script in use.
help_if_asked() {
  [[ ${1:-} == -h || ${1:-} == --help ]] || return 0
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit 0
}

# at_least VERSION MINIMUM
at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]; }

# python_version VENV: without starting it
python_version() { sed -n 's/^version_info = //p' "$1/pyvenv.cfg"; }

# The environment that Home Assistant's tests run in: .venv itself where its Python is new enough.
home_assistant_venv() {
  if at_least "$(python_version "$venv")" 3.14.2; then echo "$venv"; else echo "$root/.venv-ha"; fi
}

# find_uv: the machine's own, or the one that script/setup puts into .cache
find_uv() { type -P uv || echo "$cache/uv/bin/uv"; }
