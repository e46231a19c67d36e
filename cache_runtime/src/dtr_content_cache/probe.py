"""Is the running cache of a configuration healthy? For the image's HEALTHCHECK, and, with `fresh`, for a deployment.

A healthy cache may live on what it remembers of its upstream: so a restart works while the line is down. A deployment
wants to know more: would what it has just put there, the CA files above all, work if there were nothing to remember?
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import time

from .admission import DISCOVERY_PATH, DOCUMENT_LIMIT_BYTES
from .admission.discovery_document import parse_discovery
from .settings.model import Downstream, Http, Registry, Settings, Upstream
from .upstream.ask import Ask
from .upstream.clocks import disagreement
from .upstream.exchange import Exchanges
from .upstream.proxy import Proxies
from .upstream.response_head import HopFailed
from .upstream.trust import Authorities
from .values.failures import ConfigurationRefused, DiscoveryRefused

_TIMEOUT_S = 5.0
_WANTS_CERTIFICATE = ("require-any-client-cert", "require-and-verify-client-cert")


def probe(settings: Settings, *, fresh: bool = False) -> str | None:
    """None where it is healthy, else one sentence. `fresh`: and an upstream answers and is trusted now, by the word of
    the cache itself where it has a debug listener and keeps a discovery document, else because we ask in its place."""
    problem = _ask_service(settings.http)
    if problem is None and settings.debug is not None:
        problem = _ask_debug(settings.debug.host, settings.debug.port, "/debug/fresh" if fresh else "/debug/health")
    knows = settings.debug is not None and settings.downstream.authorization == "grant"
    if problem is None and fresh and not knows:
        asked = (_ask_upstreams(one, settings.downstream) for one in settings.downstream.every_registry)
        problem = next(filter(None, asked), None)
    return problem


def _ask_service(http_settings: Http) -> str | None:
    try:
        with _connected(http_settings) as sock:
            if http_settings.tls is not None and http_settings.tls.client_auth in _WANTS_CERTIFICATE:
                # It refuses us after our side of the handshake. What we sent by then would turn that into a reset.
                sock.recv(1)
            # The one address that is answered without asking an upstream, whatever the mode and the prefix.
            path = "/"
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            if answer.status == 200:
                return None
            return f"the cache answers {path} with status {answer.status}"
    except ssl.SSLError as error:
        if http_settings.tls is not None and http_settings.tls.client_cas and "CERTIFICATE_REQUIRED" in str(error):
            return None  # it is up and asks for a client certificate, as it was told to
        judged = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
        return f"the cache's TLS does not work: {judged or error}"
    except (OSError, http.client.HTTPException) as error:
        return f"the cache does not answer: {getattr(error, 'strerror', None) or error}"


def _connected(http_settings: Http) -> socket.socket:
    if http_settings.network == "unix":
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(_TIMEOUT_S)
        sock.connect(http_settings.host)
    else:
        sock = socket.create_connection((_reachable(http_settings.host), http_settings.port), _TIMEOUT_S)
    if http_settings.tls is None:
        return sock
    # Only the server that holds our own certificate is ours; whose name is on it does not matter from inside.
    context = ssl.create_default_context(cafile=str(http_settings.tls.certificate))
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context.wrap_socket(sock)


def _ask_debug(host: str, port: int, path: str) -> str | None:
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read(64 * 1024)
    except (OSError, http.client.HTTPException) as error:
        return f"the debug listener does not answer: {getattr(error, 'strerror', None) or error}"
    finally:
        connection.close()
    if answer.status == 200:
        return None
    try:
        checks = "; ".join(f"{name}: {reason}" for name, reason in json.loads(body).items())
    except ValueError:
        checks = f"status {answer.status}"
    return f"{'unhealthy' if path == '/debug/health' else 'not fresh'}: {checks}"


def _ask_upstreams(registry: Registry, downstream: Downstream) -> str | None:
    """None where one of the registry's gives what a cache needs first, without anything remembered."""
    try:
        authorities = Authorities(registry.cas)
    except ConfigurationRefused as refused:
        return " | ".join(refused.mistakes)
    proxies = Proxies.of_environment(os.environ)
    exchanges = Exchanges(lambda: authorities.context, _TIMEOUT_S, proxies=proxies)
    problems = []
    for hop in registry.upstreams:
        try:
            problem = _ask_upstream(exchanges, hop, downstream)
            return None if problem is None else f"not fresh: {problem}"
        except HopFailed as failure:
            judged = f" (judged by {authorities.consulted})" if failure.tls else ""
            problems.append(f"{hop.url}: {failure}{judged}")
        except DiscoveryRefused as refused:
            problems.append(f"{hop.url}: {refused}")
        finally:
            exchanges.forget_idle()
    of = f" of {registry.name}" if registry.name else ""
    return f"not fresh: no upstream{of} can be reached and trusted from here: " + "; ".join(problems)


def _ask_upstream(exchanges: Exchanges, hop: Upstream, downstream: Downstream) -> str | None:
    if downstream.authorization != "grant":
        exchanges.open(hop, Ask("GET", "/v2/")).close()  # whatever the answer: it came, and from whom we trust
        return None
    document = exchanges.fetch_document(hop, DISCOVERY_PATH, DOCUMENT_LIMIT_BYTES)
    parse_discovery(document.body)
    return disagreement(hop.url, document.date_s, time.time(), downstream.clock_skew_s)


def _reachable(host: str) -> str:
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
