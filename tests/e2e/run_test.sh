#!/bin/bash
# ./run with the programs of this build: the script of a fabric, a recorded sysfs tree, Ctrl-C.
set -euo pipefail

tree=$(mktemp -d /tmp/run-test.XXXXXX)
trap 'rm -rf "$tree"' EXIT
mkdir "$tree/bazel"
cp run "$tree/"
cp bazel/env.sh "$tree/bazel/"
ln -s "$PWD" "$tree/bazel-bin"

fail() {
  echo "run_test: $1; the output of ./run:" >&2
  cat "$tree/log" >&2
  exit 1
}

# Runs ./run with the arguments and checks its exit code: plays NAME ARGS...
plays() {
  local name=$1 start=$SECONDS
  shift
  "$tree/run" --no-build "$@" >"$tree/log" 2>&1 </dev/null || fail "$name: exit code $?"
  echo "$name: $((SECONDS - start)) s"
}

# Checks that the output has the lines, in this order: shows NAME PATTERN...
shows() {
  local name=$1 from=1 found
  shift
  for pattern; do
    # No pipe: grep ends at the first match, and pipefail would count what that does to tail.
    found=$(grep -n -m 1 -E -- "$pattern" <(tail -n "+$from" "$tree/log")) ||
      fail "$name: no line \"$pattern\" from line $from on"
    from=$((from + ${found%%:*}))
  done
}

plays demo --once
shows demo '^== Pull a drive' ' - drive ' '^== Put it back' ' [+] drive ' \
  '^== Lose a lane' ' ~ expander .* width 8 -> 7' NARROW_PORT '^== Get it back' \
  ' ~ expander .* width 7 -> 8' '^== Lose an expander' ' - expander ' '^== Get it back' \
  ' [+] expander ' '^OK: ' '^== done'

plays sysfs --once --sysfs "$PWD"/driver/sysfs/testdata/hgst-4u60-9400-8i8e.sys.tar.gz
shows sysfs '^== sasctl tree' expander-11:0 '^== sasctl health' '^OK: '

if "$tree/run" --no-build --once --sysfs "$tree/nothing" >"$tree/log" 2>&1; then
  fail "a folder that does not exist: exit code 0"
fi
shows "a folder that does not exist" 'cannot open folder'

# Ctrl-C goes to the process group. A background command of a script ignores it, so Python starts
# this one.
/usr/bin/python3 - "$tree/run" >"$tree/log" 2>&1 <<'PYTHON' || fail "Ctrl-C"
import os, signal, subprocess, sys

run = subprocess.Popen([sys.argv[1], "--no-build"], stdout=subprocess.PIPE, text=True,
                       start_new_session=True, preexec_fn=lambda: signal.signal(
                           signal.SIGINT, signal.SIG_DFL))
for line in run.stdout:
    print(line, end="")
    if line.startswith("== Pull a drive"):
        os.killpg(run.pid, signal.SIGINT)
        break
rest = run.stdout.read()
print(rest)
assert run.wait(timeout=60) == 0, run.returncode
assert "== stopping" in rest
try:
    os.killpg(run.pid, 0)
except ProcessLookupError:
    sys.exit(0)
sys.exit("processes are left")
PYTHON
echo "Ctrl-C: ended"
