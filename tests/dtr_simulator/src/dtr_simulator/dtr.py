"""The simulator's parts in one value, for the handlers.

Owns: joining accounts, registrations, keys and content, and the questions that need more than one of them.
Does not own: HTTP, argv. Rule: a question that needs one part only is asked of that part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from . import grants, jws
from .accounts import Account, Accounts
from .accounts_file import AccountsFile
from .content.layout import Layout
from .content.registry_behind import RegistryBehind
from .key_ring import KeyRing
from .quirks import Quirks
from .registrations import ContentCache, Registrations
from .request_log import RequestLog


@dataclass
class Dtr:
    url: str  # the external origin: issuer of grants, realm of the token service
    quirks: Quirks
    accounts_file: AccountsFile
    registrations: Registrations
    ring: KeyRing
    token_key: jws.SigningKey
    layouts: Mapping[str, Layout]  # repository → layout; they win over the registry
    registry: RegistryBehind | None
    log: RequestLog
    clock: Callable[[], float]  # Unix seconds
    ca_pem: bytes
    grant_lifetime_s: int
    token_lifetime_s: int

    @property
    def service(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def accounts(self) -> Accounts:
        return self.accounts_file.current()

    def now(self) -> str:
        """The time in RFC 3339, milliseconds, UTC."""
        stamp = datetime.fromtimestamp(self.clock(), UTC)
        return stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def log_in(self, name: str, secret: str) -> tuple[Account, str] | None:
        """The active account and how it proved itself: `basic` (password) or `token` (access token)."""
        account = self.accounts.active(name)
        if account is None:
            return None
        if account.has_password(secret):
            return account, "basic"
        return (account, "token") if self.registrations.use_token(name, secret, self.now()) else None

    def redirect(self, account: Account, cache: ContentCache, repository: str, digest: str) -> str:
        """The signed URL of a blob at a content cache."""
        claims = grants.grant_claims(self.url, account.name, repository, digest, self.clock(), self.grant_lifetime_s)
        grant = grants.mint(self.ring.signing, claims)
        return f"{cache.host.rstrip('/')}/v2/{repository}/blobs/{digest}?grant={grant}"
