#!/bin/bash
exec /usr/bin/python3 tests/e2e/tasks_test.py
