#!/bin/bash
# Runs the test with the system's Python, which has python3-grpcio. Argument: how many random acts.
exec /usr/bin/python3 tests/clients/watch_contract_test.py "$@"
