#!/bin/sh
# Write our flag to the end of a file; whether it is the one outside, others judge: write.sh PATH
printf '# %s\n' "$ESCAPE_FLAG" >>"$1"
exit 1
