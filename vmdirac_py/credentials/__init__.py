"""Credentials: obtain, renew, hand over, never print."""
