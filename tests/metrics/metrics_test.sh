#!/bin/bash
exec /usr/bin/python3 tests/metrics/metrics_test.py
