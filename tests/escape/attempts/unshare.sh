#!/bin/sh
# Be root in name spaces within ours, mount, and carry our flag through: unshare.sh DEPTH
command -v unshare >/dev/null || { echo "there is no unshare"; exit 77; }
inner='mount -t tmpfs none /mnt && echo "$ESCAPE_FLAG" >/mnt/flag && cat /mnt/flag'
case $1 in
1) exec unshare --user --map-root-user --mount sh -c "$inner" ;;
*) exec unshare --user --map-root-user --mount unshare --user --map-root-user --mount sh -c "$inner" ;;
esac
