"""`python -m tests.unit.operations.golden`: write the golden files anew; git shows what changed."""

from __future__ import annotations

from .families import FAMILIES, golden, made

for family in FAMILIES:
    golden(family).write_text(made(family))
