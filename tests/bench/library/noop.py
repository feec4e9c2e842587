"""An Ansible module that does nothing but say when it began."""

from __future__ import annotations

import time

BEGAN = time.time()

from ansible.module_utils.basic import AnsibleModule  # noqa: E402 -- the clock is read before anything costly


def main() -> None:
    """Take what `vmdirac.cloud.instance` takes in a run of the scheduler."""
    spec = {"home": {"type": "path"}, "batches": {"type": "list", "elements": "str"}, "actor": {"type": "str"}}
    AnsibleModule(argument_spec=spec).exit_json(batches=[], began=BEGAN)


if __name__ == "__main__":
    main()
