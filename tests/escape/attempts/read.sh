#!/bin/sh
# Read a file, which must have something in it: read.sh PATH
cat -- "$1" && [ -s "$1" ]
