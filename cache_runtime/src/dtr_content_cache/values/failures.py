"""One class for each thing a caller does differently. Messages are for the operator's log; what a client is told is
decided in one table, web/answers.py, and never contains a path, an upstream or a grant."""

from __future__ import annotations


class Failure(Exception):
    """Something that this program expects to go wrong."""


class ConfigurationRefused(Failure):
    """`mistakes`: every mistake found, one line each, worded `<file>: <key path>: found …, wanted …`."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class GrantRefused(Failure):
    """The request may not read this blob. `reason` is one of admission's fixed words, good for a metric label."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class BlobUnknown(Failure):
    """Every upstream that could know says that the blob does not exist."""


class UpstreamDenied(Failure):
    """The upstream refused this client's grant or credentials."""


class CredentialsWanted(Failure):
    """The upstream wants (other) credentials of the client: `challenge` is its WWW-Authenticate, fit to be passed
    on."""

    def __init__(self, challenge: str) -> None:
        super().__init__("the upstream asks for credentials")
        self.challenge = challenge


class UpstreamUnavailable(Failure):
    """No upstream could deliver; trying again later may help. `retry_after_s` is what an upstream asked for, or
    None; `limited`: each of them wants fewer questions."""

    def __init__(self, message: str, retry_after_s: int | None = None, *, limited: bool = False) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.limited = limited


class CircleRefused(Failure):
    """Caches ask each other in a circle: here, or further on where an upstream says so. Asking again does not help."""


class WrongBytes(Failure):
    """Bytes arrived or lay on disk that do not hash to the digest they were asked by."""


class NoSpace(Failure):
    """The volume (or its quota) has no room for a blob of this size, even after evicting."""


class StorageBroken(Failure):
    """The volume failed at something other than space: the text names operation and errno, never a path."""


class DiscoveryRefused(Failure):
    """A discovery document is not usable; the text says what was found and what is wanted."""
