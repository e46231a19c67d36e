# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Wanted against found: whether there is something to do, and how to show it.

Owns the comparison and the shape of a diff. Does no I/O.
Rule: a diff holds only what is known before the first write, so that check mode shows exactly what a real run shows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """What stood there and what shall stand there, both as plain values that can be shown to anybody."""

    before: object
    after: object

    @property
    def changed(self):
        """Whether there is a difference."""
        return self.before != self.after

    def diff(self, header=None):
        """The value of an Ansible result's ``diff``."""
        shown = {"before": self.before, "after": self.after}
        if header:
            shown.update(before_header=header, after_header=header)
        return shown
