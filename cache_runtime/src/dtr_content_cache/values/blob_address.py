"""Which blob of which repository a request is about."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .digest import Digest

# The repository name grammar of the OCI distribution spec, 255 characters at most.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
REPOSITORY_LIMIT_CHARACTERS = 255


def is_repository_name(text: str) -> bool:
    return len(text) <= REPOSITORY_LIMIT_CHARACTERS and _REPOSITORY.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class BlobAddress:
    """`repository` ("org/name") and `digest`, as in `/v2/<repository>/blobs/<digest>`."""

    repository: str
    digest: Digest

    @property
    def path(self) -> str:
        return f"/v2/{self.repository}/blobs/{self.digest}"
