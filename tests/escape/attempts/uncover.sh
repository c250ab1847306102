#!/bin/sh
# Take away what lies over a folder, in name spaces of our own: uncover.sh OUTER_MOUNTS PATH
command -v unshare >/dev/null || { echo "there is no unshare"; exit 77; }
inner='cut -d" " -f5 /proc/self/mountinfo | tac | while read -r place; do umount -l "$place"; done 2>/dev/null
cat "$0"'
unshare --user --map-root-user --mount --propagation private sh -c "$inner" "$2" && exit 0
# Never take anything away from the machine itself.
space=$(readlink /proc/self/ns/mnt) && [ -n "$space" ] && [ "$space" != "$1" ] || exit 1
cut -d" " -f5 /proc/self/mountinfo | tac | grep -v "^/proc" | while read -r place; do umount -l "$place"; done 2>/dev/null
cat "$2"
