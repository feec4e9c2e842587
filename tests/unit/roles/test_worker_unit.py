from __future__ import annotations

from pathlib import Path

from vmdirac_py.worker import boot

TEMPLATE = Path(__file__).resolve().parents[3] / "roles/worker/templates/vmdirac-worker.service.j2"


def test_both_units_keep_a_worker_alike() -> None:
    """The unit for one boot alone says of restarts and ends what the roles' unit says, line by line."""
    lines = TEMPLATE.read_text().splitlines()
    assert [line for line in boot.KEPT if line not in lines] == []
    said = [
        line
        for line in lines
        if line.startswith(("Restart", "Success", "StartLimit", "Failure", "ExecStop", "Kill", "Timeout"))
    ]
    assert [line for line in said if line not in boot.KEPT] == []
