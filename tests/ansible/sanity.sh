#!/bin/sh
# ansible-test sanity over a copy of the collection. Needs a package index, nothing else from the network.
# Usage: sanity.sh [ARGUMENTS OF ansible-test sanity]; PYTHON names the interpreter, python3 when not set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=$(command -v "${PYTHON:-python3}")
PATH="$(dirname "$python"):$PATH"
export PATH

cached=$("$python" - <<'END'
import importlib.util, pathlib, re
source = pathlib.Path(importlib.util.find_spec("ansible_test._internal").origin).parent / "python_requirements.py"
version = re.search(r"pip='([0-9.]+)'", source.read_text()).group(1)
print(pathlib.Path.home() / ".ansible/test/cache" / f"get_pip_{version.replace('.', '_')}.py")
END
)
if [ ! -e "$cached" ]; then
    mkdir -p "$(dirname "$cached")"
    cp "$here/get_pip.py" "$cached"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$("$here/copy_collection.sh" "$work")"
# this interpreter only: of others a machine may have broken launchers
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ansible-test sanity --local --color no --python "$version" "$@"
