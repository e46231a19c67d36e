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
        # No fallback and no exclusion: Ansible would count an inherited variable, or an empty text, as a second secret.
        "dtr_password": {"type": "str", "no_log": True},
        "dtr_token": {"type": "str", "no_log": True},
        "ca_path": {"type": "path", "fallback": (env_fallback, ["DTR_CA_PATH"])},
        "validate_certs": {"type": "bool", "default": True, "fallback": (env_fallback, ["DTR_VALIDATE_CERTS"])},
        "timeout": {"type": "int", "default": 30, "fallback": (env_fallback, ["DTR_TIMEOUT"])},
    }


def secrets_at_hand(params, environment):
    """Every password and token that the options and the environment hold, to be hidden whether it is used or not."""
    told = [params["dtr_password"], params["dtr_token"], environment.get("DTR_PASSWORD"), environment.get("DTR_TOKEN")]
    return [secret for secret in told if secret]


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


def connection_from(params, environment, credentials=REQUIRED):
    """The connection that a module's parameters describe, with a secret from ``environment`` where they have none.

    ``credentials``: REQUIRED, OPTIONAL (public repositories need none) or UNUSED, and then
    there may be no connection at all: None. Raises WrongOption.
    """
    if credentials == UNUSED and params["dtr_url"] is None:
        return None
    origin = parse_origin(params["dtr_url"], "dtr_url")
    timeout = params["timeout"]
    if not 1 <= timeout <= LONGEST_TIMEOUT:
        raise WrongOption(f"timeout is {timeout}; wanted: seconds from 1 to {LONGEST_TIMEOUT}.")
    username, secret = ("", "") if credentials == UNUSED else _credentials(params, environment, credentials)
    return Connection(origin, username, secret, params["ca_path"] or "", params["validate_certs"], timeout)


def _secret(params, environment):
    """The task's own password or token, else the environment's; an empty one is none."""
    password, token = params["dtr_password"] or "", params["dtr_token"] or ""
    if password and token:
        raise WrongOption("dtr_password and dtr_token are both given; wanted: one of them, and the other empty.")
    return password or token or environment.get("DTR_TOKEN") or environment.get("DTR_PASSWORD") or ""


def _credentials(params, environment, credentials):
    username, secret = params["dtr_username"] or "", _secret(params, environment)
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
