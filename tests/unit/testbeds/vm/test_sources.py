"""What a guest is started with, so that cloud-init finds its user data."""

from __future__ import annotations

import gzip

import pytest
import yaml

from tests.testbeds.vm.sources import SOURCES

SETTINGS = "/etc/cloud/cloud.cfg.d/90-source.cfg"
COMPRESSED = gzip.compress(b"#cloud-config\n{}\n", mtime=0)


@pytest.mark.parametrize("name", SOURCES)
def test_cloud_init_is_left_this_source_alone(name: str) -> None:
    """No other source can be what was tested."""
    content, _ = SOURCES[name]("i-1", b"").files[SETTINGS]
    assert yaml.safe_load(content)["datasource_list"] == [name]


@pytest.mark.parametrize("name", SOURCES)
def test_user_data_is_told_to_root_alone(name: str) -> None:
    """Files of a source are as private as the disks they stand for."""
    files = SOURCES[name]("i-1", b"").files
    assert {mode for file, (_, mode) in files.items() if file != SETTINGS} <= {0o600}


@pytest.mark.parametrize("name", ["Ec2", "OpenStack"])
def test_compressed_user_data_passes_the_metadata_server(name: str) -> None:
    """User data may be any bytes."""
    texts = SOURCES[name]("i-1", COMPRESSED).metadata
    assert COMPRESSED in {text.encode("latin-1") for text in texts.values()}
