#!/bin/bash
# Runs the Python client with the system's Python, where python3-grpcio is.
exec /usr/bin/python3 tests/clients/python_client_test.py
