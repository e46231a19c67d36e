"""From options to a running server, and its end.

Owns: building the parts, the socket, signals: SIGTERM and SIGINT end at once, SIGHUP re-reads accounts, keys and CA.
Does not own: argv (options.py), routes (application.py). Rule: nothing listens before every input proved usable.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from . import jws
from .accounts_file import AccountsFile
from .application import build_application
from .content.layout import Layout, open_layout
from .content.registry_behind import CHUNK_BYTES, RegistryBehind
from .dtr import Dtr
from .key_ring import KeyRing, read_signing_key, write_private_key
from .options import Options, certificate_names
from .refusals import Refused
from .registrations import Registrations
from .request_log import RequestLog
from .served_certificate import ServedCertificate

HEAD_LIMIT_BYTES = 32 << 10
SMALL_BODY_LIMIT_BYTES = 4 << 20  # manifests; uploads have a limit of their own


def _prepare_state(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(13, "no permission to write")
    except OSError as error:
        raise Refused([f"--state {folder}: {error.strerror}, wanted a directory that can be written"]) from None


def _open_layouts(texts: tuple[str, ...]) -> dict[str, Layout]:
    found: dict[str, Layout] = {}
    mistakes: list[str] = []
    for text in texts:
        try:
            name, layout = open_layout(text)
            if name in found:
                mistakes.append(f"--layout {name}: given twice, wanted one layout for each repository")
            found[name] = layout
        except Refused as refused:
            mistakes += refused.mistakes
    if mistakes:
        raise Refused(mistakes)
    return found


async def _open_registry(options: Options) -> RegistryBehind | None:
    if options.registry is None:
        return None
    registry = RegistryBehind(options.registry)
    deadline = time.monotonic() + options.registry_wait_s
    while mistake := await registry.mistake():
        if time.monotonic() >= deadline:
            raise Refused([mistake])
        await asyncio.sleep(0.2)
    return registry


def _token_key(path: Path) -> jws.SigningKey:
    if not path.exists():
        write_private_key(path, jws.generate("EdDSA"))
    return read_signing_key(path)


def _listen(options: Options) -> list[socket.socket]:
    try:
        return bind_sockets(options.port, options.host or None)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not an address of this machine"
        raise Refused([f"--listen {options.host}:{options.port}: {reason}"]) from None


def _own_url(options: Options, port: int) -> str:
    scheme = "https" if options.tls else "http"
    host = socket.gethostname() if options.host in ("", "0.0.0.0", "::") else options.host  # noqa: S104
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


async def _gather(options: Options) -> tuple[AccountsFile, dict[str, Layout], RegistryBehind | None, RequestLog]:
    """Read every input; raise Refused with the mistakes of all of them together."""
    mistakes: list[str] = []
    accounts, layouts, registry = None, {}, None
    _prepare_state(options.state)
    log = RequestLog(options.state / "requests.jsonl")
    try:
        accounts = AccountsFile(options.accounts, log.say)
    except Refused as refused:
        mistakes += refused.mistakes
    try:
        layouts = _open_layouts(options.layouts)
    except Refused as refused:
        mistakes += refused.mistakes
    try:
        registry = await _open_registry(options)
    except Refused as refused:
        mistakes += refused.mistakes
    if mistakes or accounts is None:
        raise Refused(mistakes)
    return accounts, layouts, registry, log


async def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. Raise Refused when an input cannot be used."""
    accounts, layouts, registry, log = await _gather(options)
    sockets = _listen(options)
    url = options.url or _own_url(options, sockets[0].getsockname()[1])
    served = ServedCertificate(options.state, certificate_names(options, url), log.say)
    dtr = Dtr(
        url=url, quirks=options.quirks, accounts_file=accounts,
        registrations=Registrations(options.state / "registrations.json"),
        ring=KeyRing(options.state / "keys", options.grant_algorithm, log.say),
        token_key=_token_key(options.state / "token-key.pem"), layouts=layouts, registry=registry, log=log,
        clock=time.time, ca_pem=served.ca_pem,
        grant_lifetime_s=options.grant_lifetime_s, token_lifetime_s=options.token_lifetime_s)
    await _run(dtr, sockets, served, options.tls)


async def _run(dtr: Dtr, sockets: list[socket.socket], served: ServedCertificate, tls: bool) -> None:
    server: HTTPServer
    application = build_application(dtr, lambda: server._connections)
    server = HTTPServer(application, ssl_options=served.context if tls else None, chunk_size=CHUNK_BYTES,
                        max_header_size=HEAD_LIMIT_BYTES, max_body_size=SMALL_BODY_LIMIT_BYTES)
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    loop.add_signal_handler(signal.SIGHUP, _reread, dtr, served)
    server.add_sockets(sockets)
    dtr.log.say(f"listening on {dtr.url}")
    await over.wait()
    server.stop()


def _reread(dtr: Dtr, served: ServedCertificate) -> None:
    dtr.accounts_file.reload()
    dtr.ring.reload()
    served.reread()
    dtr.ca_pem = served.ca_pem
    dtr.log.say("accounts, keys and CA read again")
