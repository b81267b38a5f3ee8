#!/bin/bash
exec /usr/bin/python3 tests/clients/follow_test.py
