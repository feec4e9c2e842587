#!/bin/sh
# The embedded cloud was started by root: leave root behind, then go the way any ordinary user goes.
# Runs in a mount namespace of its own, so that the binds reach places the unprivileged user could not.
# usage: root.sh DISK PYTHON_HOME UID GID COMMAND...     (PYTHON_HOME may be empty)
set -eu
disk=$1 python_home=$2 uid=$3 gid=$4
shift 4
if [ -n "$python_home" ]; then
    mount --rbind "$python_home" "$disk/python"
fi
mount --rbind "$disk" /mnt
cd /
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups "$@"
