#!/bin/bash
exec /usr/bin/python3 tests/vm/harness_test.py
