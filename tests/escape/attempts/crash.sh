#!/bin/sh
# Crash a program of the operator's and read the dump of its memory: crash.sh PID FOLDER
read -r pattern </proc/sys/kernel/core_pattern
case $pattern in [/\|]*) echo "cores go elsewhere: $pattern"; exit 77 ;; esac
kill -SEGV "$1" || exit 1
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    sleep 0.1
    grep -ahm 1 kh-canary- "$2"/core* 2>/dev/null && exit 0
done
exit 1
