"""The rules that take more than one key to judge. Each adds to the report and never raises.

Rule for editors: a rule stays silent about keys that are broken already."""

from __future__ import annotations

from .addresses import listen_address
from .certificates import check_server_pair
from .document import Node
from .kinds import absolute_path
from .reading import Section, read
from .reading_point import Point, Unwanted
from .registries import check_registries
from .schema import DOWNSTREAM_OPTIONS, OTHER_DRIVERS

_LONG_SKEW_S = 300
# Python's TLS verifies every client certificate that it asks for.
_SERVED_STRICTER = {
    "request-client-cert": "verify-client-cert-if-given",
    "require-any-client-cert": "require-and-verify-client-cert",
}


def check_storage(storage: Section) -> None:
    told = storage.refused_unknown or "filesystem" in storage.broken
    if not told and not any(driver in storage.points for driver in ("filesystem", "inmemory", *OTHER_DRIVERS)):
        wanted = "wanted filesystem with its rootdirectory"
        storage.at.report.mistake(storage.at.node.place, "storage", "no storage driver", wanted)
    if "inmemory" in storage.points and "filesystem" in storage.points:
        storage.mistake("inmemory", "a second storage driver", "wanted filesystem or inmemory, not both")
    elif "inmemory" in storage.points:
        storage.points["inmemory"].warn("keeps blobs in main memory: they are gone when the cache ends.")


def check_http(http: Section) -> tuple[str, int] | None:
    """(host, port) to listen on; for `net: unix` (path, 0). None if that was a mistake."""
    _check_tls(http["tls"])
    debug = http["debug"]
    if debug["prometheus"]["enabled"] and "addr" not in debug.points:
        debug["prometheus"].points["enabled"].warn("has no effect without http.debug.addr: metrics are served there.")
    if not http.given("addr"):
        return None
    at: Point = http.points["addr"]
    try:
        address = (str(absolute_path(at)), 0) if http["net"] == "unix" else listen_address(at)
    except ValueError as error:
        at.refuse(Unwanted("wanted the absolute path of a socket, as net is unix") if http["net"] == "unix" else error)
        return None
    if debug.given("addr") and debug["addr"] == address and address[1]:
        debug.points["addr"].refuse(Unwanted("which is http.addr, wanted an address of its own"))
    return address


def _check_tls(tls: Section) -> None:
    written = [key for key in ("certificate", "key") if key in tls.points]
    if len(written) == 1:
        missing = "key" if written == ["certificate"] else "certificate"
        tls.mistake(missing, "nothing", f"wanted the absolute path of a PEM file, as http.tls.{written[0]} is there")
    elif not written and tls.points and not tls.broken:
        tls.mistake("certificate", "nothing", "wanted certificate and key, as http.tls has other keys")
    if tls.given("certificate") and tls.given("key"):
        check_server_pair(tls.points["certificate"], tls.points["key"])
    if tls.given("clientauth") and not tls.points.get("clientcas"):
        wanted = "wanted clientcas too: without CAs no client certificate can be verified"
        tls.mistake("clientauth", tls.points["clientauth"].found, wanted)
    stricter = _SERVED_STRICTER.get(tls["clientauth"] or "")
    if stricter and tls.given("clientauth"):
        tls.points["clientauth"].warn(
            f"is served as {stricter}: a certificate that no CA of http.tls.clientcas vouches for is refused."
        )
    if tls.given("ciphersuites") and tls["ciphersuites"]:
        if tls["minimumtls"] == "tls1.3":
            tls.points["ciphersuites"].warn("has no effect with minimumtls: tls1.3, whose suites are always on.")
        elif not any(tls["ciphersuites"]):
            tls.points["ciphersuites"].warn("names suites of TLS 1.3 only, so that TLS 1.2 is not offered.")


def check_middleware(middleware: Section, storage: Section) -> Section | None:
    """The options of the only downstream middleware; None, and a mistake, if there is none."""
    report = middleware.at.report
    found: list[Section] = []
    told = "registry" in middleware.broken
    for item in middleware["registry"]:
        if item.given("name") and item["name"] != "downstream":
            item.points["name"].refuse(Unwanted("wanted downstream, the only middleware that this cache has"))
            told = True
        elif item.given("name"):
            found.append(item)
    if len(found) > 1:
        report.mistake(found[1].at.node.place, found[1].at.path, "a second downstream middleware", "wanted one")
    if not found and not told:
        wanted = "wanted one, whose options.upstreams name DTR or a parent cache"
        at = middleware.points.get("registry", middleware.at)
        report.mistake(at.node.place, "middleware.registry", "no downstream middleware", wanted)
    options = [read(DOWNSTREAM_OPTIONS, _options_point(item)) for item in found]
    for each in options:
        _check_options(each, storage)
    return options[0] if options else None


def _options_point(item: Section) -> Point:
    return item.points.get("options") or item.at.below("options", Node(None, item.at.node.place))


def _check_options(options: Section, storage: Section) -> None:
    check_registries(options)
    if options.given("blobttl") and not storage["delete"]["enabled"] and "delete" not in storage.broken:
        wanted = "wanted storage.delete.enabled: true with it, as expired blobs are deleted"
        options.mistake("blobttl", options.points["blobttl"].found, wanted)
    if options["clockskew"] > _LONG_SKEW_S:
        options.points["clockskew"].warn("is long: a grant is accepted for that long after it expired.")
    if options["workers"] != 1:
        options.points["workers"].warn("is ignored: this build serves from one process.")
