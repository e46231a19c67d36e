"""Which registry a request is about, where there are several behind this cache. Pure, but for the parts it points at.

A request names it by `ns` (containerd), by the host name that it came to, or by the first component of the repository;
what names none is the unnamed registry's, where there is one. Rule for editors: what names an unknown one is never
given to another, because that would be another image under the right name; nor are credentials that a client may have
for another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol
from urllib.parse import unquote

from ..settings.model import Registry
from ..values.blob_address import BlobAddress
from .addresses import parse_registry_path
from .answers import Answer, error, json_answer
from .blob import BlobHandler
from .outside import Outside
from .passthrough import Passthrough
from .quick_hit import Hit, Plain, QuickHits
from .request_head import Request


class Counter(NamedTuple):
    """Who answers for one registry. `passthrough` None: mode `grant`, manifests are not ours to answer."""

    blobs: BlobHandler
    hits: QuickHits
    passthrough: Passthrough | None


@dataclass(frozen=True, slots=True)
class Picked:
    """`request` as that registry knows it, `outside` how the client named it."""

    counter: Counter
    request: Request
    outside: Outside


class Registries(Protocol):
    def pick(self, request: Request, before: str) -> Picked | Answer:
        """`before` is what came before `/v2/` in the path, and is not in `request` any more."""

    def find(self, plain: Plain, before: str) -> Hit | None:
        """As QuickHits has it; the path of `plain` still begins with `before`."""

    def distrust(self, address: BlobAddress) -> None: ...


class OneRegistry:
    """All requests are about the same one."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self.distrust = counter.hits.distrust

    def pick(self, request: Request, before: str) -> Picked | Answer:
        return Picked(self._counter, request, Outside(before))

    def find(self, plain: Plain, before: str) -> Hit | None:
        return self._counter.hits.find(plain)


class SeveralRegistries:
    """`counters`: each registry with who answers for it; at most one of them has no name."""

    def __init__(self, counters: Sequence[tuple[Registry, Counter]]) -> None:
        self._by_name: dict[str, Counter] = {}
        self._by_namespace: dict[str, Counter] = {}
        self._by_host: dict[str, Counter] = {}
        for registry, counter in counters:
            self._by_name[registry.name] = counter
            self._by_namespace |= dict.fromkeys(registry.namespaces, counter)
            self._by_host |= dict.fromkeys(registry.hosts, counter)
        self._unnamed = self._by_name.pop("", None)
        self._known = {"prefixes": sorted(self._by_name), "ns": sorted(self._by_namespace)}
        if self._unnamed is not None:
            # A client that knows it by its own name says that; who is told what is known is not told addresses.
            hops = [hop for registry, _ in counters if not registry.name for hop in registry.upstreams]
            named = dict.fromkeys((hop.url.partition("://")[2] for hop in hops), self._unnamed)
            self._by_namespace = named | self._by_namespace
        # What lies on the volume is judged once, whichever registry it came from.
        self.distrust = next(iter(self._by_namespace.values())).hits.distrust

    def pick(self, request: Request, before: str) -> Picked | Answer:
        asked = [part for part in request.query.split("&") if part.startswith("ns=")]
        if asked:
            return self._of_namespace(asked, request, before)
        counter = self._of_host(request.headers.get("host", "").lower())
        if counter is not None:
            return Picked(counter, request, Outside(before))
        name, _, rest = request.path.removeprefix("/v2/").partition("/")
        counter, inside = self._by_name.get(name), f"/v2/{rest}"
        if counter is not None and (not rest or parse_registry_path(inside) is not None):
            headers = self._without_common_credentials(request.headers)
            return Picked(counter, replace(request, path=inside, headers=headers), Outside(before, name))
        if self._unnamed is not None:
            return Picked(self._unnamed, request, Outside(before))
        # Docker asks this first, about no registry yet: each says who may read when it is asked for something.
        return json_answer(200, {}) if request.path == "/v2/" else self._unknown()

    def _without_common_credentials(self, headers: dict[str, str]) -> dict[str, str]:
        """A client has one login for each host, and by prefixes all registries have this one: a password is for none of
        them in particular, a token only where no other registry asks for one at `/v2/`."""
        bearer = headers.get("authorization", "").lower().startswith("bearer ")
        if bearer and self._unnamed is None:
            return headers
        return {name: value for name, value in headers.items() if name != "authorization"}

    def _of_namespace(self, asked: list[str], request: Request, before: str) -> Picked | Answer:
        counter = self._by_namespace.get(unquote(asked[0][3:]).lower()) if len(asked) == 1 else None
        if counter is None:
            return self._unknown()
        query = "&".join(part for part in request.query.split("&") if part != asked[0])
        return Picked(counter, replace(request, query=query), Outside(before, query=asked[0]))

    def _of_host(self, host: str) -> Counter | None:
        return self._by_host.get(host) or self._by_host.get(host.rpartition(":")[0])

    def _unknown(self) -> Answer:
        return error(404, "NAME_UNKNOWN", "this cache knows no such registry", self._known)

    def find(self, plain: Plain, before: str) -> Hit | None:
        picked = self.pick(replace(plain.request, path=plain.request.path[len(before) :]), before)
        if isinstance(picked, Answer):
            return None
        address = parse_registry_path(picked.request.path)
        if not isinstance(address, BlobAddress):
            return None
        return picked.counter.hits.find(Plain(picked.request, address, plain.part))
