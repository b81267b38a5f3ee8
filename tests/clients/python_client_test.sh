#!/bin/bash
# Runs the Python client with the system's Python, which has python3-grpcio.
exec /usr/bin/python3 tests/clients/python_client_test.py
