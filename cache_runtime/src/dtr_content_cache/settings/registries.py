"""The rules of `registries`: who is asked for what has to be clear from any request, and what needs mode `upstream`.

Rule for editors: a rule stays silent about keys that are broken already.
"""

from __future__ import annotations

from .reading import Section
from .reading_point import Unwanted


def check_registries(options: Section) -> None:
    """Add what is wrong to the report; never raise."""
    registries = options["registries"]
    if not options.given("upstreams") and "upstreams" not in options.broken and "registries" not in options.points:
        options.mistake("upstreams", "nothing", "wanted a list of http(s)://host[:port], DTR or a parent cache")
    elif "registries" in options.points and "registries" not in options.broken and not registries:
        wanted = "wanted registries, each with name and upstreams"
        options.points["registries"].refuse(Unwanted(wanted, "an empty list"))
    _check_mode(options)
    for section in (options, *registries):
        if "offlinelimit" in section.points and (section["offline"] or options["offline"]) != "serve":
            section.points["offlinelimit"].warn("has no effect without offline: serve.")
    for key in ("name", "ns", "hosts"):
        _check_once(registries, key)


def _check_mode(options: Section) -> None:
    if options["authorization"] == "upstream" or "authorization" in options.broken:
        return
    wanted = "wanted authorization: upstream with it: DTR's grants know one DTR, and no other registry has them"
    if "registries" in options.points:
        options.points["registries"].refuse(Unwanted(wanted, "registries"))
    if options["offline"] == "serve":
        options.points["offline"].refuse(
            Unwanted("wanted authorization: upstream with it: by a grant, what the cache holds is served anyway")
        )


def _check_once(registries: list[Section], key: str) -> None:
    seen: dict[str, str] = {}
    for section in registries:
        if key in section.broken:
            continue
        written = section[key]
        values = (section["name"],) if key == "ns" and written is None else written
        for value in dict.fromkeys((values,) if isinstance(values, str) else values or ()):
            path = section.points[key].path if key in section.points else f"{section.at.path}.name"
            first = seen.setdefault(value, path)
            if first != path:
                section.mistake(key, f"'{value}'", f"which {first} names already, wanted it once")
