"""What a client is told when it does not get what it asked for.

Owns: the codes of the official API and of the registry protocol, with status and text.
Does not own: how the body is written (handlers/exchange.py).
Rule: API codes and texts are the specification's, word for word; nothing that was sent in is repeated in full.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tornado.web

API: Mapping[str, tuple[int, str]] = {
    "NOT_AUTHENTICATED": (401, "The client is not authenticated."),
    "NOT_AUTHORIZED": (403, "The client is not authorized."),
    "NOT_FOUND": (404, "Page Not Found"),
    "NOT_ALLOWED": (405, "Method Not Allowed"),
    "NOT_ACCEPTABLE": (406, "Not Acceptable"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported Media Type"),
    "INVALID_JSON": (400, "Unable to parse JSON"),
    "INVALID_PARAMETERS": (400, "Unable to parse query parameters"),
    # The specification gives this 400 a text but no code.
    "INVALID_CONTENT_CACHE": (400, "invalid content cache details"),
    "INVALID_USER_SETTINGS": (400, "The submitted user settings change request contains invalid values."),
    "INVALID_SETTINGS": (400, "The submitted settings change request contains invalid values."),
    "NO_SUCH_CONTENT_CACHE": (404, "A content cache with the given uuid does not exist."),
    "NO_SUCH_USER": (404, "A user with the given name does not exist."),
    "NO_SUCH_API_TOKEN": (404, "An API token with the id name does not exist."),
    "INTERNAL_ERROR": (500, "An internal server error occurred. Contact a system administrator for more information."),
}

REGISTRY: Mapping[str, tuple[int, str]] = {
    "UNAUTHORIZED": (401, "authentication required"),
    "DENIED": (403, "requested access to the resource is denied"),
    "UNSUPPORTED": (405, "The operation is unsupported."),
    "NAME_INVALID": (400, "invalid repository name"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "TAG_INVALID": (400, "manifest tag did not match URI"),
    "DIGEST_INVALID": (400, "provided digest did not match uploaded content"),
    "RANGE_INVALID": (416, "invalid range: failed to overlap"),
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown"),
    "PAGINATION_NUMBER_INVALID": (400, "invalid number of results requested"),
    "SIZE_INVALID": (413, "provided length did not match content length"),
    "UNAVAILABLE": (503, "service unavailable"),
    "UNKNOWN": (500, "unknown error"),
}


class Failure(tornado.web.HTTPError):
    """Raise it in a handler; the answer is `code` of the handler's own table, with `detail` and more headers."""

    def __init__(self, status: int, code: str, message: str, detail: Any = None,
                 headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, reason=None)
        self.code, self.message, self.detail, self.extra = code, message, detail, dict(headers or {})

    def error(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "detail": self.detail}


def api_failure(code: str, detail: Any = None, headers: Mapping[str, str] | None = None) -> Failure:
    status, message = API[code]
    return Failure(status, code, message, detail, headers)


def registry_failure(code: str, detail: Any = None, headers: Mapping[str, str] | None = None,
                     message: str | None = None) -> Failure:
    status, text = REGISTRY[code]
    return Failure(status, code, message or text, detail, headers)
