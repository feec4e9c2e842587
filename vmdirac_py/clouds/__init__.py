"""Endpoint drivers, one folder a kind of cloud; `vmdirac_py.clouds.api` is what they all promise."""
