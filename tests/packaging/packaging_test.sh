#!/bin/bash
exec /usr/bin/python3 tests/packaging/packaging_test.py
