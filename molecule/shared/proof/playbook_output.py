"""What a playbook's output says, as values. Pure: text in, values out.

Owns: the shape of Ansible's output. Does not own: running a playbook (lab.py) or any verdict.
"""

from __future__ import annotations

import re

_HOST = re.compile(r"^(\S+) +: (ok=.*)$", re.MULTILINE)
_FAILURE = re.compile(r"^fatal: \[([^] ]+)[^]]*\]: (?:FAILED|UNREACHABLE)! => (.*?)^(?=\S)", re.MULTILINE | re.DOTALL)


def recap(output: str) -> dict[str, dict[str, int]]:
    """Host → its counters (ok, changed, failed …); empty where the playbook did not come to its end."""
    counters = {host: re.findall(r"(\w+)=(\d+)", line) for host, line in _HOST.findall(output)}
    return {host: {name: int(count) for name, count in found} for host, found in counters.items()}


def failed(output: str) -> set[str]:
    """Hosts on which it failed, rescued failures apart."""
    counted = recap(output)
    assert counted, output
    return {host for host, counts in counted.items() if counts["failed"] or counts["unreachable"]}


def failures(output: str) -> dict[str, str]:
    """Host → the last failure of a task there, in Ansible's words."""
    return dict(_FAILURE.findall(output))
