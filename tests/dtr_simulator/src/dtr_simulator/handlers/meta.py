"""`/api/v0/meta/…`: what DTR says about itself.

Owns: features, cluster status, settings, alerts. Rule: bodies have every member that any published version requires.
"""

from __future__ import annotations

import hashlib
from typing import Any

from ..failures import api_failure
from .api import ApiCall

# Field → default of DTR's own settings, as far as its documentation names them.
SETTINGS: dict[str, Any] = {
    "dtrHost": "", "sso": False, "createRepositoryOnPush": False, "disableUpgrades": False, "reportAnalytics": False,
    "anonymizeAnalytics": False, "httpProxy": "", "httpsProxy": "", "noProxy": "", "webTLSCA": "", "gcMode": "online",
}


class Features(ApiCall):
    def get(self) -> None:
        self.answer({"scanningEnabled": False, "scanningLicensed": False, "promotionLicensed": False,
                     "mirroringLicensed": False, "metadataStoreOptedIn": False, "onlineGCEnabled": True,
                     "db_version": 1, "ucpHost": ""})


class ClusterStatus(ApiCall):
    def get(self) -> None:
        self.require_admin()
        replica = hashlib.sha256(self.dtr.url.encode()).hexdigest()[:12]
        self.answer({"rethink_system_tables": {}, "replica_health": {replica: "OK"},
                     "replica_timestamp": {replica: self.dtr.now()}, "replica_readonly": {replica: False},
                     "gc_lock_holder": ""})


class Settings(ApiCall):
    def get(self) -> None:
        self.require_admin()
        self.answer(SETTINGS | {"dtrHost": self.dtr.service, "webTLSCA": self.dtr.ca_pem.decode()}
                    | self.dtr.registrations.dtr_settings)

    def post(self) -> None:
        self.require_admin()
        changes = self.body()
        for name, value in changes.items():
            if name not in SETTINGS or not isinstance(value, type(SETTINGS[name])):
                raise api_failure("INVALID_SETTINGS", f"{name[:40]}: unknown, or of another type")
        self.dtr.registrations.change_dtr_settings(changes)
        self.set_status(202)
        self.finish()


class Alerts(ApiCall):
    def get(self) -> None:
        self.require_admin()
        self.answer([])
