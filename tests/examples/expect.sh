# For the tests of examples: where they work, how they complain, and what may not be left. Source
# it with `set -euo pipefail` in force; end with `finish`.
work=$(mktemp -d)
export TMPDIR=$work/tmp                       # where fleets put their sockets
export DROVER_EXAMPLE_TEST=$$-$work           # by which every process of the test is known
mkdir "$TMPDIR"
trap 'end_leftovers; rm -rf "$work"' EXIT
failures=0

fail() { echo "FAIL: $*"; failures=$((failures + 1)); }

# equal WHAT ACTUAL EXPECTED
equal() { [ "$2" = "$3" ] || fail "$1"$'\n'"--- is"$'\n'"$2"$'\n'"--- should be"$'\n'"$3"; }

# run COMMAND...: sets status, output (of standard output) and errors.
run() {
  status=0
  "$@" >"$work/output" 2>"$work/errors" || status=$?
  output=$(cat "$work/output") errors=$(cat "$work/errors")
}

# The processes that the programs under test started, and those themselves.
leftovers() {
  local environment
  for environment in /proc/[0-9]*/environ; do
    [ "$environment" != "/proc/$$/environ" ] || continue
    if grep -qzxF -- "DROVER_EXAMPLE_TEST=$DROVER_EXAMPLE_TEST" "$environment" 2>/dev/null; then
      basename "$(dirname "$environment")"
    fi
  done
}
end_leftovers() {
  local pid
  for pid in $(leftovers); do kill -9 "$pid" 2>/dev/null || true; done
}

# Nothing is left of what ran: no process, no file.
clean() {
  local pid
  for pid in $(leftovers); do
    fail "$1 left process $pid: $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
  done
  equal "files left by $1" "$(find "$TMPDIR" -mindepth 1)" ""
}

finish() { exit $((failures > 0)); }
