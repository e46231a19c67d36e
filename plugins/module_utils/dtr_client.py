# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Calls to DTR's API: log in, say JSON, turn any other status into an error, try again where that is safe.

Owns retries and the JSON border. Knows no content caches and no accounts.
Rule: only calls that may be carried out twice are repeated here (GET, PATCH, DELETE). POST is its caller's to repeat, after a look.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.dtr.caches.plugins.module_utils.errors import PASSING_STATUSES, DtrError, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.refusals import first_words, refusal
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import dtr_trust

ATTEMPTS = 3
REPEATABLE = ("GET", "PATCH", "DELETE")
LONGEST_PAUSE = 10


@dataclass(frozen=True)
class Answer:
    """One answer: ``headers`` by case-insensitive name, ``text`` decoded as UTF-8."""

    status: int
    headers: object
    text: str
    url: str

    def json(self, purpose):
        """The body as plain values. Raises Unexpected, naming ``purpose``, if it is no JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            found = first_words(self.text) or "an empty body"
            raise Unexpected(
                f"{self.url} answered the call to {purpose} with {self.status} but no JSON: {found}; check that dtr_url is DTR itself."
            ) from None


class DtrClient:
    """DTR's API as one account. ``sleep`` takes seconds."""

    def __init__(self, connection, transport=None, sleep=time.sleep):
        self.connection = connection
        self._transport = transport or HttpTransport(dtr_trust(connection), connection.timeout)
        self._sleep = sleep

    def call(self, purpose, method, *path, wanted=(200,), body=None, query=None):
        """The answer to ``method`` on the path parts, each escaped, if its status is in ``wanted``; else an error is raised.

        ``purpose`` completes 'refused to …'. ``body`` is sent as JSON.
        """
        url = self.connection.url + "/" + "/".join(quote(part, safe="") for part in path)
        attempts = ATTEMPTS if method in REPEATABLE else 1
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            try:
                answer = self._exchange(method, url, body, query)
            except DtrError as failure:
                if last or not failure.may_pass:
                    raise
                self._sleep(_pause(attempt, None))
                continue
            if answer.status in wanted:
                return answer
            if last or answer.status not in PASSING_STATUSES:
                raise self._refusal(purpose, answer)
            self._sleep(_pause(attempt, answer.headers.get("Retry-After")))
        raise AssertionError("the last attempt returns or raises")

    def _exchange(self, method, url, body, query):
        response = self._transport.exchange(
            method, url, headers={"Accept": "application/json"}, auth=self._auth(), json=body, query=query
        )
        raw = self._transport.body(response)
        return Answer(response.status_code, response.headers, raw.decode("utf-8", "replace"), self.connection.url)

    def _auth(self):
        auth = self.connection.basic_auth
        return tuple(part.encode("utf-8") for part in auth) if auth else None

    def _refusal(self, purpose, answer):
        return refusal(
            purpose, answer.status, answer.text, self.connection.url, self.connection.username, answer.headers.get("Location", "")
        )


def _pause(attempt, retry_after):
    """Seconds before the next attempt: what the server asks for, within reason, or 1, 2, 4 …"""
    if retry_after and retry_after.isdigit():
        return min(int(retry_after), LONGEST_PAUSE)
    return min(2 ** (attempt - 1), LONGEST_PAUSE)
