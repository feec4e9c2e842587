#!/bin/sh
# Copy the collection, playbooks and roles in place of links, to DIRECTORY/ansible_collections/vmdirac/cloud, in git,
# as ansible-test wants it. Usage: copy_collection.sh DIRECTORY
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
into="$1/ansible_collections/vmdirac/cloud"
mkdir -p "$(dirname "$into")"
cp -rL "$top/collections/ansible_collections/vmdirac/cloud" "$into"
find "$into" -name __pycache__ -prune -exec rm -rf {} +
git -C "$into" init --quiet
git -C "$into" add --all
echo "$into"
