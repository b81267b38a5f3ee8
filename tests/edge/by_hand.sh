#!/bin/bash
# Runs a program of this folder with the system's Python, which has python3-grpcio: by_hand.sh NAME
# [OPTION...]
export GRPC_VERBOSITY=NONE
[[ -n ${TEST_SRCDIR:-} ]] || TEST_SRCDIR=$(dirname "$PWD")
export TEST_SRCDIR
exec /usr/bin/python3 "tests/edge/$1.py" "${@:2}"
