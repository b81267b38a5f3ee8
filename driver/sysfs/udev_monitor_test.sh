#!/bin/bash
# Runs udev_monitor_test with umockdev's sysfs and netlink: udev_monitor_test.sh PROGRAM
set -euo pipefail
preload=/usr/lib/x86_64-linux-gnu/libumockdev-preload.so.0
if [[ ! -e $preload ]]; then
  echo "SKIPPED: no umockdev here (bazel/setup.sh test)"
  exit 0
fi
LD_PRELOAD=$preload exec "$1"
