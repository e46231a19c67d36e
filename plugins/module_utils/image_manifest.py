# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""From the bytes of a manifest to the blobs of an image: Docker schema 2 and OCI, single and by platform.

Owns the reading and the choice of a platform. Pure.
Rule: nothing is taken from a manifest before its digest was compared.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from ansible_collections.dtr.caches.plugins.module_utils.errors import Unexpected, WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.image_reference import DIGEST

INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
ACCEPT = ", ".join(MANIFESTS + INDEXES)
LARGEST_MANIFEST = 4 * 1024 * 1024
MOST_BLOBS = 1000


@dataclass(frozen=True)
class BlobDescriptor:
    """``size`` in bytes. ``foreign`` blobs lie elsewhere by licence, and DTR has no copy."""

    digest: str
    size: int
    media_type: str
    foreign: bool = False


def read_document(body, wanted_digest, declared_digest, what):
    """(JSON object, digest) of a manifest's bytes.

    They must hash to the digest asked for, else to the declared one, if there is any. Raises Unexpected.
    """
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    expected = wanted_digest or declared_digest
    if expected and expected != digest:
        raise Unexpected(
            f"DTR sent a manifest of {what} that hashes to {digest} instead of {expected}; nothing in it was used."
        )
    try:
        document = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Unexpected(f"DTR sent a manifest of {what} that is no JSON object.")
    return document, digest


def is_index(document, content_type):
    """Whether it lists manifests by platform."""
    kind = document.get("mediaType") or content_type.partition(";")[0].strip()
    return kind in INDEXES or ("manifests" in document and "layers" not in document)


def child_for(document, platform, what):
    """Digest of the index entry for the platform. Raises WrongOption with what there is."""
    entries = document.get("manifests")
    entries = [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    for entry in entries:
        if platform.fits(entry.get("platform")):
            return _descriptor(entry, what).digest
    known = sorted({_platform_text(entry.get("platform")) for entry in entries} - {"", "unknown/unknown"})
    raise WrongOption(f"platform is {platform}, which {what} does not have; it has: {', '.join(known) or 'none'}.")


def blobs_of(document, what):
    """The image's config and layers, each digest once, in the manifest's order. Raises Unexpected."""
    if document.get("schemaVersion") == 1:
        raise Unexpected(
            f"{what} is an image of the old schema 1, which carries no sizes; push it again with a current Docker."
        )
    layers = document.get("layers")
    if not isinstance(layers, list) or not isinstance(document.get("config"), dict) or len(layers) > MOST_BLOBS:
        raise Unexpected(f"DTR sent a manifest of {what} without config and layers; wanted: Docker schema 2 or OCI.")
    blobs = {}
    for entry in [document["config"], *layers]:
        blob = _descriptor(entry, what)
        blobs.setdefault(blob.digest, blob)
    return list(blobs.values())


def _descriptor(entry, what):
    digest = entry.get("digest") if isinstance(entry, dict) else None
    size = entry.get("size") if isinstance(entry, dict) else None
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise Unexpected(f"DTR sent a manifest of {what} with a digest that is not sha256.")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise Unexpected(f"DTR sent a manifest of {what} with a blob without a size.")
    media_type = str(entry.get("mediaType", ""))
    return BlobDescriptor(digest, size, media_type, foreign=".foreign." in media_type or bool(entry.get("urls")))


def _platform_text(described):
    if not isinstance(described, dict):
        return ""
    return "/".join(str(described[key]) for key in ("os", "architecture", "variant") if described.get(key))
