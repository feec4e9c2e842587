"""Stand in for pip's bootstrap script, which ansible-test would fetch from the web: the interpreter has one itself."""

import subprocess
import sys

UNKNOWN = ("--no-setuptools", "--no-wheel")
subprocess.run([sys.executable, "-m", "ensurepip"], check=True)
wanted = [argument for argument in sys.argv[1:] if argument not in UNKNOWN]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *wanted], check=False).returncode)
