# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Whether a cache's certificate is for the host that its clients are sent to. Pure; reads it by Python's cryptography.

Owns the comparison of names as TLS clients make it. Whether the certificate is trusted, has ended or fits its key is
judged elsewhere. Rule for editors: what cannot be read here is no mismatch, the cache's own check has the last word."""

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_mismatch
short_description: Why clients of an address refuse a certificate's names
version_added: 0.1.0
description:
  - Compares the subject alternative names of the first certificate of a PEM text with the host of an address, as TLS
    clients do it. DNS names may begin with one C(*) label, addresses only match addresses, and the common name does
    not count.
  - Says nothing where the certificate cannot be read, or Python's cryptography is not there.
options:
  _input:
    description: PEM text; a server's own certificate comes first in it.
    type: str
    required: true
  url:
    description: The address that clients are sent to, as C(https://host[:port]).
    type: str
    required: true
author:
  - The dtr.caches maintainers (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Stop before clients are sent to a certificate that is not for them
  ansible.builtin.assert:
    that: mismatch == ''
    fail_msg: "{{ mismatch }}"
  vars:
    pem: "{{ lookup('ansible.builtin.file', 'cache.pem') }}"
    mismatch: "{{ pem | dtr.caches.certificate_mismatch('https://cache.example.com:5000') }}"
"""

RETURN = r"""
_value:
  description: What the certificate is for and where clients are sent; empty where the two agree.
  type: str
  sample: the certificate is for other.example.com, but clients are sent to cache.example.com
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

try:
    from cryptography import x509
except ImportError:
    x509 = None

_FIRST = re.compile(r"-----BEGIN CERTIFICATE-----\s.*?-----END CERTIFICATE-----", re.DOTALL)
_MOST_TOLD = 5  # a certificate may have a hundred names
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def certificate_mismatch(pem: str, url: str) -> str:
    """What the certificate is for and where clients are sent, as a clause; empty where it suits or nobody can tell."""
    host, names = urlsplit(str(url)).hostname, _names(str(pem))
    if not host or names is None or _covers(names, host):
        return ""
    return f"the certificate is for {_told(names)}, but clients are sent to {host}"


def _names(pem: str) -> list[str | _Address] | None:
    """The DNS names, as text, and the addresses of the first certificate; None if they cannot be read."""
    block = _FIRST.search(pem)
    if x509 is None or block is None:
        return None
    try:
        certificate = x509.load_pem_x509_certificate(block.group().encode())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except (ValueError, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType):
        return None
    return [*names.get_values_for_type(x509.DNSName), *names.get_values_for_type(x509.IPAddress)]


def _covers(names: Iterable[str | _Address], host: str) -> bool:
    address = _address(host)
    if address:
        return address in names
    wanted = host.lower().rstrip(".").split(".")
    return any(_matches(name.lower().rstrip(".").split("."), wanted) for name in names if isinstance(name, str))


def _matches(pattern: list[str], wanted: list[str]) -> bool:
    """Label by label; a ``*`` stands for one whole label, the leftmost, and never for all of a name (RFC 6125)."""
    if pattern[0] == "*" and len(pattern) > 1:
        return pattern[1:] == wanted[1:]
    return pattern == wanted


def _address(name: str) -> _Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _told(names: list[str | _Address]) -> str:
    if not names:
        return "no host (it has no subject alternative name)"
    told = [f"{one} (as a DNS name)" if isinstance(one, str) and _address(one) else str(one) for one in names]
    return ", ".join(told[:_MOST_TOLD]) + (f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else "")


class FilterModule:
    """Tells Ansible the filter's name."""

    def filters(self) -> dict[str, Callable]:
        return {"certificate_mismatch": certificate_mismatch}
