"""`python -m vmdirac_py.cli` is `vmdirac`."""

from .main import main

main()
