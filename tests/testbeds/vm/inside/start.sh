#!/bin/sh
# One guest, from within network and mount namespaces of its own: its layer over the tree, its address, its init.
# Usage: start.sh FOLDER LAYERS MACHINE NUMBER GUEST [nspawn option...]
set -eu
folder=$1 layers=$2 machine=$3 number=$4 guest=$5
shift 5
read -r _  # the host has put eth0 here
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$folder/upper,workdir=$folder/work" "$folder/merged"
ip link set lo up
ip link set eth0 up
ip addr add "10.213.$number.$guest/24" dev eth0
ip addr add "fd00:213:$number::$guest/64" dev eth0 nodad
ip route add 169.254.169.254 dev eth0
ip -6 route add fd00:ec2::254 dev eth0
boot() {
  systemd-nspawn --quiet --boot --directory="$folder/merged" --machine="$machine" --register=no --keep-unit \
  --capability=CAP_NET_ADMIN --resolv-conf=off --timezone=off --link-journal=no --console=read-only "$@"
}
# 133 says that it wants to be booted again
while code=0; boot "$@" || code=$?; [ "$code" = 133 ]; do :; done
