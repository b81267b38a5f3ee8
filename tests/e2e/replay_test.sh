#!/bin/bash
# Runs replay_test.py with umockdev's sysfs and netlink.
set -euo pipefail
preload=/usr/lib/x86_64-linux-gnu/libumockdev-preload.so.0
if [[ ! -e $preload ]]; then
  echo "SKIPPED: no umockdev here (bazel/setup.sh test)"
  exit 0
fi
# In memory, as a real sysfs is.
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
LD_PRELOAD=$preload exec /usr/bin/python3 tests/e2e/replay_test.py
