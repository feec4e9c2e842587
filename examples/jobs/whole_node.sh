#!/bin/sh
# Wants an empty machine for itself, and uses all of it.
set -eu
echo "$GREETING: ${DIRAC_PROCESSORS:-?} cores on $(hostname)" | tee node.txt
exec python3 primes.py "$1"
