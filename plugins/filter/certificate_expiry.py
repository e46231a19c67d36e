# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""When the first certificate of a PEM text ends. Pure, the time is passed in; needs cryptography on the controller.

Owns reading one date and counting days. Whether that is soon enough to worry is the playbook's decision."""

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_expiry
short_description: When a certificate ends
version_added: 0.1.0
description:
  - Reads the first certificate of a PEM text and returns the end of its validity, and how far away that is.
options:
  _input:
    description: PEM text; a server's own certificate comes first in it.
    type: str
    required: true
  now:
    description: The present time, in seconds since 1970 (UTC).
    type: float
    required: true
requirements:
  - cryptography 42 or newer (Python library) on the controller
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Say when the certificate ends
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'cache.pem') | dtr.caches.certificate_expiry(now(utc=true).timestamp()) }}"
"""

RETURN = r"""
_value:
  description: The end of the certificate.
  type: dict
  contains:
    not_after:
      description: End of the validity, UTC.
      type: str
      sample: "2027-01-31T23:59:59Z"
    days_left:
      description: Whole days until then; negative when it is over.
      type: int
      sample: 68
"""

import math
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

try:
    from cryptography import x509
except ImportError:
    x509 = None


def certificate_expiry(pem: str, now: float) -> dict:
    """End of validity, and whole days to it from `now` (seconds since 1970); raise AnsibleFilterError without one."""
    if x509 is None:
        raise AnsibleFilterError("certificate_expiry: wanted Python's cryptography on the controller, found none.")
    try:
        certificate = x509.load_pem_x509_certificates(str(pem).encode())[0]
    except ValueError:
        raise AnsibleFilterError("certificate_expiry: found no PEM certificate in the text.") from None
    end = certificate.not_valid_after_utc
    return {
        "not_after": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "days_left": math.floor((end.timestamp() - float(now)) / 86400),
    }


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"certificate_expiry": certificate_expiry}
