"""What a single value may look like: booleans, numbers, durations, sizes, paths, names, lists.

Owns the wording of what is wanted. Addresses, certificates and headers have files of their own. Rule for editors: a
kind takes one Point and returns a value or raises Unwanted (or the ValueError of values/, worded alike)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from ..values.blob_address import is_repository_name
from ..values.duration import parse_duration_ns
from ..values.size import parse_size_bytes
from .policy import Kind
from .reading_point import Point, Unwanted

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?) ?%")


def text(at: Point, wanted: str = "wanted a text") -> str:
    """A text that is not empty. A bare number or boolean is taken as written, as the registry does."""
    if at.node.value is None or isinstance(at.node.value, list | dict) or not at.node.text:
        raise Unwanted(wanted)
    return at.node.text


def boolean(at: Point) -> bool:
    if not isinstance(at.node.value, bool):
        quoted = isinstance(at.node.value, str) and at.node.text.lower() in ("true", "false", "yes", "no", "on", "off")
        raise Unwanted("wanted true or false" + (" without quotes" if quoted else ""))
    return at.node.value


def word(*allowed: str, fold_case: bool = False) -> Kind:
    wanted = "wanted " + " or ".join([", ".join(allowed[:-1]), allowed[-1]] if allowed[1:] else allowed)

    def read(at: Point) -> str:
        written = text(at, wanted).lower() if fold_case else text(at, wanted)
        if written not in allowed:
            raise Unwanted(wanted)
        return written

    return read


def integer(minimum: int, maximum: int) -> Kind:
    def read(at: Point) -> int:
        value = at.node.value
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise Unwanted(f"wanted a whole number from {minimum} to {maximum}")
        return value

    return read


def duration(*, zero: bool = False) -> Kind:
    """Seconds. A bare integer is nanoseconds, as everywhere in this format; below 1 s that earns a warning."""

    def read(at: Point) -> float:
        value = at.node.value
        nanoseconds = parse_duration_ns(value)  # type: ignore[arg-type]
        if nanoseconds < 0 or (nanoseconds == 0 and not zero):
            raise Unwanted("wanted a duration " + ("of 0 or more" if zero else "above 0") + ", such as 30s or 24h")
        if 0 < nanoseconds < 10**9:
            unit = f"; {value} without a unit counts nanoseconds, was {value}s or {value}h meant?"
            at.warn(f"is less than a second ({nanoseconds} ns)" + (unit if isinstance(value, int) else "."))
        return nanoseconds / 1e9

    return read


def size(wanted: str, *, small_bytes: int) -> Kind:
    """Bytes, above 0. Less than `small_bytes` earns a warning: a unit was probably forgotten."""

    def read(at: Point) -> int:
        try:
            count = parse_size_bytes(at.node.value)  # type: ignore[arg-type]
        except ValueError:
            count = 0
        if count <= 0:
            raise Unwanted(wanted)
        if count < small_bytes:
            at.warn(f"is only {count} bytes; a unit such as MB or GB was probably meant.")
        return count

    return read


def share_or_size(at: Point) -> tuple[float | None, int | None]:
    """(fraction of the volume, None) of `5%`, or (None, bytes) of `20GB`."""
    match = _PERCENT.fullmatch(at.node.text)
    if not match:
        wanted = "wanted a share of the volume such as 5%, or a size above 0 such as 20GB"
        return None, size(wanted, small_bytes=10**6)(at)
    if not 0 < float(match[1]) < 100:
        raise Unwanted("wanted a share above 0% and below 100%")
    return float(match[1]) / 100, None


def absolute_path(at: Point) -> Path:
    wanted = "wanted an absolute path"
    written = text(at, wanted)
    if not isinstance(at.node.value, str) or "\0" in written or not PurePosixPath(written).is_absolute():
        raise Unwanted(wanted)
    return Path(written)


def registry_name(at: Point) -> str:
    """What clients write before a repository, as its first component."""
    written = text(at)
    if "/" in written or not is_repository_name(written):
        raise Unwanted("wanted lower-case letters, digits and single . _ - between them, such as hub or docker.io")
    return written


def url_prefix(at: Point) -> str:
    wanted = "wanted a path that starts and ends with /, such as /cache/"
    written = text(at, wanted)
    if not re.fullmatch(r"/(?:[A-Za-z0-9._~-]+/)*", written) or "/../" in written or "/./" in written:
        raise Unwanted(wanted)
    return written


def url_path(at: Point) -> str:
    wanted = "wanted a path that starts with /, such as /metrics"
    written = text(at, wanted)
    if not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)+", written):
        raise Unwanted(wanted)
    return written


def list_of(kind: Kind, wanted: str) -> Kind:
    """Every item is judged, so that all mistakes in a list are told; the good ones are returned."""

    def read(at: Point) -> tuple[Any, ...]:
        return tuple(each_good(at.items(f"wanted a list of {wanted}"), kind))

    return read


def each_good(points: list[Point], kind: Callable[[Point], Any]) -> list[Any]:
    good = []
    for point in points:
        try:
            good.append(kind(point))
        except ValueError as error:
            point.refuse(error)
    return good
