#!/bin/bash
exec /usr/bin/python3 -B tests/mutation/mutations_test.py
