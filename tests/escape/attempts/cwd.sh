#!/bin/sh
# Read a file that lies where another process stands: cwd.sh NAME
for process in /proc/[0-9]*; do
    cat "$process/cwd/$1" 2>/dev/null && exit 0
done
exit 1
