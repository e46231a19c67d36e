# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""What every module promises about check mode, diff mode and repetition.

Owns the wording of the attributes; each module says its own support.
"""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can predict what it would change, without changing anything.
  diff_mode:
    description: Shows what it changed, or would change, when diff mode is on.
  idempotent:
    description: A second run with the same options finds nothing left to change.
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It only reads.
  diff_mode:
    support: N/A
    details: It only reads.
  idempotent:
    support: full
    details: It only reads.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description:
      - Use C(group/dtr.caches.caches) in C(module_defaults) to give every module of the collection its connection
        options.
    support: full
    membership:
      - dtr.caches.caches
"""
