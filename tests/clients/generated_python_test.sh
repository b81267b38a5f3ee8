#!/bin/bash
# Runs the test with the system's Python, which has python3-grpcio.
exec /usr/bin/python3 tests/clients/generated_python_test.py
