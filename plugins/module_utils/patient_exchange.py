# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""One question with its whole answer, asked again where that is safe and may help.

Owns the attempts and the pauses between them. Does not judge the status that comes back at last.
Rule: only methods that may be carried out twice are repeated. A POST is its caller's to repeat, after a look at what
became of the first.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from ansible_collections.dtr.caches.plugins.module_utils.errors import PASSING_STATUSES, DtrError
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import LARGEST_TEXT

ATTEMPTS = 3
REPEATABLE = ("GET", "PATCH", "DELETE")
LONGEST_PAUSE = 10


@dataclass(frozen=True)
class Answer:
    """``headers`` are looked up in any case; ``body`` is decoded from its transfer, not from its character set."""

    status: int
    headers: object
    body: bytes

    @property
    def text(self):
        """The body as UTF-8, what is not replaced by a mark."""
        return self.body.decode("utf-8", "replace")

    @property
    def location(self):
        """Where it redirects to, or an empty string."""
        return self.headers.get("Location", "")


def ask(transport, method, url, sleep=time.sleep, largest=LARGEST_TEXT, **request):
    """The Answer to a request by ``transport`` (HttpTransport), whatever its status, after up to three attempts.

    ``request`` is passed on to HttpTransport.exchange. ``largest`` body in bytes. ``sleep`` takes seconds. Raises the
    transport's errors.
    """
    attempts = ATTEMPTS if method in REPEATABLE else 1
    for attempt in range(1, attempts + 1):
        pause = 2 ** (attempt - 1)
        try:
            response = transport.exchange(method, url, **request)
            answer = Answer(response.status_code, response.headers, transport.body(response, largest))
        except DtrError as failure:
            if attempt == attempts or not failure.may_pass:
                raise
        else:
            if attempt == attempts or answer.status not in PASSING_STATUSES:
                return answer
            pause = asked_pause(answer.headers.get("Retry-After"), pause)
        sleep(pause)
    raise AssertionError("the last attempt returns or raises")


def asked_pause(retry_after, otherwise):
    """Seconds to wait: what the server asks for, within reason, or else ``otherwise``."""
    if retry_after and retry_after.isascii() and retry_after.isdigit():
        return min(int(retry_after[:6]), LONGEST_PAUSE)
    return otherwise
