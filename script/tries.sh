# shellcheck shell=bash
# Runs tests, in CI with a second chance for the few that failed. Sourced behind lib.sh by test and whole; sets nothing up.

options=() # of pytest, from the command line
flaky=()

# tried VENV ARGUMENTS...: pytest with these and `options`; what failed once and passed alone is in `flaky`
tried() {
  local result=0
  ! in_ci || rm -rf "$root/.pytest_cache" # what failed before, or on another Python
  run_pytest "$@" || result=$?
  if in_ci && ((result == 1)) && passes_alone "$@"; then result=0; fi # 1: tests failed, and nothing else did
  return "$result"
}

run_pytest() { # VENV ARGUMENTS...
  # for programs in the environment, such as ffmpeg
  PATH="$1/bin:$PATH" "$1/bin/python" -m pytest "${@:2}" "${options[@]}"
}

# Options may end a run early (-x), or choose by what failed before.
in_ci() { [[ ${CI:-} == true ]] && ((${#options[@]} == 0)); }

passes_alone() { # VENV ARGUMENTS...
  local failed
  mapfile -t failed < <(failures)
  ((${#failed[@]} >= 1 && ${#failed[@]} <= 10)) || return 1
  say "once more, alone: ${failed[*]}"
  run_pytest "$@" --last-failed --last-failed-no-failures none && [[ -z $(failures) ]] || return 1
  flaky+=("${failed[@]}")
}

# The tests that failed or met an error, as pytest remembers them; none after a crash.
failures() {
  local memory=$root/.pytest_cache/v/cache/lastfailed
  [[ ! -e $memory ]] || sed -nE 's/^  "(.*)": true,?$/\1/p' "$memory"
}

tell_flaky() {
  local test
  for test in "${flaky[@]}"; do say "flaky: failed once, passed alone: $test"; done
}
