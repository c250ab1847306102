#!/bin/sh
# Ask the keyring on the bus what it has: dbus.sh ADDRESS
command -v dbus-send >/dev/null || { echo "there is no dbus-send"; exit 77; }
export DBUS_SESSION_BUS_ADDRESS="$1"
ask() { dbus-send --session --print-reply --dest=org.freedesktop.secrets "$@"; }
ask /org/freedesktop/secrets org.freedesktop.Secret.Service.SearchItems dict:string:string:service,keyhatch |
    grep -o '/org/freedesktop/secrets/[^"]*' | while read -r item; do
    ask "$item" org.freedesktop.DBus.Properties.GetAll string:org.freedesktop.Secret.Item
done | grep kh-canary-
