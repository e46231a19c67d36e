"""The `upstreams` option in both dialects: a list of URLs, or DTR 2.2's `{originhost, upstreamhosts}`.

Rule for editors: what comes out is flat and in order; an origin in the old form is tried after its caches."""

from __future__ import annotations

from .addresses import upstream
from .kinds import each_good
from .model import Upstream
from .reading_point import Point, Unwanted

_WANTED = "wanted a list of http(s)://host[:port], DTR or a parent cache"


def upstreams(at: Point) -> tuple[Upstream, ...]:
    points = at.items(_WANTED)
    if not points:
        raise Unwanted(_WANTED, "an empty list" if at.node.value == [] else "")
    seen: dict[Upstream, str] = {}
    return tuple(hop for point in points for hop in _hops(point, seen))


def _hops(at: Point, seen: dict[Upstream, str]) -> list[Upstream]:
    try:
        return _map_form(at, seen) if isinstance(at.node.value, dict) else [_once(at, seen, True)]
    except ValueError as error:
        at.refuse(error)
        return []


def _map_form(at: Point, seen: dict[Upstream, str]) -> list[Upstream]:
    entries = at.entries(_WANTED)
    for key in entries.keys() - {"originhost", "upstreamhosts"}:
        at.report.unknown(
            entries[key].node.place, f"{entries[key].path} is ignored; known here are originhost and upstreamhosts."
        )
    if "originhost" not in entries:
        raise Unwanted("wanted originhost in it: the URL of DTR", "a mapping without originhost")
    caches = entries.get("upstreamhosts")
    points = caches.items("wanted a list of http(s)://host[:port]") if caches else []
    hops = each_good(points, lambda point: _once(point, seen, False))
    return hops + each_good([entries["originhost"]], lambda point: _once(point, seen, True))


def _once(at: Point, seen: dict[Upstream, str], authoritative: bool) -> Upstream:
    if isinstance(at.node.value, list | dict) or at.node.value is None:
        raise Unwanted("wanted http(s)://host[:port], such as https://dtr.example.com")
    hop = upstream(at, authoritative=authoritative)
    first = seen.setdefault(upstream(at), at.path)
    if first != at.path:
        raise Unwanted(f"which {first} names already, wanted each upstream once")
    if hop.scheme == "http":
        at.warn("is plain http: keys, grants and blobs of this hop can be read and changed on the way.")
    return hop
