"""The published page says what was kept, what was broken, and what could not be run; it flatters nobody."""

from __future__ import annotations

from pathlib import Path

from endurance.branches import by_room
from endurance.campaign import Campaign, Found
from endurance.held import Fault, RealBug
from endurance.page import Kept, page, read_figures
from endurance.record import Record, teeth_name
from endurance.seeded import Seed

KEPT_BUG = RealBug("it rolled away", "a slope", "tests/test_slope.py")
SEED = Seed("the brakes are gone", "car.py", "brake()", "pass", "test_car.py::test_it_stops", "a wall")

KEPT = Kept([SEED], [Fault("a slope", "it stays", ("sample", "whole/test_slope.py"))], [KEPT_BUG])


class Sample(Campaign):
    name, promise, unit, ci, full = "sample", "It holds", "try", 2, 20

    def begin(self) -> None: ...

    def cycle(self, seed: str) -> Found:
        return Found()

    def end(self) -> None: ...


def _page(record: Record) -> str:
    return page([Sample], [(Sample, "its brakes")], record, KEPT)


def test_a_promise_that_was_kept_says_in_how_many_cycles(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    found = Found()
    found.count("blobs checked", 1200)
    record.of("sample").add("1:0", found, 1.0)

    assert "| **sample**: It holds | 1 of 20 × try | 1,200 blobs checked | kept in all |" in _page(record)


def test_a_promise_that_is_kept_since_it_was_mended_says_so(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of("sample").add("1:0", Found(broken=["it did not hold"]), 1.0)
    record.of("sample").mend("1:0", "abc1234")

    text = _page(record)
    assert "of abc1234 |  | kept in all; in 1 only since what they found was mended |" in text
    assert "it did not hold" not in text


def test_a_broken_promise_stands_on_the_page_with_its_seed(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of("sample").add("1:7", Found(broken=["wrong bytes"]), 1.0)

    text = _page(record)

    assert "**broken in 1**" in text
    assert "- sample, seed `1:7`: wrong bytes" in text


def test_what_could_not_be_run_is_not_called_kept(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of("sample").cannot_run = "no loop devices"

    assert "not run: no loop devices" in _page(record)
    assert "kept" not in _page(record).partition("|---|")[2]


def test_each_campaign_says_of_which_commits_its_cycles_are(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.commit = "abc1234"
    record.add("sample", "1:0", Found(), 1.0)
    record.add(teeth_name(Sample.name, "its brakes"), "1:0", Found(broken=["it rolled"]), 1.0)
    record.commit = "def5678"
    record.add("sample", "1:1", Found(), 1.0)

    assert "| 2 of 20 × try, of abc1234, def5678 |" in _page(record)
    assert "| in cycle 1, of abc1234: it rolled … |" in _page(record)


def test_what_could_not_be_run_to_its_end_hides_no_broken_cycle(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of("sample").fail("1:0", "it could not begin")
    record.of("sample").cannot_run = "no loop devices"

    assert "**broken in 1**" in _page(record)


def test_a_fault_that_was_not_noticed_makes_the_campaign_blind(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of(teeth_name(Sample.name, "its brakes")).add("1:0", Found(), 1.0)

    assert "**not in 1 cycles: the campaign is blind**" in _page(record)


def test_each_seeded_bug_stands_there_with_its_test_and_how_it_was_found(tmp_path: Path) -> None:
    text = _page(Record(tmp_path / "r", "1", "full"))

    assert "| the brakes are gone | `test_car.py::test_it_stops` |" in text
    assert "| the brakes are gone | a wall | `cache_runtime/tests/test_car.py::test_it_stops` |" in text


def test_each_bug_of_ours_says_what_found_it_and_what_holds_it(tmp_path: Path) -> None:
    assert "| it rolled away | a slope | `tests/test_slope.py` |" in _page(Record(tmp_path / "r", "1", "full"))


def test_each_fault_names_its_proofs(tmp_path: Path) -> None:
    text = _page(Record(tmp_path / "r", "1", "full"))

    assert "| a slope | it stays | sample, `whole/test_slope.py` |" in text


def test_what_was_not_run_as_often_as_wanted_is_counted_in_the_first_lines(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of("sample").add("1:0", Found(), 3600.0)
    record.tell("2026-11-24", "abc")
    record.tell("2026-11-24", "def")

    text = _page(record)

    assert "1 cycles in 1.0 hours. 0 of 1 campaigns were run as often as wanted" in text
    assert "- 2026-11-24, of abc, def" in text


def test_a_mutation_score_that_was_not_measured_is_not_made_up(tmp_path: Path) -> None:
    assert read_figures(tmp_path / "none.json") == {}
    text = _page(Record(tmp_path / "r", "1", "full"))
    assert "How many of all branches a test takes has not been measured yet" in text
    assert "How many of all small changes to the program a test catches has not been measured yet" in text


def test_what_was_measured_beside_the_record_says_how_when_and_of_what(tmp_path: Path) -> None:
    said = {"command": "make test-coverage", "date": "2026-11-24", "commit": "abc1234"}
    branches = {**said, "rooms": {"storage": {"lines": 1200, "run": 1199, "branches": 300, "taken": 298}}}
    score = {"mutants": 120, "caught": 110, "equal": 5, "score": 0.9565}
    mutation = {"command": "make test-mutation", "date": "2026-11-23", "rooms": {"storage": score}}

    text = page([Sample], [], Record(tmp_path / "r", "1", "full"), Kept(branches=branches, mutation=mutation))

    assert "By `make test-coverage` on 2026-11-24, of abc1234:" in text
    assert "| storage | 1,199 of 1,200 | 298 of 300 |" in text
    assert "By `make test-mutation` on 2026-11-23:" in text
    assert "| storage | 120 | 110 | 5 | 95.7% |" in text
    assert "very branch" not in text.replace("Is every branch taken?", "")


def test_the_figures_of_a_room_are_those_of_its_files() -> None:
    def measured(statements: int, branches: int, taken: int) -> dict[str, dict[str, int]]:
        counted = {"num_statements": statements, "covered_lines": statements}
        return {"summary": {**counted, "num_branches": branches, "covered_branches": taken}}

    files = {"src/storage/a.py": measured(10, 4, 4), "src/storage/b.py": measured(5, 2, 1)}

    assert by_room(files) == {"storage": {"lines": 15, "run": 15, "branches": 6, "taken": 5}}


def test_a_sentence_with_the_signs_of_a_table_stays_in_its_cell(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of(teeth_name("sample", "its brakes")).add("1:0", Found(broken=["a|b <c>"]), 1.0)

    assert "| in cycle 1: a\\|b &lt;c> … |" in _page(record)


def test_where_a_run_happened_to_be_made_is_nobodys_business(tmp_path: Path) -> None:
    record = Record(tmp_path / "r", "1", "full")
    record.of(teeth_name("sample", "its brakes")).add("1:0", Found(broken=["past: </tmp/x/y>, 1"]), 1.0)

    assert "| in cycle 1: past: &lt;/y>, 1 … |" in _page(record)
