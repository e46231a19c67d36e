# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""The way from DTR to whoever sends a blob: redirects followed by hand, one open response at the end.

Owns the hops and the rule on credentials: Authorization goes to DTR's own origin only, not to another port of its host.
Does not read the body. Rule: a grant in a Location is used once and never shown; only origins are.
"""

from __future__ import annotations

from urllib.parse import urljoin

from ansible_collections.dtr.caches.plugins.module_utils.errors import Denied, DtrError, NotFound, Refusal, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.refusals import said
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import origin_of

REDIRECTS = (301, 302, 303, 307, 308)
MOST_HOPS = 5
LARGEST_ERROR = 64 * 1024


class BlobRoute:
    """Opens blobs of one repository. ``to_dtr`` and ``elsewhere`` are transports with the trust for each."""

    def __init__(self, connection, repository, login, to_dtr, elsewhere):
        self._connection = connection
        self._repository = repository
        self._login = login
        self._to_dtr = to_dtr
        self._elsewhere = elsewhere

    def open(self, digest, first_byte=0):
        """(transport, response, [origin URLs passed]), the status being 200 or 206. The caller closes the response."""
        url = f"{self._connection.url}/v2/{self._repository}/blobs/{digest}"
        headers = {"Accept-Encoding": "identity"}
        if first_byte:
            headers["Range"] = f"bytes={first_byte}-"
        hops = []
        for _hop in range(MOST_HOPS + 1):
            transport, response = self._request(url, headers)
            hops.append(origin_of(url).url)
            if response.status_code not in REDIRECTS:
                break
            url = self._next(url, response, digest)
        else:
            raise Unexpected(
                f"Blob {digest} was redirected more than {MOST_HOPS} times: {' → '.join(hops)}.", hops=hops
            )
        if response.status_code in (200, 206):
            return transport, response, hops
        raise self._refused(transport, response, digest, hops)

    def _request(self, url, headers):
        try:
            return self._sent(url, headers)
        except DtrError as failure:
            failure.details.setdefault("hop", origin_of(url).url)
            raise

    def _sent(self, url, headers):
        if origin_of(url) != self._connection.origin:
            return self._elsewhere, self._elsewhere.exchange("GET", url, headers=headers)
        authorization = self._login.headers()
        response = self._to_dtr.exchange("GET", url, headers={**headers, **authorization})
        if response.status_code == 401 and authorization:
            response.close()  # the token may have run out during a long pull
            response = self._to_dtr.exchange(
                "GET", url, headers={**headers, **self._login.headers(stale=authorization)}
            )
        return self._to_dtr, response

    def _next(self, url, response, digest):
        response.close()
        following = urljoin(url, response.headers.get("Location") or "")
        try:
            origin_of(following)
        except ValueError:
            following = url
        if following == url:
            raise Unexpected(f"{origin_of(url).url} redirected blob {digest} to no usable http(s) address.")
        return following

    def _refused(self, transport, response, digest, hops):
        status, who = response.status_code, hops[-1]
        text = transport.body(response, largest=LARGEST_ERROR).decode("utf-8", "replace")
        by = f"DTR at {who}" if len(hops) == 1 else f"the hop {who}, which DTR redirected to,"
        start = f"Blob {digest} of {self._repository}: {by} answered {said(status, text)}"
        details = {"failed_blob": digest, "hop": who}
        if status in (401, 403):
            # Only DTR knows rights. A cache that refuses its grant is a fault in the deployment, not an answer.
            at_dtr = len(hops) == 1
            return Denied(f"{start}; {_advice(at_dtr, self._connection.username)}", status, denied=at_dtr, **details)
        if status == 404:
            return NotFound(f"{start}; it has no such blob.", status, **details)
        return Refusal(f"{start}; see the logs of {who}.", status, **details)


def _advice(at_dtr, account):
    if at_dtr:
        return f"account {account or '(none)'} may not pull it."
    return "it did not accept DTR's grant: check its clock, and that it trusts this DTR as its upstream."
