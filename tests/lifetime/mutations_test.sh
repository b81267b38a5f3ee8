#!/bin/bash
exec /usr/bin/python3 -B tests/lifetime/mutations_test.py
