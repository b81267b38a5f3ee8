#!/bin/bash
# A sysfs is in memory, too.
[[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
exec /usr/bin/python3 tests/e2e/listings_test.py
