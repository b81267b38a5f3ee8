#!/bin/bash
exec /usr/bin/python3 tests/docs/commands_test.py
