# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)

"""From an exception of the HTTP library to one sentence: no name, no route, no trust, no patience.

Owns the wording. Does not import requests: it looks at the chain of causes by name, so that it can be tested alone.
Rule: the library's own text is never repeated (it holds whole URLs, grants included), only its reason.
"""

from __future__ import annotations

import errno
import socket
import ssl

from ansible_collections.dtr.caches.plugins.module_utils.errors import (
    Interrupted,
    NotListening,
    Silent,
    Unreachable,
    UntrustedTls,
)

HOST_NAME_MISMATCH = 62  # X509_V_ERR_HOSTNAME_MISMATCH
IP_ADDRESS_MISMATCH = 64
HAS_EXPIRED = 10
NOT_YET_VALID = 9


def causes(failure):
    """The exception and everything it was made from, outermost first."""
    seen, waiting = [], [failure]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or any(one is known for known in seen):
            continue
        seen.append(one)
        waiting.extend([getattr(one, "reason", None), one.__cause__, one.__context__, *one.args])
    return seen


def explain(failure, origin, trust, timeout):
    """The error to raise for ``failure``, met while talking to ``origin`` under ``trust`` (tls_trust.Trust)."""
    chain = causes(failure)
    names = {type(one).__name__ for one in chain}
    if names & {"ProxyError", "InvalidProxyURL"}:
        return Unreachable(
            f"{origin.url} cannot be reached through the proxy that the environment names; check HTTPS_PROXY,"
            " HTTP_PROXY and NO_PROXY."
        )
    if names & {"InvalidURL", "LocationParseError", "LocationValueError", "InvalidSchema", "MissingSchema"}:
        return Unreachable(f"{origin.url} is no address that can be connected to.")
    for one in chain:
        if isinstance(one, ssl.SSLError):
            return _tls(one, origin, trust)
    for one in chain:
        if isinstance(one, socket.gaierror):
            return Unreachable(
                f"The name {origin.host} cannot be resolved; check the address {origin.url} and this host's DNS."
            )
    if names & {"ConnectTimeout", "ConnectTimeoutError"}:
        return Unreachable(
            f"{origin.url} does not take a connection within {timeout} s; check host, port and firewall, or raise"
            " timeout."
        )
    if names & {"ReadTimeout", "ReadTimeoutError", "TimeoutError", "timeout"}:
        return Silent(f"{origin.url} sent nothing for {timeout} s; it may be overloaded, or raise timeout.")
    for one in chain:
        if isinstance(one, ConnectionRefusedError):
            return NotListening(
                f"Nothing listens at {origin.url} (connection refused); check host and port, and that it runs."
            )
        if isinstance(one, OSError) and one.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return Unreachable(f"There is no route to {origin.url}; check the address and this host's network.")
    return Interrupted(f"{origin.url} closed the connection before its answer was complete.")


def _tls(failure, origin, trust):
    if not isinstance(failure, ssl.SSLCertVerificationError):
        if "EOF" in str(failure) or isinstance(failure, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return Interrupted(f"{origin.url} closed the connection during the TLS handshake or its answer.")
        reason = (failure.reason or "handshake failed").replace("_", " ").lower()
        return UntrustedTls(f"No TLS with {origin.url} ({reason}); is this port for https, and TLS 1.2 or newer?")
    if failure.verify_code in (HOST_NAME_MISMATCH, IP_ADDRESS_MISMATCH):
        return UntrustedTls(
            f"The certificate of {origin.url} is for another name ({failure.verify_message.rstrip('.')}); "
            "use a name that is in the certificate, or put this name into it."
        )
    if failure.verify_code in (HAS_EXPIRED, NOT_YET_VALID):
        return UntrustedTls(
            f"The certificate of {origin.url} is out of its time ({failure.verify_message}); renew it, or set this"
            " host's clock."
        )
    return UntrustedTls(
        f"The certificate of {origin.url} is not trusted ({failure.verify_message}); "
        f"the CA was looked for in {trust.consulted()}. {trust.cure}"
    )
