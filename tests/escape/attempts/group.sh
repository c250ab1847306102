#!/bin/sh
# Make a control group of our own: group.sh
for folder in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/*; do
    made=$folder/keyhatch-$ESCAPE_FLAG
    mkdir "$made" 2>/dev/null && basename "$made" && rmdir "$made" && exit 0
done
exit 1
