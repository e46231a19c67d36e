# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""An image, pulled as a Docker client pulls it, every byte verified and thrown away.

Owns the sequence: token, manifest (of the platform), blobs side by side, totals.
Rule: the first failure ends the pull; what was pulled until then is in its report.
"""

from __future__ import annotations

import threading
import time
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

    def blobs(self, blobs, route, limit, parallel, expect_cache):
        """Reports of all blobs in the given order. On failure the error's details hold the ``blobs`` that were done."""
        cancelled = threading.Event()
        download = BlobDownload(route, limit, expectation(expect_cache), cancelled)
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
        response = self._to_dtr.exchange("GET", url, headers={"Accept": ACCEPT, **self._login.headers()})
        body = self._to_dtr.body(response, largest=LARGEST_MANIFEST)
        if response.status_code != 200:
            raise self._refused(response, body.decode("utf-8", "replace"), what)
        headers = response.headers
        document, found = read_document(body, digest, headers.get("Docker-Content-Digest", ""), what)
        return document, found, headers.get("Content-Type", "")

    def _refused(self, response, text, what):
        status, account, url = response.status_code, self._connection.username, self._connection.url
        if status in (401, 403):
            who = f"account {account}" if account else "nobody without an account"
            return Denied(f"Denied: {who} may pull {what} from {url} ({said(status, text)})." if not account else
                          f"Denied: {who} may not pull {what} from {url} ({said(status, text)}).", status, denied=True)
        if status == 404:
            return NotFound(f"DTR at {url} has no {what}, or hides it from account {account or '(none)'} ({said(status, text)}).", status)
        return refusal(f"hand out the manifest of {what}", status, text, url, account, response.headers.get("Location", ""))


def expectation(expect_cache):
    """A function (blob, hops) that raises Unexpected unless the last hop is the expected one. Empty expects nothing."""
    if not expect_cache:
        return lambda blob, hops: None
    expected = parse_origin(expect_cache, "expect_cache").url

    def check(blob, hops):
        if hops[-1] == expected:
            return
        how = "DTR served it itself; do the account's settings name the cache?" if len(hops) == 1 else f"the way was {' → '.join(hops)}."
        raise Unexpected(
            f"Blob {blob.digest} was to come from {expected}, but {hops[-1]} answered: {how}",
            failed_blob=blob.digest, hop=hops[-1], expected=expected,
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


def totals(reports, started, clock=time.monotonic):
    """Sums over blob reports: blobs, bytes, seconds since ``started``, hits, resumed, and blobs and bytes by who served."""
    by_host = {}
    for one in reports:
        host = by_host.setdefault(one["served_by"], {"blobs": 0, "bytes": 0})
        host["blobs"] += 1
        host["bytes"] += one["bytes"]
    return {
        "blobs": len(reports),
        "bytes": sum(one["bytes"] for one in reports),
        "seconds": round(clock() - started, 3),
        "hits": sum(one["hit"] for one in reports),
        "resumed": sum(one["resumed"] for one in reports),
        "served_by": by_host,
    }
