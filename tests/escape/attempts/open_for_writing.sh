#!/bin/sh
# Only open what does something when it is written: open_for_writing.sh PATH
[ -e "$1" ] || { echo "there is no $1"; exit 77; }
: >>"$1" && echo "$ESCAPE_FLAG"
