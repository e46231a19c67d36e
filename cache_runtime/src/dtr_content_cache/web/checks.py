"""The health checks of the registry's configuration, each one question: is it well now?

Owns how each kind asks. When, how often and what follows is `health`. Rule for editors: a check returns None or a
reason in a few words, never raises, never blocks the event loop, and always ends within its time.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPRequest

from ..settings.model import HttpCheck, TcpCheck
from ..values.failures import Failure

Question = Callable[[], Awaitable[str | None]]
_PROBE_TIMEOUT_S = 30.0
_DEFAULT_TIMEOUT_S = 10.0


def storage_question(probe: Callable[[], None]) -> Question:
    """`probe` may block; it raises Failure (or OSError) where the volume is not well."""

    async def ask() -> str | None:
        try:
            # Not wait_for: where it ends at the moment of a cancellation, it loses the cancellation (Python 3.11).
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                await asyncio.to_thread(probe)
        except TimeoutError:
            return f"the volume did not answer within {_PROBE_TIMEOUT_S:.0f}s"
        except OSError as error:
            return say_error(error)
        except Failure as failure:
            return str(failure)
        return None

    return ask


def file_question(path: Path) -> Question:
    """Not well while the file exists: that is how an operator takes a cache out of service."""

    async def ask() -> str | None:
        return "file exists" if await asyncio.to_thread(path.exists) else None

    return ask


def tcp_question(check: TcpCheck) -> Question:
    host, _, port = check.address.rpartition(":")
    timeout_s = check.timeout_s or _DEFAULT_TIMEOUT_S

    async def ask() -> str | None:
        try:
            async with asyncio.timeout(timeout_s):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        except TimeoutError:
            return f"no connection within {timeout_s:g}s"
        except OSError as error:
            return f"connection to {check.address} failed: {say_error(error)}"
        writer.close()
        return None

    return ask


def http_question(check: HttpCheck) -> Question:
    timeout_s = check.timeout_s or _DEFAULT_TIMEOUT_S
    request = HTTPRequest(
        check.url,
        method="HEAD",
        headers=dict(check.headers),
        connect_timeout=timeout_s,
        request_timeout=timeout_s,
        follow_redirects=False,  # the answer that was asked for, from the address that was named
        decompress_response=False,
    )

    async def ask() -> str | None:
        client = AsyncHTTPClient(force_instance=True)
        try:
            status = (await client.fetch(request, raise_error=False)).code
        except HTTPError as error:
            status = error.code
        except OSError as error:
            return f"no answer: {say_error(error)}"
        except ValueError:
            return "the answer is not HTTP"
        finally:
            client.close()
        if status == 599:
            return f"no answer within {timeout_s:g}s"
        return None if status == check.status else f"answered {status}, wanted {check.status}"

    return ask


def say_error(error: OSError) -> str:
    """The system's words for it; asyncio puts its own, with the address, in their place."""
    if isinstance(error, socket.gaierror):
        return "the name cannot be resolved"
    return os.strerror(error.errno) if error.errno else "no address answered"
