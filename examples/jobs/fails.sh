#!/bin/sh
# Fails on purpose: its exit code and what it said come back like any other job's.
echo "working ..."
sleep 1
echo "the input is not what I expected" >&2
exit 3
