"""Elastic cloud capacity for scientific communities: DIRAC task queues in, virtual machines out."""

__version__ = "0.1.0"
