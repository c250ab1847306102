#!/bin/sh
# Signal a process and wait a moment, until it has written that down: signal.sh PID
kill -USR1 "$1" || exit 1
sleep 0.2
exit 1
