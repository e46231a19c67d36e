"""The points where the vendor's documents contradict each other or are silent, as switches.

Owns: the table of switches, their positions and defaults. Does not own: what a position does (the handlers).
Rule: a switch exists only for something that a client of a real DTR must survive; the default follows the spec's text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .refusals import Refused


@dataclass(frozen=True, slots=True)
class Quirk:
    positions: tuple[str, ...]  # the first one is the default
    about: str


QUIRKS: Mapping[str, Quirk] = {
    "delete-missing": Quirk(("204", "404"), "deleting a cache that does not exist"),
    "patch-reply": Quirk(("settings", "empty"), "body of a successful PATCH of settings (2.3: settings, 2.4+: none)"),
    "trailing-slash": Quirk(("accept", "only-slash", "no-slash"), "which form of /api/v0/content_caches[/] exists"),
    "unset-value": Quirk(("empty", "null", "absent"), "how settings show that no cache is chosen"),
    "settings-key": Quirk(("capital", "lower"), "ContentCacheUUID or contentCacheUUID in answers"),
    "patch-key": Quirk(("exact", "any-case"), "whether PATCH also takes ContentCacheUUID"),
    "unknown-uuid": Quirk(("400", "accept"), "PATCH of settings with a cache that does not exist"),
    "duplicate-names": Quirk(("accept", "refuse"), "a second cache with the same name (refused with 400)"),
    "deleted-cache": Quirk(("dangling", "cleared"), "settings of accounts that used a deleted cache"),
    "host-form": Quirk(("as-given", "normalised"), "whether a stored host loses its trailing slash and upper case"),
    "list-order": Quirk(("created", "newest-first"), "order of GET /api/v0/content_caches"),
    "error-body": Quirk(("json", "text", "html", "empty"), "body of API errors"),
    "accounts-start": Quirk(("inclusive", "exclusive"), "whether start= of /enzi/v0/accounts is part of the page"),
    "accounts-page": Quirk(("as-asked", "at-most-10"), "whether limit= of /enzi/v0/accounts is obeyed above 10"),
    "token-field": Quirk(("both", "token", "access_token"), "which member of /auth/token holds the token"),
}


class Quirks:
    """The chosen position of every switch: `quirks["delete-missing"] == "404"`."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._chosen = {name: quirk.positions[0] for name, quirk in QUIRKS.items()} | dict(chosen or {})

    def __getitem__(self, name: str) -> str:
        return self._chosen[name]


def read_quirks(assignments: Iterable[str]) -> Quirks:
    """`name=position` texts as Quirks. Raise Refused with every unknown name or position."""
    chosen, mistakes = {}, []
    for text in assignments:
        name, _, position = text.partition("=")
        if name not in QUIRKS:
            mistakes.append(f"--quirk {text}: unknown switch, wanted one of {', '.join(QUIRKS)}")
        elif position not in QUIRKS[name].positions:
            mistakes.append(f"--quirk {text}: unknown position, wanted {' or '.join(QUIRKS[name].positions)}")
        chosen[name] = position
    if mistakes:
        raise Refused(mistakes)
    return Quirks(chosen)
