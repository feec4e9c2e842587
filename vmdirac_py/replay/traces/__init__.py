"""Traces from files: what a replay is given. `read.read(path)` reads any of the formats."""
