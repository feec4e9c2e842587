"""Commands to VMs."""

from __future__ import annotations

from msgspec.structs import replace

from vmdirac_py.ledger.api import Command, Transaction
from vmdirac_py.ledger.engine import SqlLedger


def _give(tx: Transaction, verb: str, at: float, deadline: float) -> None:
    vms = ("vm-1", "vm-2")
    tx.commands.give(vms, verb, at=at, deadline=dict.fromkeys(vms, deadline), actor="unix:ann")


def test_a_command_is_open_until_it_is_acknowledged(ledger: SqlLedger) -> None:
    """It is given to each VM, obeyed once, and stays in its record."""
    with ledger.write() as tx:
        _give(tx, "drain", 100.0, 900.0)
        (command,) = tx.commands.open("vm-1")
        assert command == Command(command.id, "vm-1", "drain", 100.0, 900.0, "unix:ann")
        assert tx.commands.acknowledge("vm-1", "drain", at=150.0)
        assert not tx.commands.acknowledge("vm-1", "drain", at=160.0)
        assert not tx.commands.acknowledge("vm-1", "halt", at=160.0)
        assert tx.commands.open("vm-1") == []
        assert tx.commands.of("vm-1") == [replace(command, acked_at=150.0)]
        assert len(tx.commands.open("vm-2")) == 1


def test_the_same_open_command_only_gets_a_new_deadline(ledger: SqlLedger) -> None:
    """Repeating makes no second command; another verb does, and so does the same after its acknowledgement."""
    with ledger.write() as tx:
        _give(tx, "drain", 100.0, 900.0)
        _give(tx, "drain", 110.0, 950.0)
        _give(tx, "halt", 120.0, 130.0)
        assert [(one.verb, one.at, one.deadline) for one in tx.commands.open("vm-1")] == [
            ("drain", 100.0, 950.0),
            ("halt", 120.0, 130.0),
        ]
        tx.commands.acknowledge("vm-1", "drain", at=150.0)
        _give(tx, "drain", 160.0, 999.0)
        assert [one.verb for one in tx.commands.of("vm-1")] == ["drain", "halt", "drain"]
