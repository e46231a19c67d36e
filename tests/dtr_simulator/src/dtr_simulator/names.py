"""The grammars of the names that travel in URLs.

Owns: what a digest, a tag, a repository and an account name look like. Pure.
Rule: names are compared whole and never normalised; what does not match is refused.
"""

from __future__ import annotations

import re

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_repository(text: str) -> bool:
    """The grammar of the OCI distribution spec, 255 characters at most."""
    return len(text) <= 255 and _REPOSITORY.fullmatch(text) is not None


def is_dtr_repository(text: str) -> bool:
    """DTR's repositories have exactly two components: `organisation/name`."""
    return is_repository(text) and text.count("/") == 1


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def is_account(text: str) -> bool:
    return _ACCOUNT.fullmatch(text) is not None
