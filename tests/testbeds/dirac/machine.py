"""What DIRAC's services need of the machine."""

from __future__ import annotations

from pathlib import Path

from tests.testbeds.common.machine import Needs

NEEDS = Needs(
    programs={
        "mariadb-server-core": Path("/usr/sbin/mariadbd"),
        "mariadb-client-core": Path("/usr/bin/mariadb"),
        "util-linux": Path("/usr/bin/setpriv"),
        "openssl": Path("/usr/bin/openssl"),
        "swig": Path("/usr/bin/swig"),
        "gcc": Path("/usr/bin/gcc"),
        "libc6-dev": Path("/usr/include/stdio.h"),
        "libssl-dev": Path("/usr/include/openssl/ssl.h"),
        "libmariadb-dev": Path("/usr/bin/mariadb_config"),
        "pkg-config": Path("/usr/bin/pkg-config"),
    },
    memory_mb=2000,
    disk_mb=1500,
)
