#!/bin/bash
exec /usr/bin/python3 tests/metrics/prometheus_test.py
