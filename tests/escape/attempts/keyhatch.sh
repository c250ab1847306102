#!/bin/sh
# Use Keyhatch's own commands: keyhatch.sh PROGRAM HOME WORD…
program=$1
[ -x "$program" ] || { echo "it is not here"; exit 1; }
export KEYHATCH_HOME="$2"
shift 2
exec "$program" "$@"
