"""The pages that need no login: CA, health, discovery.

Owns: `/`, `/ca`, `/_ping`, `/health`, `/nginx_status`, `/.well-known/dtr-content-cache`.
Rule: nothing here depends on who asks.
"""

from __future__ import annotations

import json

from .exchange import Exchange


class Root(Exchange):
    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("DTR simulator\n")


class CertificateAuthority(Exchange):
    def get(self) -> None:
        self.set_header("Content-Type", "application/x-pem-file")
        self.finish(self.dtr.ca_pem)


class Ping(Exchange):
    """Healthy as long as the registry behind answers; the shape is DTR's."""

    async def get(self) -> None:
        mistake = await self.dtr.registry.mistake() if self.dtr.registry else None
        self.set_status(503 if mistake else 200)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"Error": "registry: no usable answer" if mistake else "", "Healthy": not mistake}))


class NginxStatus(Exchange):
    def get(self) -> None:
        self.set_header("Content-Type", "text/plain")
        self.finish(f"Active connections: {len(self.application.settings['connections']())}\n")


class Discovery(Exchange):
    def get(self) -> None:
        document = {"version": 1, "origin": self.dtr.url, "jwks": self.dtr.ring.jwks()}
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-cache")
        self.finish(json.dumps(document))
