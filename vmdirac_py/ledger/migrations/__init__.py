"""How the ledger's tables came to be, one revision after the other.

A change to `schema.py` needs a new file `versions/rNNNN_what.py` (copy the head of the last one) that brings an
existing ledger there; a revision that was released is never edited. A test compares both on both databases.
"""
