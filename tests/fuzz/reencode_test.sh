#!/bin/bash
exec /usr/bin/python3 -B tests/fuzz/reencode_test.py
