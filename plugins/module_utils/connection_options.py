# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""The options with which every module reaches DTR: specification, environment fallbacks, checked value.

Their documentation is doc_fragments/connection.py. Rule: an option that changes here changes there in the same commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible.module_utils.basic import env_fallback
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import WebOrigin, parse_origin

REQUIRED, OPTIONAL, UNUSED = "required", "optional", "unused"
LONGEST_TIMEOUT = 3600


def connection_argument_spec():
    """A fresh copy of the argument specification of the connection options."""
    return {
        "dtr_url": {"type": "str", "required": True, "fallback": (env_fallback, ["DTR_URL"])},
        "dtr_username": {"type": "str", "fallback": (env_fallback, ["DTR_USERNAME"])},
        "dtr_password": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DTR_PASSWORD"])},
        "dtr_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["DTR_TOKEN"])},
        "ca_path": {"type": "path", "fallback": (env_fallback, ["DTR_CA_PATH"])},
        "validate_certs": {"type": "bool", "default": True, "fallback": (env_fallback, ["DTR_VALIDATE_CERTS"])},
        "timeout": {"type": "int", "default": 30, "fallback": (env_fallback, ["DTR_TIMEOUT"])},
    }


CONNECTION_MUTUALLY_EXCLUSIVE = [["dtr_password", "dtr_token"]]


@dataclass(frozen=True)
class Connection:
    """How to reach DTR. ``timeout`` in seconds; ``username`` and ``secret`` are empty for nobody in particular."""

    origin: WebOrigin
    username: str
    secret: str = field(repr=False)
    ca_path: str
    validate_certs: bool
    timeout: int

    @property
    def url(self):
        """DTR's address without a trailing slash."""
        return self.origin.url

    @property
    def basic_auth(self):
        """(user name, secret) for HTTP basic in UTF-8, or None."""
        return (self.username.encode("utf-8"), self.secret.encode("utf-8")) if self.username else None

    @property
    def sends_secrets_in_clear(self):
        """Whether credentials would cross a network unencrypted."""
        return bool(self.secret) and self.origin.scheme == "http" and not self.origin.is_loopback


def connection_from(params, credentials=REQUIRED):
    """The connection that a module's parameters describe.

    ``credentials``: REQUIRED, OPTIONAL (public repositories need none) or UNUSED, and then
    there may be no connection at all: None. Raises WrongOption.
    """
    if credentials == UNUSED and params["dtr_url"] is None:
        return None
    origin = parse_origin(params["dtr_url"], "dtr_url")
    timeout = params["timeout"]
    if not 1 <= timeout <= LONGEST_TIMEOUT:
        raise WrongOption(f"timeout is {timeout}; wanted: seconds from 1 to {LONGEST_TIMEOUT}.")
    username, secret = ("", "") if credentials == UNUSED else _credentials(params, credentials)
    return Connection(origin, username, secret, params["ca_path"] or "", params["validate_certs"], timeout)


def _credentials(params, credentials):
    username = params["dtr_username"] or ""
    secret = params["dtr_password"] or params["dtr_token"] or ""
    if ":" in username:
        raise WrongOption(
            f"dtr_username is '{username}', but an account name has no colon; the password has an option of its own."
        )
    if username and not secret:
        raise WrongOption(
            f"dtr_username is '{username}' without a secret; give dtr_password or dtr_token, or set DTR_PASSWORD or"
            " DTR_TOKEN."
        )
    if secret and not username:
        raise WrongOption("A password or token was given without an account; give dtr_username or set DTR_USERNAME.")
    if not username and credentials == REQUIRED:
        raise WrongOption(
            "No credentials; give dtr_username with dtr_password or dtr_token, or set DTR_USERNAME with DTR_PASSWORD or"
            " DTR_TOKEN."
        )
    return username, secret
