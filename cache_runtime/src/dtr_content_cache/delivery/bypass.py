"""A blob past the volume: where there is no room, or the volume fails in the middle of an answer.

Owns the choice between following a stream that others follow, beginning one, and a relay for one reader alone. Rule
for editors: whoever may believe to have the whole at the end is judged, by the running hash of all that went before;
and where we know what that was for this very client, by the hash of it, not of what somebody else was sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..values.byte_range import ByteRange
from ..values.digest import Digest
from ..values.failures import WrongBytes
from .limits import JUDGED_AHEAD_BYTES
from .means import Means, Passage
from .relay import Relay
from .streams import FellBehind, Stream, Streams


class Bypass:
    """`total` is the blob's length. `prefix` and `seen`: how many of its first bytes are known, and their hash."""

    def __init__(
        self,
        means: Means,
        streams: Streams,
        digest: Digest,
        passage: Passage,
        total: int,
        prefix: int,
        seen: hashlib._Hash,
    ) -> None:
        self._means = means
        self._streams = streams
        self._digest = digest
        self._passage = passage
        self._total = total
        self._prefix = prefix
        self._seen = seen

    async def pieces(self, rest: ByteRange, *, judged: bool) -> AsyncGenerator[bytes]:
        """Raise WrongBytes or an upstream failure."""
        own = self._seen.copy() if judged and rest.start == self._prefix else None
        try:
            async with aclosing(self._followed_or_alone(rest, own, judged=judged)) as pieces:
                async for data in pieces:
                    yield data
        except WrongBytes:
            self._streams.forget_trail(self._digest)
            raise

    async def _followed_or_alone(
        self, rest: ByteRange, own: hashlib._Hash | None, *, judged: bool
    ) -> AsyncGenerator[bytes]:
        """`own`: the hash of all that this client has; a verdict on the stream is one on what the stream brought."""
        position, stream = rest.start, self._stream(rest)
        if stream is not None:
            stream.relay.lend(self._passage)
            try:
                async with aclosing(stream.pieces(position, rest.end)) as followed:
                    async for data in followed:
                        position += len(data)
                        self._judge(own, data, position)
                        yield data
                return
            except FellBehind:
                pass
        if own is not None:
            relay = self._relay(position, rest.end, position, own)
        else:
            relay = self._alone(position, rest.end, judged=judged)
        async with aclosing(relay.pieces()) as relayed:
            async for data in relayed:
                yield data

    def _stream(self, rest: ByteRange) -> Stream | None:
        """One that others follow, or a new one for whoever begins where our knowledge ends and wants all the rest."""
        stream = self._streams.reaching(self._digest, rest.start, self._total)
        if stream is None and rest.start == self._prefix and rest.end == self._total:
            relay = self._relay(rest.start, rest.end, self._prefix, self._seen)
            stream = self._streams.begin(self._digest, relay, rest.start, self._means.emit)
        return stream

    def _judge(self, own: hashlib._Hash | None, data: bytes, position: int) -> None:
        if own is None:
            return
        own.update(data)
        if position == self._total and own.hexdigest() != self._digest.hex:
            raise WrongBytes("the bytes that this client was sent do not hash to the digest")

    def _alone(self, start: int, end: int, *, judged: bool) -> Relay:
        if not judged:
            return self._relay(start, end, start, None)
        begin, seen = self._streams.trail(self._digest).before(start)
        if begin < self._prefix <= start:
            begin, seen = self._prefix, self._seen
        if start - begin > JUDGED_AHEAD_BYTES:
            return self._relay(start, end, start, None)
        return self._relay(start, end, begin, seen)

    def _relay(self, start: int, end: int, begin: int, seen: hashlib._Hash | None) -> Relay:
        relay = Relay(self._means, self._digest, self._passage, self._total, end, start, begin)
        if seen is not None:
            relay.seen, relay.trail = seen.copy(), self._streams.trail(self._digest)
        return relay
