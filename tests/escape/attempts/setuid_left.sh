#!/bin/sh
# Leave a program that runs as whoever we are, for others to start: setuid_left.sh
cp /bin/true left-behind && chmod 4755 left-behind
exit 1
