"""Payloads that hide a request where one reader sees an end and another does not: the known techniques, by name.

A payload is a request A for one blob, mostly with a request B for another hidden in what may be its body; each carries
a good grant, so that whoever takes B gives the blob away. `{one}` and `{two}` stand for their targets, `{hidden}` for
the whole of B, `{chunk}` for B as a chunk, `{x}` for its size in hexadecimal digits, `{s}` for the bytes of that line,
`{n}` for the bytes of all that follows the first empty line.

Rule for editors: what the cache answers, alone, stands beside each, because silence proves nothing. A second answer of
200 says that B is a request of its own, by RFC 9112; there only. A head that is refused, and one with a body, is the
last on its connection.
"""

from __future__ import annotations

from .bodies import BOTH_FRAMINGS, CHUNKS, CODINGS, LENGTHS
from .heads import ENDS_AND_ROWS, HEADERS, TARGETS, VERSIONS
from .payload import Payload

TABLE: dict[str, Payload] = {
    **BOTH_FRAMINGS,
    **CODINGS,
    **CHUNKS,
    **LENGTHS,
    **VERSIONS,
    **TARGETS,
    **HEADERS,
    **ENDS_AND_ROWS,
}
