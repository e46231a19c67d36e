"""Which upstreams answer HEAD. Some say 401 or 405 to it, for blobs or for manifests, though a GET is allowed.

Pure bookkeeping; it asks nobody. Rule for editors: what is remembered decides only *how* an upstream is asked, never
what its answer means; a 401 to a GET is always a 401.
"""

from __future__ import annotations

from ..settings.model import Upstream
from ..values.clock import Clock

REMEMBERED_S = 600.0
_NOT_SUPPORTED = (400, 405, 501)
_GOOD = (200, 204, 206, 301, 302, 303, 307, 308)


class Heads:
    """Safe from any thread: whoever comes second overwrites with what is as true."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answered: dict[tuple[Upstream, str], tuple[bool, float]] = {}  # does it, until

    def are_in_vain(self, hop: Upstream, kind: str) -> bool:
        """Is HEAD known not to work there? Then a GET is asked at once."""
        return self._known(hop, kind) is False

    def worth_a_get(self, hop: Upstream, kind: str, status: int) -> bool:
        """A HEAD was answered with `status`: may a GET say something else? Notes what the status shows."""
        if status in _GOOD:
            self._answered[hop, kind] = True, self._clock.steady() + REMEMBERED_S
        return status in _NOT_SUPPORTED or (status == 401 and self._known(hop, kind) is not True)

    def got(self, hop: Upstream, kind: str, status: int) -> None:
        """The GET was answered with `status` where the HEAD was not: a yes shows that HEAD does not work there."""
        if status in _GOOD:
            self._answered[hop, kind] = False, self._clock.steady() + REMEMBERED_S

    def _known(self, hop: Upstream, kind: str) -> bool | None:
        works, until_s = self._answered.get((hop, kind), (None, 0.0))
        return works if self._clock.steady() < until_s else None
