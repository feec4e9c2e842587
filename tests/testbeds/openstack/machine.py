"""What a control plane needs of the machine."""

from __future__ import annotations

from pathlib import Path

from tests.testbeds.common.machine import Needs

NEEDS = Needs(
    programs={
        "mariadb-server-core": Path("/usr/sbin/mariadbd"),
        "mariadb-client-core": Path("/usr/bin/mariadb"),
        "rabbitmq-server": Path("/usr/lib/rabbitmq/bin/rabbitmq-server"),
        "erlang-base": Path("/usr/bin/epmd"),
        "memcached": Path("/usr/bin/memcached"),
        "util-linux": Path("/usr/bin/setpriv"),
        "gcc": Path("/usr/bin/gcc"),
        "libc6-dev": Path("/usr/include/stdio.h"),
    },
    memory_mb=3000,
    disk_mb=1500,
)
