#!/bin/sh
# Read a file: read.sh PATH
exec cat -- "$1"
