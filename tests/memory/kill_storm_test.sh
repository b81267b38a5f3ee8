#!/bin/bash
# Kills sasd so many times: kill_storm_test.sh KILL_STORM SASD KILLS
exec "$1" --sasd "$2" --kills "$3"
