#!/bin/bash
exec /usr/bin/python3 tests/packaging/packages_test.py
