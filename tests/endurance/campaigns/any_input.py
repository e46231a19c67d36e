"""Chance writes what strangers might, from good inputs and known traps, and every reader keeps its law."""

from __future__ import annotations

import time
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ..campaign import Campaign, Found
from ..cripples import with_loose_digits
from ..fragments import FRAGMENTS
from ..parsers import PARSERS, Parser

_INPUTS, _SLOW_INPUTS = 100, 40
_SLOW = frozenset({"configuration"})
_HANG_S = 1.0


class AnyInput(Campaign):
    name = "any input"
    promise = "Whatever bytes a reader gets, it gives a value that is safe or its own refusal, within a second"
    unit = f"reader with up to {_INPUTS} inputs"
    ci, full = len(PARSERS), 1_000 * len(PARSERS)

    def begin(self) -> None:
        self._undo = with_loose_digits() if self.without else lambda: None
        self._names = list(PARSERS)

    def cycle(self, seed: str) -> Found:
        found, number = Found(), int(seed.rpartition(":")[2])
        parser = PARSERS[self._names[number % len(self._names)]]
        ask = _asking(parser, found, seed, _SLOW_INPUTS if parser.name in _SLOW else _INPUTS)
        try:
            ask()
        except AssertionError as broken:
            found.broken.append(str(broken).splitlines()[0])
        return found

    def end(self) -> None:
        self._undo()


def _asking(parser: Parser, found: Found, of: str, inputs: int) -> Callable[[], None]:
    @seed(of)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(_inputs(parser.good))
    def ask(data: bytes) -> None:
        began = time.monotonic()
        said = parser.judge(data)
        found.count("inputs read")
        assert time.monotonic() - began < _HANG_S, f"{parser.name}: more than {_HANG_S} s for {data!r}"
        assert not said, f"{said}, given {data!r}"

    return ask


@st.composite
def _spoilt(draw: st.DrawFn, good: tuple[bytes, ...]) -> bytes:
    """A good input with some pieces of it put in, taken out or exchanged."""
    data = draw(st.sampled_from(good))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from((0, 0, 1, 2, 10, 60))))
        piece = draw(st.sampled_from((*FRAGMENTS, data[start:end] * 2, data[: end - start])) | st.binary(max_size=4))
        data = data[:start] + piece + data[end:]
    return data


def _inputs(good: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    pieces = st.lists(st.sampled_from((*FRAGMENTS, *good)), max_size=12).map(b"".join)
    return st.one_of(
        _spoilt(good), _spoilt(good), pieces, st.binary(max_size=400), st.text(max_size=80).map(str.encode)
    )
