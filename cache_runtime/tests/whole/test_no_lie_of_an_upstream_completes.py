"""Whatever an upstream sends: no answer ever completes with other bytes than the digest's, and none is ever stored; and
where one upstream among the liars is honest, the pull succeeds."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from doubles.inner_cache import InnerCache, inner_cache
from doubles.lies import BODY_LIES, FRAMINGS, HEAD_LIES, ODD_TRUTHS, STALL, fault
from doubles.running_cache import eventually
from doubles.upstream import Upstream
from dtr_content_cache.delivery import attempts

SMALL, LARGE = 90_000, 700_000  # below and above what is held back until the verdict
CASES = [
    (name, lie, framing, at) for name, lie in BODY_LIES.items() for framing in FRAMINGS for at in (0, 1, 40_000, -1)
] + [(name, lie, "length", 40_000) for name, lie in HEAD_LIES.items()]
FEWER_CASES = [case for case in CASES if case[3] == 40_000]


@dataclass
class Scene:
    liar: Upstream
    cache: InnerCache
    chance: random.Random

    def lies(self, lie: object, at: int, framing: str, size: int) -> tuple[str, bytes]:
        blob = self.chance.randbytes(size)
        digest = self.liar.add(blob)
        self.liar.always_of[digest] = fault(lie, at, framing)  # type: ignore[arg-type]
        self.cache.forgive()
        return digest, blob

    def pull(self, digest: str) -> bytes | None:
        """The body of a complete answer 200, None of any other."""
        try:
            answer = self.cache.get(digest, self.liar.grant(digest))
        except requests.RequestException:
            return None
        return answer.content if answer.status_code == 200 else None


def _scene(folder: Path, stack: ExitStack, *, honest: bool, parent: bool) -> Scene:
    liar = stack.enter_context(Upstream())
    urls = [liar.url]
    if honest:
        other = stack.enter_context(Upstream(origin=liar.origin, key=liar.key, blobs=liar.blobs))
        urls.append(other.url)
    cache = stack.enter_context(inner_cache(folder / "cache", urls, stalltimeout="300ms"))
    if parent:
        cache = stack.enter_context(inner_cache(folder / "leaf", [cache.url], stalltimeout="2s"))
    return Scene(liar, cache, random.Random(7))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "ROUND_PAUSE_S", 0.001)
    monkeypatch.setattr(attempts, "PATIENCE_S", 1.0)  # a parent asks to be left alone for longer


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Scene]]:
    folder = tmp_path_factory.mktemp("lies")
    with ExitStack() as stack:
        yield {
            "alone": _scene(folder / "alone", stack, honest=False, parent=False),
            "beside": _scene(folder / "beside", stack, honest=True, parent=False),
            "behind a parent": _scene(folder / "behind", stack, honest=False, parent=True),
        }


def _sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(("where", "size"), [("alone", SMALL), ("alone", LARGE), ("behind a parent", LARGE)])
def test_a_lying_upstream_alone_never_makes_an_answer_complete(scenes: dict[str, Scene], where: str, size: int) -> None:
    scene, completed = scenes[where], []
    for name, lie, framing, at in CASES if size == SMALL else FEWER_CASES:
        digest, blob = scene.lies(lie, at, framing, size)
        body = scene.pull(digest)
        if body is not None and body != blob:
            completed.append((name, framing, at))
        if scene.cache.is_stored(digest) and scene.cache.stored(digest).read_bytes() != blob:
            completed.append((name, framing, at, "stored"))

    assert completed == []
    assert scene.cache.wrong_blobs() == []


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_with_an_honest_upstream_beside_it_every_pull_succeeds_at_once_or_when_repeated(
    scenes: dict[str, Scene], size: int
) -> None:
    scene, failed, repeated = scenes["beside"], [], 0
    cases = CASES if size == SMALL else FEWER_CASES
    for name, lie, framing, at in cases:
        digest, blob = scene.lies(lie, at, framing, size)
        body = scene.pull(digest)
        if body is None and size == LARGE:
            repeated += 1
            body = scene.pull(digest)
        if body != blob:
            failed.append((name, framing, at))
        scene.liar.always_of.clear()

    assert failed == []
    assert scene.cache.wrong_blobs() == []
    assert repeated < len(cases) / 2, "a lie that shows before the body must cost the client nothing"


def test_what_breaks_after_the_first_byte_goes_on_unseen_with_the_next_upstream(scenes: dict[str, Scene]) -> None:
    scene = scenes["beside"]
    for name in ("a break", "a reset"):
        for framing in FRAMINGS:
            for at in (1, 40_000, 400_000, LARGE - 1):
                digest, blob = scene.lies(BODY_LIES[name], at, framing, LARGE)
                assert scene.pull(digest) == blob, (name, framing, at)


def test_an_upstream_that_stalls_is_left_for_the_next(scenes: dict[str, Scene]) -> None:
    scene = scenes["beside"]
    for at in (0, 1, 400_000, LARGE - 1):
        digest, blob = scene.lies(STALL, at, "length", LARGE)
        assert scene.pull(digest) == blob, at


@pytest.mark.parametrize("where", ["alone", "behind a parent"])
def test_right_bytes_in_odd_wrappings_are_taken(scenes: dict[str, Scene], where: str) -> None:
    scene = scenes[where]
    for name, lie in ODD_TRUTHS.items():
        for at in (1, 4_000):
            digest, blob = scene.lies(lie, at, "length", 10_000)
            assert scene.pull(digest) == blob, (name, at)


def test_after_all_lies_no_descriptor_and_no_unfinished_file_is_left(scenes: dict[str, Scene]) -> None:
    for scene in scenes.values():
        eventually(lambda scene=scene: scene.cache.flights == 0)  # type: ignore[misc]
        parked = scene.cache.on_loop(lambda scene=scene: len(scene.cache.parts.deliveries.parked))  # type: ignore[misc]
        assert len(scene.cache.unfinished()) <= parked
