"""`/_simulator/keys`: the grant keys, for tests of rotation. No DTR has this; only admins may call it.

Owns: list, rotate, drop. Rule: private halves never leave.
"""

from __future__ import annotations

from ..failures import Failure
from .api import ApiCall


class Keys(ApiCall):
    def check_media(self) -> None:
        """No bodies are taken, so no type is asked."""

    def get(self) -> None:
        self.require_admin()
        self.answer({"signing": self.dtr.ring.signing.kid, "keys": self.dtr.ring.jwks()["keys"]})

    def post(self) -> None:
        self.require_admin()
        self.answer({"signing": self.dtr.ring.rotate().kid}, 201)


class OneKey(ApiCall):
    def check_media(self) -> None:
        """No bodies are taken, so no type is asked."""

    def delete(self, kid: str) -> None:
        self.require_admin()
        if not self.dtr.ring.drop(kid):
            raise Failure(409, "KEY_IN_USE", "no such key, or the one that signs: rotate first")
        self.set_status(204)
        self.finish()
