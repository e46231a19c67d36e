"""Who must go. Pure: values in, victims out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..storage import StoredBlob

# A sweep removes at most this share of the blobs for their age (but at least this many), so that a machine whose clock
# was set years ahead while the cache was down loses its cache slowly enough for somebody to notice.
EXPIRED_SHARE_PER_SWEEP = 0.05
EXPIRED_AT_LEAST_PER_SWEEP = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_size_bytes` of blobs, `min_free_fraction` or `min_free_bytes` of the volume; `ttl_s` since the last pull."""

    ttl_s: float | None
    max_size_bytes: int | None
    min_free_fraction: float | None
    min_free_bytes: int | None

    def reserve_bytes(self, total_bytes: int) -> int:
        """How much of a volume of `total_bytes` must stay free."""
        if self.min_free_bytes is not None:
            return self.min_free_bytes
        return int(total_bytes * (self.min_free_fraction or 0.0))

    def refusal(self, wanted: int, volume_total: int) -> str:
        """Why `wanted` bytes would not fit even on an empty volume; "" where they would."""
        if self.max_size_bytes is not None and wanted > self.max_size_bytes:
            return "the blob is larger than maxsize"
        if wanted > volume_total - self.reserve_bytes(volume_total):
            return "the blob is larger than the volume without minfree"
        return ""


def idle_s(blob: StoredBlob, now_s: float) -> float:
    """Seconds since the last pull; a pull in the future (another host's clock) counts as now."""
    return max(0.0, now_s - blob.pulled_s)


def expired(oldest: Iterable[StoredBlob], now_s: float, ttl_s: float, blobs: int) -> list[StoredBlob]:
    """Of `oldest` (least recently pulled first) those whose time is over, at most a sweep's share of all `blobs`."""
    limit = max(EXPIRED_AT_LEAST_PER_SWEEP, int(blobs * EXPIRED_SHARE_PER_SWEEP))
    victims: list[StoredBlob] = []
    for blob in oldest:
        if idle_s(blob, now_s) <= ttl_s or len(victims) >= limit:
            break
        victims.append(blob)
    return victims


def bytes_over(
    limits: Limits, *, used: int | None, pledged: int, unwritten: int, wanted: int, volume_total: int, volume_free: int
) -> tuple[int, str]:
    """How many bytes must be freed before `wanted` more fit, and which limit says so; (0, "") where they fit.

    `used`: bytes of complete blobs, None while not counted yet. `pledged`: whole sizes of the fills under way;
    `unwritten`: the part of them that does not take room on the volume yet.
    """
    over_free = unwritten + wanted - (volume_free - limits.reserve_bytes(volume_total))
    over_size = 0
    if limits.max_size_bytes is not None and used is not None:
        over_size = used + pledged + wanted - limits.max_size_bytes
    if max(over_free, over_size) <= 0:
        return 0, ""
    return (over_size, "maxsize") if over_size >= over_free else (over_free, "minfree")
