#!/bin/bash
exec /usr/bin/python3 tests/e2e/edge_test.py "$@"
