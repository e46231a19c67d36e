# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""One blob, from the first byte to the verdict on its digest, over as many connections as it takes.

Theory of operation: bytes are hashed as they come and thrown away. When a connection ends early, the blob is asked for
again at DTR from the byte that is missing, as Docker does, and hashing goes on, if the answer is exactly that range; an
answer with the whole blob starts over. Attempts that bring no byte are counted, attempts that do are not: a thin line
gets to the end.
Rule: a blob counts as verified only when length and SHA-256 both agree.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field

from ansible_collections.dtr.caches.plugins.module_utils.cache_status import is_hit
from ansible_collections.dtr.caches.plugins.module_utils.errors import DtrError, Interrupted, Unexpected

ATTEMPTS_WITHOUT_PROGRESS = 5
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class Cancelled(Exception):
    """Another blob of the pull failed, so this one does not matter any more."""


@dataclass
class BlobProgress:
    """What is known of one blob's download so far. ``received`` in bytes."""

    received: int = 0
    hasher: object = field(default_factory=hashlib.sha256)
    served_by: str = ""
    cache_status: str = ""
    resumed: int = 0

    def start_over(self):
        """Forget the bytes, after a whole answer to a question for a part."""
        self.received, self.hasher = 0, hashlib.sha256()


def continues_at(response, progress, size):
    """Whether the answer goes on exactly where ``progress`` stands; False for the whole blob instead of its rest.

    Raises Unexpected for any other range.
    """
    if response.status_code == 200:
        return progress.received == 0
    found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    wanted = (progress.received, size - 1, size)
    if response.status_code != 206 or not found or tuple(int(one) for one in found.groups()) != wanted:
        raise Unexpected(
            f"{progress.served_by} sent another range than bytes {progress.received} to {size - 1} of {size}."
        )
    return True


class BlobDownload:
    """Downloads blobs along a BlobRoute. ``may_serve(blob, hops)`` raises if the last hop is a wrong one.

    ``cancelled`` is a threading.Event that others set; ``clock`` in seconds.
    """

    def __init__(self, route, limit, may_serve, cancelled, clock=time.monotonic):
        self._route = route
        self._limit = limit
        self._may_serve = may_serve
        self._cancelled = cancelled
        self._clock = clock

    def run(self, blob):
        """The report on one blob, verified. Raises DtrError with the blob and the hop in ``details``, or Cancelled."""
        progress, started, fruitless = BlobProgress(), self._clock(), 0
        while True:
            before = progress.received
            if self._cancelled.is_set():
                raise Cancelled
            try:
                self._attempt(blob, progress)
                break
            except DtrError as failure:
                moved = progress.received > before
                fruitless = 0 if moved else fruitless + 1
                worth_it = failure.may_pass or (moved and isinstance(failure, Interrupted))
                if not worth_it or fruitless >= ATTEMPTS_WITHOUT_PROGRESS:
                    raise _located(failure, blob, progress) from None
                self._cancelled.wait(fruitless)
        self._verdict(blob, progress)
        return _report(blob, progress, self._clock() - started)

    def _attempt(self, blob, progress):
        if progress.received == blob.size and blob.size:
            return
        transport, response, hops = self._route.open(blob.digest, progress.received)
        with response:
            progress.served_by = hops[-1]
            self._may_serve(blob, hops)
            if not continues_at(response, progress, blob.size):
                progress.start_over()
            elif progress.received:
                progress.resumed += 1
            progress.cache_status = progress.cache_status or response.headers.get("Cache-Status", "")
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                raise Unexpected(f"{progress.served_by} sent the blob in an encoding that nobody asked for.")
            self._read(transport, response, blob, progress)

    def _read(self, transport, response, blob, progress):
        for piece in transport.chunks(response, self._limit.piece):
            if self._cancelled.is_set():
                raise Cancelled
            progress.received += len(piece)
            if progress.received > blob.size:
                raise Unexpected(f"{progress.served_by} sent more than the {blob.size} bytes that the manifest says.")
            progress.hasher.update(piece)
            self._limit.spent(len(piece))
        if progress.received < blob.size:
            raise Interrupted(f"{progress.served_by} ended after {progress.received} of {blob.size} bytes.")

    def _verdict(self, blob, progress):
        digest = "sha256:" + progress.hasher.hexdigest()
        if digest != blob.digest:
            wrong = Unexpected(f"{progress.served_by} sent {progress.received} bytes that hash to {digest}.")
            raise _located(wrong, blob, progress)


def _located(failure, blob, progress):
    """The failure with the blob and the hop in its sentence and its details."""
    if "failed_blob" in failure.details:
        return failure
    failure.message = f"Blob {blob.digest}: {failure.message}"
    failure.details["failed_blob"] = blob.digest
    failure.details.setdefault("hop", progress.served_by)
    return failure


def _report(blob, progress, seconds):
    return {
        "digest": blob.digest,
        "bytes": progress.received,
        "media_type": blob.media_type,
        "seconds": round(seconds, 3),
        "served_by": progress.served_by,
        "cache_status": progress.cache_status,
        "hit": is_hit(progress.cache_status),
        "resumed": progress.resumed,
        "verified": True,
    }
