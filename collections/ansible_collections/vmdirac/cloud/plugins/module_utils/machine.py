# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What all modules of this collection share: opening the installation, find / simulate / apply, and failing well."""

from __future__ import annotations

import contextlib
import importlib
import os
import pwd
import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

try:
    from vmdirac_py.base.errors import BadInput, UnknownThing, VmdiracError
    from vmdirac_py.base.settings import find_home

    VMDIRAC_IMPORT_ERROR = None
except ImportError:
    VMDIRAC_IMPORT_ERROR = traceback.format_exc()

COMMON = {"home": {"type": "path"}}


class Reader:
    """One module call on an open installation: `context` is the installation, `params` what the task said."""

    def __init__(self, context, params):
        self.context = context
        self.params = params

    @property
    def actor(self):
        """Who asks: as told, else the unix user."""
        return self.params.get("actor") or f"unix:{pwd.getpwuid(os.getuid()).pw_name}"

    @staticmethod
    def room(name):
        """Return a module of vmdirac_py; loaded on use, so that this file imports anywhere."""
        return importlib.import_module(f"vmdirac_py.{name}")

    @staticmethod
    def unknown(kind, name):
        """Return the error for a name nobody knows."""
        return UnknownThing(f"no such {kind}", where=name, mend="list what there is with the _info modules")

    @staticmethod
    def bad(what, where, mend=""):
        """Return the error for a value that cannot be used."""
        return BadInput(what, where=where, mend=mend)


class Info(Reader):
    """A module that only reads."""

    def read(self):
        """Return the module's results by name."""
        raise NotImplementedError


class Change(Reader):
    """A module that writes: check mode shows what `simulate` says, a real run what `apply` returns.

    `results` is the name under which the rows (a list of dicts) are returned.
    """

    results = ""

    def find(self):
        """Return the rows as they are."""
        raise NotImplementedError

    def simulate(self, before):
        """Return the rows as they are expected to become."""
        raise NotImplementedError

    def apply(self, before):
        """Do it, and return the rows as they became."""
        raise NotImplementedError

    def due(self, before, after):
        """Tell whether there is anything to apply."""
        return self.changed(before, after)

    def changed(self, before, after):
        """Tell whether this call changed anything."""
        return before != after

    def extras(self):
        """Return further results by name."""
        return {}


def run_info(info, spec=None, **options):
    """Be the `main` of a reading module."""
    module = _module(spec, options)
    with _installation(module) as context:
        results = info(context, module.params).read()
    module.exit_json(changed=False, **results)


def run_change(machine_of, spec, **options):
    """Be the `main` of a writing module; `machine_of` picks the Change class by the parameters."""
    module = _module(spec, options)
    with _installation(module) as context:
        machine = machine_of(module.params)(context, module.params)
        before = machine.find()
        after = machine.simulate(before)
        if machine.due(before, after) and not module.check_mode:
            after = machine.apply(before)
        results = {machine.results: after, **machine.extras()}
    diff = {"before": {machine.results: before}, "after": {machine.results: after}}
    module.exit_json(changed=machine.changed(before, after), diff=diff, **results)


def _module(spec, options):
    module = AnsibleModule(argument_spec={**COMMON, **(spec or {})}, supports_check_mode=True, **options)
    if VMDIRAC_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("vmdirac_py"), exception=VMDIRAC_IMPORT_ERROR)
    return module


@contextlib.contextmanager
def _installation(module):
    """Open the installation; turn an error of ours into a failed task that says what, where and how to mend it."""
    try:
        opening = importlib.import_module("vmdirac_py.installation")
        with opening.open_installation(find_home(module.params["home"])) as context:
            yield context
    except VmdiracError as error:
        module.fail_json(msg=str(error), what=error.what, where=error.where, mend=error.mend)
