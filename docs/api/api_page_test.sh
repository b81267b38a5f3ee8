#!/bin/bash
exec /usr/bin/python3 docs/api/api_page_test.py
