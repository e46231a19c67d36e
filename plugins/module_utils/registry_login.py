# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""A bearer token for pulling one repository, got the way a Docker client gets it.

Owns the challenge, its limits, and the renewal of the token.
Rule: credentials go to DTR's own origin and nowhere else, whatever realm an answer names.
"""

from __future__ import annotations

import json
import re
import threading

from ansible_collections.dtr.caches.plugins.module_utils.errors import Denied, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.patient_exchange import ask
from ansible_collections.dtr.caches.plugins.module_utils.refusals import refusal, said
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import origin_of

PARAMETER = re.compile(r'([a-zA-Z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


def parse_challenge(header):
    """{parameter: value} of a Bearer challenge, None if the header is none."""
    scheme, _space, rest = (header or "").strip().partition(" ")
    if scheme.lower() != "bearer":
        return None
    return {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for name, quoted, plain in PARAMETER.findall(rest)}


class RegistryLogin:
    """Tokens for ``repository`` at DTR, as the connection's account or as nobody."""

    def __init__(self, connection, transport, repository):
        self._connection = connection
        self._transport = transport
        self._repository = repository
        self._challenge = None
        self._header = None
        self._lock = threading.Lock()

    def headers(self, stale=None):
        """The Authorization header to send; ``stale`` is one that DTR no longer takes. Raises Denied, Unexpected."""
        with self._lock:
            if self._header is None or self._header == stale:
                self._header = self._fresh()
            return dict(self._header)

    def _fresh(self):
        if self._challenge is None:
            self._challenge = self._ask_for_challenge()
        if not self._challenge:
            return {}
        query = {"service": self._challenge.get("service", ""), "scope": f"repository:{self._repository}:pull"}
        if self._connection.username:
            query["account"] = self._connection.username
        auth = self._connection.basic_auth
        answer = ask(self._transport, "GET", self._challenge["realm"], query=query, auth=auth)
        if answer.status != 200:
            raise self._refused(answer)
        return {"Authorization": "Bearer " + _token(answer.text, self._connection.url)}

    def _ask_for_challenge(self):
        """The challenge of /v2/; empty if DTR wants no login."""
        answer = ask(self._transport, "GET", self._connection.url + "/v2/")
        if answer.status == 200:
            return {}
        if answer.status != 401:
            raise refusal("log in to the registry", answer, self._connection)
        challenge = parse_challenge(answer.headers.get("WWW-Authenticate"))
        if not challenge or not challenge.get("realm"):
            raise Unexpected(
                f"{self._connection.url}/v2/ asks for a login without naming a token service; check that dtr_url is DTR"
                " itself."
            )
        self._check_realm(challenge["realm"])
        return challenge

    def _check_realm(self, realm):
        try:
            origin = origin_of(realm)
        except ValueError:
            origin = None
        if origin != self._connection.origin:
            shown = origin.url if origin else "no usable address"
            raise Unexpected(
                f"DTR at {self._connection.url} sends to the token service of {shown}; credentials go to DTR itself"
                " only. If that is DTR's real address, set dtr_url to it.",
            )

    def _refused(self, answer):
        if answer.status in (401, 403) and not self._connection.username:
            return Denied(
                f"DTR at {self._connection.url} lets nobody pull {self._repository} without an account"
                f" ({said(answer.status, answer.text)}); give dtr_username.",
                answer.status,
                denied=True,
            )
        failure = refusal(f"give a token for {self._repository}", answer, self._connection)
        # A wrong password (401) is a mistake in the task; only a missing right is an answer that a playbook waits for.
        failure.details["denied"] = answer.status == 403
        return failure


def _token(text, url):
    try:
        value = json.loads(text)
        token = value.get("token") or value.get("access_token")
    except (ValueError, AttributeError, RecursionError):
        token = None
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise Unexpected(f"The token service of {url} answered without a token; check that dtr_url is DTR itself.")
    return token
