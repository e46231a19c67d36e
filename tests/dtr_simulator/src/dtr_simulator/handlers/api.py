"""What all calls of the official API share.

Owns: the order of refusals (405, 415, 406, 401, 403, then the call's own), JSON bodies, the form of errors.
Does not own: any call. Rule: the order is that of the framework DTR is built on: routing first, then login.
"""

from __future__ import annotations

import json
from typing import Any

from ..accounts import Account
from ..failures import API, Failure, api_failure
from .exchange import Exchange

_CODES = {404: "NOT_FOUND", 405: "NOT_ALLOWED", 500: "INTERNAL_ERROR", 400: "INVALID_PARAMETERS"}


def media_types(header: str) -> list[str]:
    return [part.partition(";")[0].strip().lower() for part in header.split(",") if part.strip()]


class ApiCall(Exchange):
    """A call for any active account; `self.account` is set when a method runs."""

    caller: Account

    def prepare(self) -> None:
        if (self.request.method or "") not in self.allowed_methods().split(", "):
            raise api_failure("NOT_ALLOWED")
        self.check_media()
        credentials = self.basic_credentials()
        found = self.dtr.log_in(*credentials) if credentials else None
        if found is None:
            raise api_failure("NOT_AUTHENTICATED", headers={"WWW-Authenticate": 'Basic realm="DTR"'})
        self.identify(*found)
        self.caller = found[0]

    def check_media(self) -> None:
        """415 for a body that is not JSON, 406 for a client that does not take JSON."""
        sent = media_types(self.request.headers.get("Content-Type", ""))
        if not sent and self.request.method in ("POST", "PATCH", "PUT"):
            sent = ["application/octet-stream"]
        if sent and not {"application/json", "*/*"} & set(sent):
            raise api_failure("UNSUPPORTED_MEDIA_TYPE")
        accepted = media_types(self.request.headers.get("Accept", "*/*")) or ["*/*"]
        if not {"application/json", "application/*", "*/*"} & set(accepted):
            raise api_failure("NOT_ACCEPTABLE")

    def require_admin(self) -> None:
        if not self.caller.admin:
            raise api_failure("NOT_AUTHORIZED")

    def require_self_or_admin(self, name: str) -> None:
        """404 for an account that does not exist is an admin's to see only."""
        if not self.caller.admin and self.caller.name != name:
            raise api_failure("NOT_AUTHORIZED")
        if name not in self.dtr.accounts.accounts:
            raise api_failure("NO_SUCH_USER")

    def body(self) -> dict[str, Any]:
        """The JSON object that was sent. Raise INVALID_JSON when it is something else."""
        try:
            value = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise api_failure("INVALID_JSON") from None
        if not isinstance(value, dict):
            raise api_failure("INVALID_JSON")
        return value

    def answer(self, value: Any, status: int = 200) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(value))

    def own_failure(self, status: int) -> Failure:
        code = _CODES.get(status, "INTERNAL_ERROR")
        return Failure(status, code, API[code][1])

    def write_failure(self, failure: Failure) -> None:
        status, form = failure.status_code, self.dtr.quirks["error-body"]
        kind, text = {
            "json": ("application/json", json.dumps({"errors": [failure.error()]})),
            "text": ("text/plain; charset=utf-8", f"{status}: {failure.message}"),
            "html": ("text/html", f"<html>\r\n<head><title>{status}</title></head>\r\n<body><h1>{status} "
                                  f"{failure.message}</h1><hr>nginx</body>\r\n</html>\r\n"),
            "empty": ("", ""),
        }[form]
        if kind:
            self.set_header("Content-Type", kind)
        else:
            self.clear_header("Content-Type")
        self.finish(text)
