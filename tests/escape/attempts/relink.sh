#!/bin/sh
# Give a file a second name in a folder where we may write, and write there: relink.sh PATH
name=relinked-$ESCAPE_FLAG
ln "$1" "$name" && echo "$ESCAPE_FLAG" >>"$name"
rm -f "$name"
exit 1
