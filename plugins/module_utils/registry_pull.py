# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""An image, pulled as a Docker client pulls it, every byte verified and thrown away.

Owns the sequence: token, manifest (of the platform), blobs side by side, totals.
Rule: the first failure ends the pull; what was pulled until then is in its report.
"""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from ansible_collections.dtr.caches.plugins.module_utils.blob_download import BlobDownload, Cancelled
from ansible_collections.dtr.caches.plugins.module_utils.errors import Denied, DtrError, NotFound, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.image_manifest import (
    ACCEPT,
    LARGEST_MANIFEST,
    blobs_of,
    child_for,
    is_index,
    read_document,
)
from ansible_collections.dtr.caches.plugins.module_utils.patient_exchange import ask
from ansible_collections.dtr.caches.plugins.module_utils.refusals import refusal, said
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin


class RegistryPull:
    """Pulls of one image reference along a login and a route."""

    def __init__(self, connection, image, login, to_dtr):
        self._connection = connection
        self._image = image
        self._login = login
        self._to_dtr = to_dtr

    def manifest(self, platform):
        """(manifest digest, [BlobDescriptor]) of the image for the platform. Raises Denied with ``denied: true``."""
        what = str(self._image)
        document, digest, content_type = self._document(self._image.version, self._image.digest, what)
        if is_index(document, content_type):
            child = child_for(document, platform, what)
            document, digest, _content_type = self._document(child, child, what)
        return digest, blobs_of(document, what)

    def blobs(self, blobs, route, limit, parallel, may_serve):
        """Reports of all blobs in the given order. On failure the error's details hold the ``blobs`` that were done."""
        cancelled = threading.Event()
        download = BlobDownload(route, limit, may_serve, cancelled)
        with ThreadPoolExecutor(max_workers=parallel) as pool:
            tasks = [pool.submit(download.run, blob) for blob in blobs]
            wait(tasks, return_when=FIRST_EXCEPTION)
            if any(task.done() and task.exception() for task in tasks):
                cancelled.set()
                for task in tasks:
                    task.cancel()
        return _collected(tasks)

    def _document(self, version, digest, what):
        url = f"{self._connection.url}/v2/{self._image.repository}/manifests/{version}"
        headers = {"Accept": ACCEPT, **self._login.headers()}
        answer = ask(self._to_dtr, "GET", url, largest=LARGEST_MANIFEST, headers=headers)
        if answer.status != 200:
            raise self._refused(answer, what)
        document, found = read_document(answer.body, digest, answer.headers.get("Docker-Content-Digest", ""), what)
        return document, found, answer.headers.get("Content-Type", "")

    def _refused(self, answer, what):
        account, url, heard = self._connection.username, self._connection.url, said(answer.status, answer.text)
        if answer.status in (401, 403):
            who = f"account {account} may not pull {what}" if account else f"nobody may pull {what} without an account"
            return Denied(f"Denied: {who} from {url} ({heard}).", answer.status, denied=True)
        if answer.status == 404:
            whom = f"account {account}" if account else "callers without an account"
            return NotFound(f"DTR at {url} has no {what}, or hides it from {whom} ({heard}).", answer.status)
        return refusal(f"hand out the manifest of {what}", answer, self._connection)


def expectation(expect_cache):
    """A function (blob, hops) that raises Unexpected unless the last hop is the expected one. Empty expects nothing."""
    if not expect_cache:
        return lambda blob, hops: None
    expected = parse_origin(expect_cache, "expect_cache").url

    def check(blob, hops):
        if hops[-1] == expected:
            return
        how = f"the way was {' → '.join(hops)}."
        if len(hops) == 1:
            how = "DTR served it itself; do the account's settings name the cache?"
        raise Unexpected(
            f"Blob {blob.digest} was to come from {expected}, but {hops[-1]} answered: {how}",
            failed_blob=blob.digest,
            hop=hops[-1],
            expected=expected,
        )

    return check


def _collected(tasks):
    done = [task.result() for task in tasks if task.done() and not task.cancelled() and not task.exception()]
    failures = [task.exception() for task in tasks if task.done() and not task.cancelled() and task.exception()]
    for failure in failures:
        if isinstance(failure, DtrError):
            failure.details["blobs"] = done
            raise failure
    for failure in failures:
        if not isinstance(failure, Cancelled):
            raise failure
    return done


def totals(reports, seconds):
    """Sums over blob reports; ``seconds`` is how long the whole pull took."""
    by_host = {}
    for one in reports:
        host = by_host.setdefault(one["served_by"], {"blobs": 0, "bytes": 0})
        host["blobs"] += 1
        host["bytes"] += one["bytes"]
    return {
        "blobs": len(reports),
        "bytes": sum(one["bytes"] for one in reports),
        "seconds": round(seconds, 3),
        "hits": sum(one["hit"] for one in reports),
        "resumed": sum(one["resumed"] for one in reports),
        "served_by": by_host,
    }
