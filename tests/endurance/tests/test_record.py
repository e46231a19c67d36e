"""A run that was interrupted goes on where it was; nothing that was found is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from endurance import __main__ as suite
from endurance.campaign import Found
from endurance.record import BROKEN_KEPT, Record, Result


def _broken(*sentences: str) -> Found:
    return Found(broken=list(sentences))


def test_a_saved_record_is_read_back_whole(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.json", "1", "full")
    found = _broken("wrong bytes")
    found.count("blobs", 3)
    record.commit = "abc1234"
    record.add("kills", "1:0", found, 0.5)
    record.save()

    again = Record(tmp_path / "record.json", "1", "full").of("kills")

    assert again == record.of("kills")
    assert (again.cycles, again.broken_cycles, again.counts["blobs"]) == (1, 1, 3)
    assert again.commits == ["abc1234"]


def test_a_record_of_another_seed_or_size_is_begun_anew(tmp_path: Path) -> None:
    record = Record(tmp_path / "record.json", "1", "full")
    record.of("kills").add("1:0", Found(), 0.5)
    record.save()

    assert Record(tmp_path / "record.json", "2", "full").results == {}
    assert Record(tmp_path / "record.json", "1", "ci").results == {}


def test_every_broken_cycle_counts_and_the_first_sentences_are_kept_with_their_seed() -> None:
    result = Result()
    for number in range(30):
        result.add(f"1:{number}", _broken(f"a {number}", f"b {number}"), 0.1)

    assert result.broken_cycles == 30
    assert len(result.broken) == BROKEN_KEPT
    assert result.broken[0] == {"seed": "1:0", "what": "a 0"}


def test_of_a_campaign_that_ran_elsewhere_the_record_with_more_cycles_counts(tmp_path: Path) -> None:
    here, elsewhere = Record(tmp_path / "here.json", "1", "full"), Record(tmp_path / "elsewhere.json", "2", "full")
    for number in range(3):
        here.of("kills").add(f"1:{number}", Found(), 0.5)
        elsewhere.of("deployments").add(f"2:{number}", Found(), 0.5)
    elsewhere.of("kills").add("2:0", Found(), 0.5)
    elsewhere.save()

    here.take_up(tmp_path / "elsewhere.json")

    assert (here.of("deployments").cycles, here.of("kills").cycles) == (3, 3)


def test_a_break_that_was_seen_elsewhere_is_never_covered_by_more_cycles_without_one(tmp_path: Path) -> None:
    here, elsewhere = Record(tmp_path / "here.json", "1", "full"), Record(tmp_path / "elsewhere.json", "2", "full")
    for number in range(3):
        here.of("kills").add(f"1:{number}", Found(), 0.5)
    elsewhere.of("kills").add("2:0", _broken("wrong bytes"), 0.5)
    elsewhere.save()

    here.take_up(tmp_path / "elsewhere.json")

    assert here.of("kills").broken_cycles == 1


@pytest.mark.parametrize(
    ("base", "fresh", "cycles"), [(None, False, 3), ("7", False, 3), ("8", False, 0), (None, True, 0)]
)
def test_a_run_on_another_machine_goes_on_where_the_published_ones_were_unless_it_shall_not(
    base: str | None, fresh: bool, cycles: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = Record(tmp_path / "published.json", "7", "full")
    for number in range(3):
        published.of("kills").add(f"7:{number}", Found(), 0.5)
    published.save()
    monkeypatch.setattr(suite, "PUBLISHED", tmp_path / "published.json")

    assert suite.opened_record(tmp_path / "record.json", base, "full", fresh=fresh).of("kills").cycles == cycles
    assert suite.opened_record(tmp_path / "record.json", None, "ci", fresh=False).base == "1"


def test_what_was_found_here_counts_where_it_came_further_than_what_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "PUBLISHED", tmp_path / "published.json")
    here, published = Record(tmp_path / "here.json", "7", "full"), Record(tmp_path / "published.json", "7", "full")
    for number in range(3):
        here.of("kills").add(f"7:{number}", Found(), 0.5)
    published.of("kills").add("7:0", Found(), 0.5)
    here.save()
    published.save()

    assert suite.opened_record(tmp_path / "here.json", None, "full", fresh=False).of("kills").cycles == 3


def test_what_was_mended_here_is_not_brought_back_by_the_record_in_which_it_broke(tmp_path: Path) -> None:
    here, before = Record(tmp_path / "here.json", "7", "full"), Record(tmp_path / "before.json", "7", "full")
    for record in (here, before):
        record.of("kills").add("7:0", _broken("wrong bytes"), 0.5)
        record.of("kills").add("7:1", Found(), 0.5)
    here.of("kills").mend("7:0", "def5678")
    before.save()

    here.take_up(tmp_path / "before.json")
    assert (here.of("kills").broken_cycles, here.of("kills").mended) == (0, 1)

    before.of("kills").add("7:2", _broken("another"), 0.5)
    before.save()
    here.take_up(tmp_path / "before.json")
    assert here.of("kills").broken_cycles == 2
