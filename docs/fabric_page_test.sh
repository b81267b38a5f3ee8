#!/bin/bash
exec /usr/bin/python3 docs/fabric_page_test.py
