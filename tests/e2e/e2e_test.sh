#!/bin/bash
exec /usr/bin/python3 tests/e2e/e2e_test.py
