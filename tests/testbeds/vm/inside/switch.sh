#!/bin/sh
# What all guests of a bed hang on, from within a network namespace of its own; it answers the metadata addresses.
# Usage: switch.sh NUMBER COMMAND...
set -eu
number=$1
shift
ip link set lo up
ip link add switch type bridge
ip link set switch up
ip addr add "10.213.$number.2/24" dev switch
ip addr add "fd00:213:$number::2/64" dev switch nodad
ip addr add 169.254.169.254/32 dev switch
ip addr add fd00:ec2::254/128 dev switch nodad
exec "$@"
