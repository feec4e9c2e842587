#!/bin/sh
# molecule for the roles, on a copy of the collection, in scratch folders, without root; for those that make a whole machine
# as root, in a root file system to throw away; pilot as root in a copy of /etc.
# Usage: molecule.sh ROLE; PYTHON names the interpreter, python3 when not set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
python=$(command -v "${PYTHON:-python3}")
PATH="$(dirname "$python"):$PATH"
case "$1" in
    profile | trust_anchors | cvmfs | apptainer) cd "$top" && exec "$python" -m tests.support.molecule "$1" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cd "$top"
case "$1" in
    worker)
        sha=$("$python" -c "import pathlib; from vmdirac_py.worker.bundle import build; print(build(pathlib.Path('$work/static')))")
        VMDIRAC_WORKER="$work/static/$sha"
        export VMDIRAC_WORKER ;;
    control_node)
        "$python" -m build --wheel --no-isolation --outdir "$work" . >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
        VMDIRAC_WHEEL=$(ls "$work"/*.whl)
        VMDIRAC_INVENTORY="$top/inventories/quickstart"
        export VMDIRAC_WHEEL VMDIRAC_INVENTORY ;;
    pilot) # makes a user: of a copy of /etc that is gone with this shell
        if [ -z "${VMDIRAC_APART:-}" ]; then
            rm -rf "$work"
            VMDIRAC_APART=1 exec unshare --mount --propagation private "$0" "$@"
        fi
        mkdir "$work/upper" "$work/work"
        mount -t overlay overlay -o "lowerdir=/etc,upperdir=$work/upper,workdir=$work/work" /etc ;;
esac

VMDIRAC_SCRATCH="$work/scratch"
ANSIBLE_COLLECTIONS_PATH="$work"
export VMDIRAC_SCRATCH ANSIBLE_COLLECTIONS_PATH PATH
mkdir "$VMDIRAC_SCRATCH"
cd "$("$here/copy_collection.sh" "$work")/extensions"
molecule test --scenario-name "$1"
