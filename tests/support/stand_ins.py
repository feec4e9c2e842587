"""Packages that stand in for what no mirror here has: CernVM-FS, its automatic mounts, and Apptainer.

They are real packages for apt and dpkg; their programs record how they are called.
"""

from __future__ import annotations

from tests.support.debs import Package

CVMFS_CALLS = "/var/log/cvmfs_config.calls"
_CVMFS_CONFIG = f"""#!/bin/sh
echo "$*" >>{CVMFS_CALLS}
case "$1" in
setup) mkdir -p /cvmfs /etc/auto.master.d; echo "/cvmfs /etc/auto.cvmfs" >/etc/auto.master.d/cvmfs.autofs ;;
probe) [ "$2" = good.example.org ] ;;
esac
"""
_AUTOFS = """[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
"""
_APPTAINER = """#!/bin/sh
[ "$1" = --version ] && exec echo "apptainer version 1.4.2"
echo "$(id -un): $*" >>/tmp/apptainer.calls
"""
PACKAGES = (
    Package("cvmfs", files={"/usr/bin/cvmfs_config": _CVMFS_CONFIG, "/lib/systemd/system/autofs.service": _AUTOFS}),
    Package("apptainer", "1.4.2-1", files={"/usr/bin/apptainer": _APPTAINER}),
    Package("vo-tools", files={"/usr/bin/vo-tool": "#!/bin/sh\n"}),
)
