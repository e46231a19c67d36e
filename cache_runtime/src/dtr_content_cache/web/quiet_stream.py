"""Tornado's stream, which takes whatever a connection breaks by for its end, and for nobody's fault.

Tornado raises all but the usual, and so do the calls by which it has the loop watch a descriptor: a client that went
out of reach, or for whom the kernel has no memory, would be told as a bug of ours.
"""

from __future__ import annotations

from tornado.iostream import IOStream


class QuietStream(IOStream):
    def _is_connreset(self, exc: BaseException) -> bool:
        return isinstance(exc, OSError)

    def _add_io_state(self, state: int) -> None:
        try:
            super()._add_io_state(state)
        except OSError as error:
            self.close(exc_info=error)  # nobody would hear of it again
