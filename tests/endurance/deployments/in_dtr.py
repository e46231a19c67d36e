"""What fails at DTR while it is told of a cache: it errs, it is silent, it refuses, it goes, it knows something else.

Owns the causes, each undone when its context ends. Does not own what is expected afterwards.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from typing import Any

from .failure import Failure, Variables
from .office import REGION, DisturbedOffice

_REGISTER, _ASSIGN = "Register the cache with DTR", "Point the accounts at the cache"
_NEWCOMER = "chen"


@contextlib.contextmanager
def _something_to_tell(office: DisturbedOffice) -> Iterator[None]:
    """One account more, or DTR would have nothing to do for a cache that it knows. The wish stays in the inventory."""
    wanted = [one for one in office.accounts() if one != _NEWCOMER]
    if _NEWCOMER in office.accounts():
        office.rewrite_dtr(lambda known: known["settings"].pop(_NEWCOMER, None))
    office.world.set(REGION, content_cache_accounts=[*wanted, _NEWCOMER])
    yield


@contextlib.contextmanager
def _errs(office: DisturbedOffice) -> Iterator[Variables]:
    """It cannot write what it is told, errs, and knows nothing of it when it starts again."""
    in_the_way = office.world.dtr.state / "registrations.new"
    try:
        with _something_to_tell(office), office.at(_REGISTER, f"mkdir {in_the_way}"):
            yield {}
    finally:
        office.world.dtr.stop()
        shutil.rmtree(in_the_way, ignore_errors=True)
        office.world.dtr.start()


@contextlib.contextmanager
def _is_silent(office: DisturbedOffice) -> Iterator[Variables]:
    with _something_to_tell(office):
        pid = office.world.dtr.process.pid
        try:
            with office.at(_REGISTER, f"kill -STOP {pid}"):
                yield {"cache_registration_timeout": 2}
        finally:
            os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def _refuses(office: DisturbedOffice) -> Iterator[Variables]:
    """The administrator's password is changed while the play runs."""
    path = office.world.dtr.accounts_path
    before = path.read_text(encoding="utf-8")
    others = json.loads((office.home / "accounts.json").read_text(encoding="utf-8"))
    for account in others["accounts"]:
        if account["admin"]:
            account["password"] = str(uuid.uuid4())
    beside = path.with_suffix(".others")
    beside.write_text(json.dumps(others), encoding="utf-8")  # JSON is YAML
    try:
        with _something_to_tell(office), office.at(_REGISTER, f"mv {beside} {path}"):
            yield {}
    finally:
        path.write_text(before, encoding="utf-8")


@contextlib.contextmanager
def _is_gone(office: DisturbedOffice) -> Iterator[Variables]:
    dtr = office.world.dtr
    try:
        with _something_to_tell(office), office.at(_ASSIGN, f"kill -KILL {dtr.process.pid}"):
            yield {}
    finally:
        dtr.stop()
        dtr.start()


@contextlib.contextmanager
def _knows_two(office: DisturbedOffice) -> Iterator[Variables]:
    """Two others took the name."""
    kept: dict[str, Any] = {}

    def take(known: dict[str, Any]) -> None:
        kept.update(copy.deepcopy(known))
        for number in (1, 2):
            other = f"https://cache-{number}.example.com:5000"
            known["caches"].append({"id": str(uuid.uuid4()), "name": REGION, "host": other})

    office.rewrite_dtr(take)
    try:
        yield {}
    finally:
        office.rewrite_dtr(lambda known: (known.clear(), known.update(kept))[0])


@contextlib.contextmanager
def _knows_nobody(office: DisturbedOffice) -> Iterator[Variables]:
    yield {"content_cache_accounts": [*office.accounts(), "zoe"]}


IN_DTR = (
    Failure("DTR cannot keep what it is told", ("500",), _errs),
    Failure("DTR is silent", ("within 2 s|timed out|timeout",), _is_silent),
    Failure("DTR takes the password no more", ("does not accept the credentials of account admin",), _refuses),
    Failure("DTR is gone between cache and accounts", ("[Cc]annot reach|refused",), _is_gone),
    Failure("two others have the name", ("content caches named asia", "cache-1.example.com"), _knows_two, early=True),
    Failure("DTR does not know an account", ("zoe",), _knows_nobody, early=True),
)
