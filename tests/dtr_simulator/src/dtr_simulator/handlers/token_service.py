"""`/auth/token`: the registry's token service, both forms that clients use.

Owns: GET with basic credentials, POST with an OAuth 2 form. Does not own: what a token carries (registry_tokens.py).
Rule: wrong credentials are 401 even where anonymous access would do; rights decide what a token carries, never whether
one is given.
"""

from __future__ import annotations

import json

from ..accounts import Account
from ..failures import registry_failure
from ..registry_tokens import Scope, check_refresh, issue, issue_refresh, parse_scopes
from .registry import RegistryErrors


class TokenService(RegistryErrors):
    def get(self) -> None:
        if self.request.headers.get("Authorization"):
            credentials = self.basic_credentials()
            self._log_in(*(credentials or ("", "")))
        self._give(self.get_query_arguments("scope"), refresh=False)

    def post(self) -> None:
        kind = self.get_body_argument("grant_type", "")
        if kind == "password":
            self._log_in(self.get_body_argument("username", ""), self.get_body_argument("password", "", strip=False))
        elif kind == "refresh_token":
            self._refresh(self.get_body_argument("refresh_token", ""))
        else:
            raise registry_failure("UNSUPPORTED", message="grant_type: wanted password or refresh_token")
        wants_refresh = self.get_body_argument("access_type", "") == "offline"
        self._give(self.get_body_arguments("scope"), refresh=wants_refresh)

    def _log_in(self, name: str, secret: str) -> None:
        found = self.dtr.log_in(name, secret)
        if found is None:
            raise registry_failure("UNAUTHORIZED", message="incorrect username or password",
                                   headers={"WWW-Authenticate": 'Basic realm="DTR"'})
        self.identify(*found)

    def _refresh(self, token: str) -> None:
        dtr = self.dtr
        name = check_refresh(token, dtr.token_key, dtr.url, dtr.service, dtr.clock())
        account = dtr.accounts.active(name) if name else None
        if account is None:
            raise registry_failure("UNAUTHORIZED", message="refresh token is not valid")
        self.identify(account, "token")

    def _give(self, scopes: list[str], refresh: bool) -> None:
        dtr, now = self.dtr, self.dtr.clock()
        access = [granted for scope in parse_scopes(scopes) if (granted := self._granted(self.account, scope))]
        token = issue(dtr.token_key, dtr.url, dtr.service, self.account_name, access, now, dtr.token_lifetime_s)
        fields = ("token", "access_token") if dtr.quirks["token-field"] == "both" else (dtr.quirks["token-field"],)
        answer: dict[str, object] = dict.fromkeys(fields, token)
        answer |= {"expires_in": dtr.token_lifetime_s, "issued_at": dtr.now()}
        if refresh and self.account:
            answer["refresh_token"] = issue_refresh(dtr.token_key, dtr.url, dtr.service, self.account_name, now)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(answer))

    def _granted(self, account: Account | None, scope: Scope) -> Scope | None:
        if scope.kind == "registry" and scope.name == "catalog":
            return Scope("registry", "catalog", ("*",)) if account else None
        if scope.kind != "repository":
            return None
        rights = self.dtr.accounts.rights(account, scope.name)
        actions = tuple(sorted(rights)) if "*" in scope.actions else tuple(a for a in scope.actions if a in rights)
        return Scope(scope.kind, scope.name, actions) if actions else None
