# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Which image: [host/]org/name[:tag][@digest] and os/arch[/variant].

Owns the parsing of both. Rule: a value that exists is valid, so nobody checks a repository name or a digest again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+")
WANTED = "wanted: org/name:tag or org/name@sha256:…"


@dataclass(frozen=True)
class ImageReference:
    """``repository`` is org/name; ``tag`` or ``digest`` says which version, the digest wins."""

    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def version(self):
        """What the manifest is asked for by."""
        return self.digest or self.tag

    def __str__(self):
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"


def parse_image(text, authority):
    """The image that ``text`` names at the DTR whose host[:port] is ``authority``. No tag means latest.

    Raises WrongOption.
    """
    rest = text.strip()
    first, slash, behind = rest.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        if first.lower() != authority:
            raise WrongOption(
                f"image is '{text}', of another registry than dtr_url ({authority}); {WANTED}, with or without"
                f" {authority}/ in front."
            )
        rest = behind
    name, at, digest = rest.partition("@")
    if at and not DIGEST.fullmatch(digest):
        raise WrongOption(f"image is '{text}', whose digest is not sha256: and 64 lower-case hex digits; {WANTED}.")
    repository, colon, tag = name.partition(":")
    if colon and not TAG.fullmatch(tag):
        raise WrongOption(f"image is '{text}', whose tag is malformed; {WANTED}.")
    if len(repository) > 255 or not REPOSITORY.fullmatch(repository):
        raise WrongOption(f"image is '{text}', whose repository is not org/name in lower case; {WANTED}.")
    return ImageReference(repository, tag or ("" if digest else "latest"), digest)


@dataclass(frozen=True)
class Platform:
    """As in an image index; ``variant`` may be empty."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self):
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    def fits(self, described):
        """Whether an index entry's ``platform`` object is this one. No wish for a variant takes any."""
        if not isinstance(described, dict):
            return False
        same = described.get("os") == self.os and described.get("architecture") == self.architecture
        return same and (not self.variant or described.get("variant", "") == self.variant)


def parse_platform(text):
    """os/arch or os/arch/variant. Raises WrongOption."""
    parts = text.strip().split("/")
    if len(parts) not in (2, 3) or not all(re.fullmatch(r"[a-z0-9_.-]+", part) for part in parts):
        raise WrongOption(
            f"platform is '{text}'; wanted: os/architecture or os/architecture/variant, such as linux/amd64 or"
            " linux/arm/v7."
        )
    return Platform(*parts)
