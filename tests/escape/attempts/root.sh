#!/bin/sh
# Read a file by way of what another process has for its root: root.sh PATH
for process in /proc/[0-9]*; do
    cat "$process/root$1" 2>/dev/null && exit 0
done
exit 1
