#!/bin/bash
# Runs cases_test.py, with umockdev's sysfs and netlink where umockdev is here.
set -euo pipefail
preload=/usr/lib/x86_64-linux-gnu/libumockdev-preload.so.0
# In memory, as a real sysfs is.
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
[[ ! -e $preload ]] || export LD_PRELOAD=$preload
exec /usr/bin/python3 tests/e2e/cases_test.py
