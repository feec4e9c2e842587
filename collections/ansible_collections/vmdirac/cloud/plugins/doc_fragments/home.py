# Copyright: The vmdirac_py authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  home:
    description:
      - The folder of the installation, made by C(vmdirac init).
      - When not given, E(VMDIRAC_HOME), else C(.vmdirac) below the working directory of the module,
        which for a local connection is the folder of the playbook.
    type: path
requirements:
  - vmdirac_py on the host that runs the module, which must have the installation's files
"""
