"""What happens to a cache in a soak: faults that begin, last as long as a `with`, and are taken back.

Rule for editors: `excuses` names what clients may meet while the fault lasts and lies in its nature, as traffic.py
counts it. Everything else is the cache's failure, for one upstream is always there and honest.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from doubles.certificates import Authority
from doubles.lies import BODY_LIES, FRAMINGS, STALL, fault
from doubles.upstream import Upstream

from .campaigns.rot import flip
from .crowd import loiter
from .lives import Cache
from .traffic import target

_SEVERAL = 20
_CHUNK = 256 * 1024


@dataclass
class World:
    """Of two upstreams one is honest and there at any moment; `second` speaks TLS by an authority of the file `ca`."""

    cache: Cache
    upstream: Upstream
    second: Upstream
    digests: list[str]
    ca: Path


@dataclass(frozen=True)
class SoakFault:
    name: str
    lasting: Callable[[World, random.Random], AbstractContextManager[None]]
    excuses: frozenset[str] = frozenset()


@contextmanager
def _lies(world: World, chance: random.Random) -> Iterator[None]:
    for digest in chance.sample(world.digests, _SEVERAL):
        lie = fault(chance.choice(list(BODY_LIES.values())), chance.choice((0, 1, -1)), chance.choice(FRAMINGS))
        world.upstream.always_of[digest] = lie
    yield
    world.upstream.always_of.clear()


@contextmanager
def _stalls(world: World, chance: random.Random) -> Iterator[None]:
    for digest in world.digests:
        world.upstream.always_of[digest] = fault(STALL, chance.choice((0, 1, -1)))
    yield
    world.upstream.always_of.clear()
    world.upstream.release.set()
    world.upstream.release = threading.Event()


@contextmanager
def _full_volume(world: World, chance: random.Random) -> Iterator[None]:
    """Somebody else takes every byte that the cache leaves or makes free."""
    ballast, over = world.cache.volume / "somebody-elses", threading.Event()

    def eat() -> None:
        with ballast.open("ab", buffering=0) as file:
            while not over.wait(0.01):
                try:
                    while True:
                        file.write(bytes(_CHUNK))
                except OSError:
                    continue

    eater = threading.Thread(target=eat)
    eater.start()
    try:
        yield
    finally:
        over.set()
        eater.join()
        ballast.unlink()


@contextmanager
def _no_descriptors(world: World, chance: random.Random) -> Iterator[None]:
    process = world.cache.process or 0
    soft, hard = resource.prlimit(process, resource.RLIMIT_NOFILE)
    few = world.cache.descriptors() + chance.randrange(-4, 4)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (few, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, (soft, hard))


def _clock_ahead(steps_s: tuple[float, ...]) -> Callable[[World, random.Random], AbstractContextManager[None]]:
    @contextmanager
    def lasting(world: World, chance: random.Random) -> Iterator[None]:
        world.cache.change(ahead_s=chance.choice(steps_s))
        yield
        world.cache.change(ahead_s=0.0)

    return lasting


@contextmanager
def _rot(world: World, chance: random.Random) -> Iterator[None]:
    for digest in chance.sample(world.digests, _SEVERAL):
        path = world.cache.stored(digest)
        spoilt = path.with_name("spoilt")
        try:
            shutil.copy2(path, spoilt)
            flip(spoilt, chance)
            # In one step: a disk that rots does not change what the kernel is sending at this moment.
            spoilt.rename(path)
        except OSError:
            spoilt.unlink(missing_ok=True)  # it was evicted meanwhile
    yield


@contextmanager
def _reloads(world: World, chance: random.Random) -> Iterator[None]:
    usual = world.cache.options["maxsize"]
    world.cache.options["maxsize"] = chance.choice(("4MB", "8MB", "40MB"))
    world.cache.write_config()
    for _ in range(5):
        world.cache.signal(signal.SIGHUP)
    yield
    world.cache.options["maxsize"] = usual
    world.cache.write_config()
    world.cache.signal(signal.SIGHUP)


@contextmanager
def _new_authority(world: World, chance: random.Random) -> Iterator[None]:
    """The upstream shows its new certificate at once, the cache trusts the new authority a moment later."""
    authority, context = Authority("next"), world.second.context
    assert context is not None
    context.load_cert_chain(*authority.issue(world.ca.parent, "127.0.0.1"))
    time.sleep(chance.uniform(0, 0.3))
    beside = world.ca.with_suffix(".new")
    beside.write_bytes(authority.pem)
    os.replace(beside, world.ca)
    world.cache.signal(signal.SIGHUP)
    yield


@contextmanager
def _leaving(world: World, chance: random.Random) -> Iterator[None]:
    for digest in chance.choices(world.digests, k=50):
        head = f"GET {target(world.upstream, digest)} HTTP/1.1\r\nHost: cache\r\n\r\n"
        loiter(world.cache.port, head.encode()).close()
    yield


@contextmanager
def _away(world: World, chance: random.Random) -> Iterator[None]:
    world.second.stop()
    time.sleep(chance.uniform(0, 0.5))
    world.second.start()
    yield


_CUT = "broken off"
FAULTS = (
    # A crippled cache is found out by the first ones; the first six are all that `make test` has time for.
    # 416: who asks for a part beyond a length that is a lie is refused before any byte has shown that it is one.
    SoakFault("an upstream that lies", _lies, frozenset({_CUT, "416"})),
    SoakFault("a full volume", _full_volume),
    SoakFault("an upstream that stalls", _stalls),
    SoakFault("no descriptors left", _no_descriptors, frozenset({_CUT, "502", "503", "504"})),
    SoakFault("a clock that steps within the skew", _clock_ahead((-20.0, 20.0))),
    SoakFault("a new authority and certificate", _new_authority),
    SoakFault("a clock that steps by a day", _clock_ahead((-86_400.0, 86_400.0)), frozenset({"403"})),
    SoakFault("rot on the volume", _rot),
    SoakFault("a storm of reloads", _reloads),
    SoakFault("clients that leave", _leaving),
    SoakFault("an upstream that is away", _away),
)
