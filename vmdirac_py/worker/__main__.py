"""Start of the worker; in the bundle and with `python -m`."""

import sys

from .main import main

sys.exit(main())
