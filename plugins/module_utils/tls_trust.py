# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""Which certificates are believed: by a file, by the machine's trust store, by both, or (never by default) by nobody.

Owns the TLS context and the words for it in messages.
Rule: a context belongs to one transport and is never switched over.
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass

from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption


@dataclass(frozen=True)
class Trust:
    """``ca_path``: PEM file or empty, named by ``option``. ``system``: the machine's store counts too.

    ``cure`` says how to name a missing CA.
    """

    ca_path: str = ""
    option: str = "ca_path"
    system: bool = True
    verify: bool = True
    cure: str = "Give the CA that signed it as ca_path; dtr.caches.ca_certificate fetches DTR's."

    def consulted(self):
        """For a message: where the CA was looked for."""
        places = [self.ca_path] if self.ca_path else []
        if self.system:
            places.append("the trust store of this host")
        return " and ".join(places)

    def context(self):
        """A TLS client context. Raises WrongOption if the file cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        if self.system:
            context.load_default_certs()
        if self.ca_path:
            self._load(context)
        return context

    def _load(self, context):
        named = f"{self.option} is '{self.ca_path}'"
        if not os.path.isfile(self.ca_path):
            raise WrongOption(
                f"{named}, which is no file; wanted: a file of CA certificates in PEM format (dtr.caches.ca_certificate"
                " makes one)."
            )
        try:
            context.load_verify_locations(cafile=self.ca_path)
        except PermissionError:
            raise WrongOption(f"{named}, which this user may not read; wanted: a readable PEM file.") from None
        except (ssl.SSLError, OSError, ValueError):
            raise WrongOption(
                f"{named}, which holds no PEM certificate; wanted: a file of CA certificates in PEM format."
            ) from None


def dtr_trust(connection):
    """Trust towards DTR: the named CA alone, or else the machine's store."""
    return Trust(connection.ca_path, "ca_path", system=not connection.ca_path, verify=connection.validate_certs)


def cache_trust(connection, cache_ca_path):
    """Trust towards whoever DTR redirects to: the cache's CA (else DTR's) besides the machine's store."""
    return Trust(
        cache_ca_path or connection.ca_path,
        "cache_ca_path" if cache_ca_path else "ca_path",
        system=True,
        verify=connection.validate_certs,
        cure="Give the CA that signed it as cache_ca_path.",
    )
