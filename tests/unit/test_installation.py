"""The wiring: what opening an endpoint may raise."""

from __future__ import annotations

import pytest

from vmdirac_py import installation
from vmdirac_py.clouds.api import AuthFailed


@pytest.mark.parametrize("reference", ["env:VMDIRAC_NO_SUCH_SECRET", "plain"])
def test_a_secret_that_cannot_be_resolved_is_told_as_a_cloud_error(reference: str) -> None:
    """Whoever makes a driver hears `AuthFailed`."""
    with pytest.raises(AuthFailed):
        installation._secret(reference)
