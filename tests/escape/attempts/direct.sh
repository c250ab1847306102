#!/bin/sh
# Go around the proxy by forgetting it: direct.sh unset|no_proxy|option URL
command -v curl >/dev/null || { echo "there is no curl"; exit 77; }
ask() { curl --silent --max-time 3 "$@"; }
case $1 in
unset) unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY no_proxy NO_PROXY; ask "$2" ;;
no_proxy) NO_PROXY='*' no_proxy='*' ask "$2" ;;
option) ask --noproxy '*' "$2" ;;
esac
