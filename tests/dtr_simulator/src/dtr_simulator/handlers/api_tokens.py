"""`/api/v0/api_tokens`: access tokens, which work wherever the password does.

Owns: list (paged), create, clean up, show, change, remove. Does not own: checking a token at login (dtr.py).
Rule: the token itself is in the answer to its creation and nowhere else, ever.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from ..failures import api_failure
from ..registrations import AccessToken
from .api import ApiCall


def as_answer(token: AccessToken) -> dict[str, Any]:
    return {"hashedToken": token.hashed, "tokenLabel": token.label, "isActive": token.active,
            "lastUsed": token.last_used, "createdAt": token.created_at, "generatedBy": token.generated_by,
            "creatorUa": token.creator_agent}


class ApiTokens(ApiCall):
    def _owner(self) -> str:
        owner = self.get_query_argument("username", self.caller.name)
        self.require_self_or_admin(owner)
        return owner

    def get(self) -> None:
        tokens = sorted(self.dtr.registrations.tokens_of(self._owner()), key=lambda one: one.hashed)
        total = len(tokens)
        start, size = self.get_query_argument("pageStart", ""), self._page_size()
        rest = [one for one in tokens if one.hashed >= start]
        if self.get_query_argument("count", "false") == "true":
            self.set_header("X-Resource-Count", str(total))
        if len(rest) > size:
            self.set_header("X-Next-Page-Start", rest[size].hashed)
        self.answer([as_answer(one) for one in rest[:size]])

    def _page_size(self) -> int:
        text = self.get_query_argument("pageSize", "10")
        if not text.isascii() or not text.isdigit() or int(text[:9]) == 0:
            raise api_failure("INVALID_PARAMETERS", "pageSize: wanted a positive number")
        return int(text[:9])

    def post(self) -> None:
        owner, label = self._owner(), self.body().get("tokenLabel", "")
        if not isinstance(label, str):
            raise api_failure("INVALID_JSON", "tokenLabel: wanted a text")
        agent = self.request.headers.get("User-Agent", "")
        secret, kept = self.dtr.registrations.create_token(owner, label, agent, self.caller.name, self.dtr.now())
        self.answer({"token": secret} | as_answer(kept))

    def delete(self) -> None:
        """Clean up: all tokens of the account, or those used before a time or made by somebody."""
        tokens = self.dtr.registrations.tokens_of(self._owner())
        before, maker = self.get_query_argument("usedbefore", ""), self.get_query_argument("generatedby", "")
        if before:
            limit = _time(before)
            tokens = [one for one in tokens if _time(one.last_used) < limit]
        if maker:
            tokens = [one for one in tokens if one.generated_by == maker]
        self.dtr.registrations.remove_tokens(tokens)
        self.finish()


class OneApiToken(ApiCall):
    def _token(self, hashed: str) -> AccessToken:
        token = self.dtr.registrations.token(hashed)
        if token is None:
            raise api_failure("NO_SUCH_API_TOKEN")
        if not self.caller.admin and token.account != self.caller.name:
            raise api_failure("NOT_AUTHORIZED")
        return token

    def get(self, hashed: str) -> None:
        self.answer(as_answer(self._token(hashed)))

    def patch(self, hashed: str) -> None:
        token, body = self._token(hashed), self.body()
        label, active = body.get("tokenLabel"), body.get("isActive")
        if not isinstance(label, str | None) or not isinstance(active, bool | None):
            raise api_failure("INVALID_JSON", f"wanted tokenLabel as text, isActive as true or false: {_kinds(body)}")
        self.dtr.registrations.change_token(token, label, active)
        self.answer(as_answer(token))

    def delete(self, hashed: str) -> None:
        self.dtr.registrations.remove_tokens([self._token(hashed)])
        self.finish()


def _kinds(body: dict[str, Any]) -> str:
    return json.dumps({name[:40]: type(value).__name__ for name, value in body.items()})


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise api_failure("INVALID_PARAMETERS", "usedbefore: wanted a time as in RFC 3339") from None
    if found.tzinfo is None:
        raise api_failure("INVALID_PARAMETERS", "usedbefore: wanted a time with its zone, as in RFC 3339")
    return found
