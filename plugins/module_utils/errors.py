# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""What can go wrong, one class for each thing that a caller does differently.

Owns the classes. Does not own the sentences: whoever sees the trouble writes them.
Rule: a message is one or two sentences that name the input, what was found and what to do, and never holds a secret.
"""

from __future__ import annotations

PASSING_STATUSES = (429, 502, 503, 504)


class DtrError(Exception):
    """Anything that ends a task. ``details`` are extra result values beside the message."""

    may_pass = False  # whether the same request may well succeed a second later

    def __init__(self, message, **details):
        super().__init__(message)
        self.message = message
        self.details = details


class WrongOption(DtrError):
    """An option's value cannot be used. Nothing was sent anywhere."""


class Unreachable(DtrError):
    """No connection came about: name, port, route, time."""


class NotListening(Unreachable):
    """The host is there, the service is not: perhaps it restarts."""

    may_pass = True


class Interrupted(DtrError):
    """The connection ended before the answer did, so nobody knows whether the request was carried out."""

    may_pass = True


class Silent(Interrupted):
    """Nothing came for the whole timeout. Asking again would only double the wait."""

    may_pass = False


class UntrustedTls(DtrError):
    """The other side's certificate did not pass, or it does not speak TLS."""


class Unexpected(DtrError):
    """An answer arrived that is not what the API describes: no JSON, other fields, other bytes."""


class Refusal(DtrError):
    """An answer with a status that the call cannot use.

    ``status`` is the HTTP status, ``code`` DTR's error code or an empty string.
    """

    def __init__(self, message, status, code="", **details):
        super().__init__(message, **details)
        self.status = status
        self.code = code
        self.may_pass = status in PASSING_STATUSES


class Denied(Refusal):
    """401 or 403: the account is not accepted, or has no right to this."""


class NotFound(Refusal):
    """404: DTR knows no such thing."""


class UnknownName(DtrError):
    """A name in the task that DTR has nothing for."""


class InUse(DtrError):
    """Removing it now would pull it away under accounts that use it."""


class DuplicateNames(DtrError):
    """Several content caches share the name, and nothing says which one is meant."""
