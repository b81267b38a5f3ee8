#!/bin/bash
# check.py as a test: spin and gcc in the search path of Debian.
PATH=/usr/local/bin:/usr/bin:/bin exec /usr/bin/python3 "$(dirname "$0")/check.py"
