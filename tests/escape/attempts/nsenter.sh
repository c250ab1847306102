#!/bin/sh
# Enter the name spaces of a process outside: nsenter.sh PID PATH
command -v nsenter >/dev/null || { echo "there is no nsenter"; exit 77; }
for process in "$1" 1; do
    nsenter --target "$process" --mount cat -- "$2" && exit 0
done
exit 1
