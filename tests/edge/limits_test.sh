#!/bin/bash
# Runs the test with the system's Python, which has python3-grpcio.
export GRPC_VERBOSITY=NONE
exec /usr/bin/python3 tests/edge/limits_test.py
