#!/bin/sh
# Ask the system's own programs that have more rights than we: superuser.sh sudo|su|pkexec|mount PATH
command -v "$1" >/dev/null || { echo "there is no $1"; exit 77; }
case $1 in
sudo) sudo -n cat -- "$2" ;;
su) su -c "cat '$2'" root </dev/null ;;
pkexec) pkexec --disable-internal-agent cat "$2" </dev/null ;;
mount) mount --bind "$2" "$PWD/mounted" && cat "$PWD/mounted" ;;
esac
