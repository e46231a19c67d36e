"""What all requests under /v2/ share.

Owns: the registry's error form, bearer tokens, the 401 challenge. Does not own: any single request.
Rule: a right is looked up at each request; a token that was given while the account still had it does not outlive it.
"""

from __future__ import annotations

import json
from typing import Any

from .. import names
from ..content.layout import LayoutBroken
from ..content.registry_behind import RegistryUnavailable
from ..failures import REGISTRY, Failure, registry_failure
from ..registry_tokens import Bearer, check
from .exchange import Exchange

_CODES = {404: "NAME_UNKNOWN", 405: "UNSUPPORTED", 503: "UNAVAILABLE"}


class RegistryErrors(Exchange):
    """The error form of the registry protocol."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Docker-Distribution-Api-Version", "registry/2.0")

    def own_failure(self, status: int) -> Failure:
        code = _CODES.get(status, "UNKNOWN")
        return Failure(status, code, REGISTRY[code][1])

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, (RegistryUnavailable, LayoutBroken)):
            self.set_status(503)
            kwargs["exc_info"] = (Failure, registry_failure("UNAVAILABLE"), None)
        super().write_error(self.get_status(), **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if isinstance(value, (RegistryUnavailable, LayoutBroken)):
            self.dtr.log.say(f"content: {value}")
        else:
            super().log_exception(typ, value, tb)

    def write_failure(self, failure: Failure) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps({"errors": [failure.error()]}) + "\n")

    def answer(self, value: Any) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(value) + "\n")


class RegistryRequest(RegistryErrors):
    """A request that needs a bearer token."""

    def challenge(self, scope: str = "", error: str = "") -> Failure:
        parts = [f'realm="{self.dtr.url}/auth/token"', f'service="{self.dtr.service}"']
        parts += [f'{key}="{value}"' for key, value in (("scope", scope), ("error", error)) if value]
        return registry_failure("UNAUTHORIZED", scope or None, {"WWW-Authenticate": "Bearer " + ",".join(parts)})

    def bearer(self, scope: str = "") -> Bearer:
        """The checked token of this request. Raise the challenge for `scope` without one."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise self.challenge(scope)
        found = check(token.strip(), self.dtr.token_key, self.dtr.url, self.dtr.service, self.dtr.clock())
        account = self.dtr.accounts.active(found.account) if found else None
        if found is None or (found.account and account is None):
            raise self.challenge(scope, "invalid_token")
        self.identify(account, "bearer" if account else "anonymous")
        return found

    def authorize(self, repository: str, *actions: str) -> Bearer:
        """The token, if it and the account's rights of this moment allow all actions. Raise the challenge if not."""
        if not names.is_repository(repository):
            raise registry_failure("NAME_INVALID", {"name": repository[:100]})
        scope = f"repository:{repository}:{','.join(actions)}"
        found = self.bearer(scope)
        allowed = found.actions(repository) & self.dtr.accounts.rights(self.account, repository)
        if not allowed.issuperset(actions):
            raise self.challenge(scope, "insufficient_scope")
        return found
