"""How a module is given its arguments inside a test, with every ansible-core that we support.

Rule: the newer way is Ansible's own; the older one goes when the oldest supported core has the newer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

try:
    from ansible.module_utils.testing import patch_module_args
except ImportError:  # ansible-core 2.17
    from ansible.module_utils import basic

    @contextmanager
    def patch_module_args(module_args: Mapping[str, Any]) -> Iterator[None]:
        before = basic._ANSIBLE_ARGS
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": module_args}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = before


__all__ = ["patch_module_args"]
