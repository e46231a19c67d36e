# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Calls to DTR's API: log in, say JSON, turn any other status into an error.

Owns the JSON border. Knows no content caches and no accounts.
Rule: every path part is escaped here, so that a name can never become another path.
"""

from __future__ import annotations

import json
import time
from urllib.parse import quote

from ansible_collections.dtr.caches.plugins.module_utils.errors import Unexpected, WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.patient_exchange import ask
from ansible_collections.dtr.caches.plugins.module_utils.refusals import first_words, refusal
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import dtr_trust


class DtrClient:
    """DTR's API as one account. ``sleep`` takes seconds."""

    def __init__(self, connection, transport=None, sleep=time.sleep):
        self.connection = connection
        self._transport = transport or HttpTransport(dtr_trust(connection), connection.timeout)
        self._sleep = sleep

    def call(self, purpose, method, *path, wanted=(200,), body=None, query=None):
        """The Answer to ``method`` on the path parts. A status that is not ``wanted`` raises an error.

        ``purpose`` completes 'refused to …'. ``body`` is sent as JSON.
        """
        url = self.connection.url + "/" + "/".join(escaped(part) for part in path)
        answer = ask(
            self._transport,
            method,
            url,
            self._sleep,
            headers={"Accept": "application/json"},
            auth=self.connection.basic_auth,
            json=body,
            query=query,
        )
        if answer.status in wanted:
            return answer
        raise refusal(purpose, answer, self.connection)

    def json(self, purpose, answer):
        """The body of an Answer as plain values. Raises Unexpected, naming ``purpose``, if it is no JSON."""
        try:
            return json.loads(answer.text)
        except (ValueError, RecursionError):
            found = first_words(answer.text) or "an empty body"
            raise Unexpected(
                f"DTR at {self.connection.url} answered the call to {purpose} with {answer.status} but no JSON: "
                f"{found}; check that dtr_url is DTR itself."
            ) from None


def escaped(part):
    """One part of a path. Raises WrongOption for the two that no escaping helps against."""
    if part in (".", ".."):
        raise WrongOption(f"'{part}' is no name that DTR can have.")
    return quote(part, safe="")
