#!/bin/sh
# Write a setting of the kernel, with the value that it has: same.sh PATH
value=$(cat "$1") || exit 1
value=$(printf '%s' "$value" | sed 's/.*\[\(.*\)\].*/\1/')
printf '%s\n' "$value" >"$1" && echo "$ESCAPE_FLAG"
