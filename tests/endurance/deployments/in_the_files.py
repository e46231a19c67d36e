"""What is wrong with the files that a deployment brings: the configuration, the CA, the certificate and its key.

Owns the causes, each undone when its context ends. Does not own what is expected afterwards.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from doubles.ports import free_port

from .failure import Failure, Variables
from .office import CHECKOUT, REGION, DisturbedOffice

_YEAR_DAYS = 365


def _made(name: str, **lasting: Any) -> Any:
    """A certificate of its own authority: `start` and `end` in days from now."""
    folder = str(CHECKOUT / "tests/unit")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("certificates_made").Made(name, **lasting)


def _written(office: DisturbedOffice, name: str, text: str) -> str:
    path = office.home / name
    path.write_text(text, encoding="ascii")
    path.chmod(0o600)
    return str(path)


@contextlib.contextmanager
def _refused(office: DisturbedOffice) -> Iterator[Variables]:
    yield {"cache_host_config_extra": {"log": {"level": "loud"}}}


@contextlib.contextmanager
def _nobody_there(office: DisturbedOffice) -> Iterator[Variables]:
    gone = f"https://127.0.0.1:{free_port()}"
    downstream = {"name": "downstream", "options": {"blobttl": "24h", "upstreams": [gone]}}
    yield {"cache_host_config_extra": {"middleware": {"registry": [downstream]}}}


@contextlib.contextmanager
def _foreign_ca(office: DisturbedOffice) -> Iterator[Variables]:
    yield {"cache_host_cas": [_written(office, "foreign-ca.pem", _made("Somebody's CA").pem)]}


@contextlib.contextmanager
def _expired_ca(office: DisturbedOffice) -> Iterator[Variables]:
    past = _made("DTR root CA", start=-2 * _YEAR_DAYS, end=-1)
    yield {"cache_host_cas": [_written(office, "expired-ca.pem", past.pem)]}


@contextlib.contextmanager
def _foreign_key(office: DisturbedOffice) -> Iterator[Variables]:
    yield {"cache_host_tls_key": _written(office, "foreign-key.pem", _made("somebody").key_pem)}


@contextlib.contextmanager
def _no_certificate(office: DisturbedOffice) -> Iterator[Variables]:
    yield {"cache_host_tls_certificate": str(Path("/nowhere/cache.pem"))}


@contextlib.contextmanager
def _clock_behind(office: DisturbedOffice) -> Iterator[Variables]:
    """As a host sees it whose clock stands before the certificate's first day."""
    future = _made(REGION, address="127.0.0.1", start=2, end=30)
    yield {
        "cache_host_tls_certificate": _written(office, "future.pem", future.pem),
        "cache_host_tls_key": _written(office, "future-key.pem", future.key_pem),
    }


IN_THE_FILES = (
    Failure("the cache refuses the configuration", (r"log\.level: found 'loud', wanted",), _refused),
    Failure("nobody answers at the upstream", ("no upstream can be reached and trusted",), _nobody_there),
    Failure("the CA is somebody else's", ("no upstream can be reached and trusted",), _foreign_ca),
    Failure("the CA has expired", ("no upstream can be reached and trusted",), _expired_ca),
    Failure("the key is another certificate's", ("http.tls.key",), _foreign_key),
    Failure("the certificate is not there", ("/nowhere/cache.pem",), _no_certificate, early=True),
    Failure("the host's clock is before the certificate", ("not yet valid",), _clock_behind),
)
