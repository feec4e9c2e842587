#!/bin/sh
# The first process of a VM, in fresh namespaces: builds its file system, then becomes its init.
# usage: vm.sh DISK HOSTNAME PYTHON_HOME PYTHON HIDDEN...     (PYTHON_HOME may be empty)
set -eu
umask 022
disk=$1 hostname=$2 python_home=$3 python=$4
shift 4

mount -t proc proc /proc
mount --rbind "$disk" /mnt
# Lower layers are taken from here: an overlay over an overlay would soon be stacked too deep.
mkdir -p /mnt/host
mount --rbind / /mnt/host

copy_on_write() { # LOWER TARGET
    layer=$(echo "$2" | tr / _)
    mkdir -p "/mnt/upper/$layer" "/mnt/work/$layer"
    mount -t overlay -o "userxattr,lowerdir=$1,upperdir=/mnt/upper/$layer,workdir=/mnt/work/$layer" vm "$2"
}

# Only the top of an overlay can be written by an ordinary user, hence one for each place we write to.
for top in /etc /usr /usr/local /var /var/lib /var/log /var/cache; do
    if [ -d "$top" ] && [ ! -L "$top" ]; then
        copy_on_write "/mnt/host$top" "$top"
    fi
done

if [ -n "$python_home" ] && [ ! -e /mnt/python/bin ]; then
    mount --rbind "$python_home" /mnt/python
fi
umount -l /mnt/host

mkdir -p /var/lib/cloud
for own in /opt /var/lib/cloud /home /root /srv /run "$@"; do
    if [ -d "$own" ]; then
        mount -t tmpfs -o mode=0755 vm "$own"
    fi
done
for shared in /tmp /var/tmp /dev/shm; do
    if [ -d "$shared" ]; then
        mount -t tmpfs -o mode=1777 vm "$shared"
    fi
done
# An interpreter finds its libraries by the path it was built for, so it is shown there, alone.
if [ -n "$python_home" ]; then
    mkdir -p "$python_home"
    copy_on_write /mnt/python "$python_home"
fi
cp -r /mnt/seed /run/vm
mount -t tmpfs -o mode=0755 vm /mnt
hostname "$hostname"
cd /
# Without this capability nobody in the VM can unmount what hides the host's private places.
exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$python" -I /run/vm/init.py /run/vm/seed.json
