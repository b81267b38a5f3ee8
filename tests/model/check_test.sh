#!/bin/bash
# Runs check.py as a test, with spin and gcc from Debian's search path.
PATH=/usr/local/bin:/usr/bin:/bin exec /usr/bin/python3 "$(dirname "$0")/check.py"
