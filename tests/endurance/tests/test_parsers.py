"""Good inputs pass, known traps are refused or harmless, and a law that is broken is said."""

from __future__ import annotations

import pytest
from endurance.fragments import FRAGMENTS
from endurance.parsers import PARSERS, LawBroken, Parser


@pytest.mark.parametrize("name", PARSERS)
def test_every_good_input_is_taken(name: str) -> None:
    for good in PARSERS[name].good:
        PARSERS[name].read(good)


@pytest.mark.parametrize("name", PARSERS)
def test_every_known_trap_is_refused_or_harmless(name: str) -> None:
    parser = PARSERS[name]
    for fragment in FRAGMENTS:
        for good in parser.good[:1] if name != "configuration" else ():
            assert parser.judge(fragment + good) == ""
            assert parser.judge(good + fragment) == ""
        assert parser.judge(fragment) == ""


def test_another_error_than_the_readers_own_is_told_as_a_broken_law() -> None:
    def read(data: bytes) -> None:
        if data == b"lie":
            raise LawBroken("it lies")
        raise IndexError("out of reach")

    assert (
        Parser("sample", read, (ValueError,), ()).judge(b"x") == "sample: IndexError instead of a refusal: out of reach"
    )
    assert Parser("sample", read, (IndexError,), ()).judge(b"x") == ""
    assert Parser("sample", read, (ValueError,), ()).judge(b"lie") == "sample: it lies"
