#!/bin/sh
# Carry our flag in an echo request: ping.sh
command -v ping >/dev/null || { echo "there is no ping"; exit 77; }
ping -c 1 -W 1 -s 64 -p "$(printf '%s' "$ESCAPE_FLAG" | od -An -tx1 -N16 | tr -d ' \n')" 127.0.0.1
exit 1
