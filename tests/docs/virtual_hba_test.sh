#!/bin/bash
exec /usr/bin/python3 tests/docs/virtual_hba_test.py
