"""What an upstream last said: to whom it counts, for how long, and what takes it back."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from doubles.clock import HandMovedClock
from dtr_content_cache.admission import last_answers
from dtr_content_cache.admission.last_answers import NOTED_EVERY_S, LastAnswers, Question, expires_s
from dtr_content_cache.values.failures import StorageBroken

HOUR_S = 3600.0
PASSWORD, TOKEN = "Basic " + base64.b64encode(b"alice:pw").decode(), "Bearer opaque"
ASKED = Question("hub https://hub.test", PASSWORD, "", "org/app", "manifests/1.0")


class Drawer:
    """Notes in memory; `broken`: nothing can be changed."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.broken = False
        self.writes = 0

    def secret(self) -> bytes:
        return b"s" * 32

    def read(self, folder: str, name: str) -> bytes | None:
        return self.kept.get((folder, name))

    def write(self, folder: str, name: str, content: bytes) -> None:
        self._change()
        self.writes += 1
        self.kept[folder, name] = content

    def remove(self, folder: str, name: str | None = None) -> None:
        self._change()
        self.kept = {key: note for key, note in self.kept.items() if key[0] != folder or name not in (None, key[1])}

    def sweep(self, older_than_s: float, limit: int) -> int:
        return 0

    def _change(self) -> None:
        if self.broken:
            raise StorageBroken("remembering: EIO")


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock()


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def answers(drawer: Drawer, clock: HandMovedClock) -> LastAnswers:
    return LastAnswers(drawer, clock, HOUR_S)


def test_a_yes_is_recalled_with_what_it_was_about(answers: LastAnswers) -> None:
    answers.note(ASKED, "sha256:x", "a/b")

    found = answers.recall(ASKED)

    assert found
    assert (found.digest, found.content_type, found.challenge) == ("sha256:x", "a/b", "")


OTHERS = {
    "registry": ("hub https://other.test", "quay https://hub.test", "hub"),
    "authorization": (TOKEN, "", PASSWORD + "=", PASSWORD.lower()),
    "query": ("ns=x",),
    "repository": ("org/other", "org", ""),
    "what": ("manifests/1.1", "blobs/1.0", "manifests/1.0\naccept"),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field in OTHERS for value in OTHERS[field]])
def test_it_counts_for_the_identical_question_only(answers: LastAnswers, field: str, value: str) -> None:
    answers.note(ASKED)

    assert answers.recall(replace(ASKED, **{field: value})) is None


def test_parts_that_could_be_read_together_two_ways_stay_apart(answers: LastAnswers) -> None:
    texts = ["", "a", "b", "ab", "a:b", "1:a"]
    questions = [Question(*parts) for parts in itertools.product(texts, repeat=5)]
    places = {answers._place(question) for question in questions}

    assert len(places) == len(questions)


def test_the_limit_counts_from_when_it_was_said(answers: LastAnswers, clock: HandMovedClock) -> None:
    answers.note(ASKED)
    clock.advance(HOUR_S - 1)
    assert answers.recall(ASKED)
    clock.advance(1)
    assert answers.recall(ASKED) is None


def test_a_limit_that_was_lowered_counts_for_what_was_noted_before(drawer: Drawer, clock: HandMovedClock) -> None:
    LastAnswers(drawer, clock, HOUR_S).note(ASKED)
    lowered = LastAnswers(drawer, clock, 60.0)
    assert lowered.recall(ASKED)
    clock.advance(60)
    assert lowered.recall(ASKED) is None


def test_a_clock_set_back_does_not_make_it_last_longer(answers: LastAnswers, clock: HandMovedClock) -> None:
    answers.note(ASKED)
    clock.set_wall(clock.wall() - NOTED_EVERY_S - 1)

    assert answers.recall(ASKED) is None


def test_the_same_answer_is_written_once_a_minute_and_another_at_once(
    answers: LastAnswers, drawer: Drawer, clock: HandMovedClock
) -> None:
    for _ in range(5):
        answers.note(ASKED, "sha256:x")
    assert drawer.writes == 1
    answers.note(ASKED, "sha256:y")
    assert drawer.writes == 2
    clock.advance(NOTED_EVERY_S)
    answers.note(ASKED, "sha256:y")
    assert drawer.writes == 3


def test_what_was_taken_back_is_noted_anew_at_the_next_yes(answers: LastAnswers) -> None:
    answers.note(ASKED)
    answers.forget(ASKED, all_of_repository=False)
    assert answers.recall(ASKED) is None

    answers.note(ASKED)

    assert answers.recall(ASKED)


def test_a_refusal_takes_back_one_thing_or_the_whole_repository(answers: LastAnswers) -> None:
    blob, elsewhere = replace(ASKED, what="blobs/x"), replace(ASKED, repository="org/other")
    for question in (ASKED, blob, elsewhere):
        answers.note(question)

    answers.forget(ASKED, all_of_repository=False)
    assert [bool(answers.recall(question)) for question in (ASKED, blob, elsewhere)] == [False, True, True]
    answers.forget(ASKED, all_of_repository=True)
    assert [bool(answers.recall(question)) for question in (ASKED, blob, elsewhere)] == [False, False, True]


@pytest.mark.parametrize("whole", [True, False])
def test_what_the_volume_does_not_let_go_of_counts_no_more(answers: LastAnswers, drawer: Drawer, whole: bool) -> None:
    answers.note(ASKED)
    drawer.broken = True

    with pytest.raises(StorageBroken):
        answers.forget(ASKED, all_of_repository=whole)

    assert answers.recall(ASKED) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 16_000,
        b'{"until_s": 9e99}',
        b'{"said_s": "x", "until_s": 1}',
        b'{"said_s": 0, "until_s": NaN}',
        b'{"said_s": 0, "until_s": 9e99, "digest": 7}',
        b'{"said_s": 0, "until_s": 9e99, "challenge": ["Basic"]}',
        b'{"said_s": 0, "until_s": 9e99, "content_type": "a/b\\r\\nSet-Cookie: x"}',
        b'{"said_s": 0, "until_s": 9e99, "content_type": "a/\\u2028"}',
    ],
)
def test_a_note_that_is_none_is_no_answer(drawer: Drawer, clock: HandMovedClock, content: bytes) -> None:
    answers = LastAnswers(drawer, clock, 1e12)
    answers.note(ASKED)
    drawer.kept = dict.fromkeys(drawer.kept, content)

    assert answers.recall(ASKED) is None


def test_a_note_in_the_form_of_one_is_an_answer(drawer: Drawer, clock: HandMovedClock) -> None:
    """Or the notes above would prove nothing."""
    answers = LastAnswers(drawer, clock, 1e12)
    answers.note(ASKED)
    drawer.kept = dict.fromkeys(drawer.kept, b'{"said_s": 0, "until_s": 9e99, "content_type": "a/b"}')

    assert answers.recall(ASKED) is not None


def test_nothing_that_is_kept_shows_who_asked_or_for_what(answers: LastAnswers, drawer: Drawer) -> None:
    answers.note(ASKED, "sha256:x", "a/b")

    kept = repr(drawer.kept)
    assert not [part for part in (PASSWORD[6:], "alice", "org/app", '1.0"') if part in kept]


def jwt(claims: object) -> str:
    return f"Bearer h.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}.s"


@pytest.mark.parametrize(
    ("authorization", "expires"),
    [
        (jwt({"exp": 17}), 17.0),
        (jwt({"exp": 17.5}).replace("Bearer", "bearer"), 17.5),
        (jwt({"exp": "soon"}), None),
        (jwt({}), None),
        (jwt([]), None),
        (jwt({"exp": 10**400}), None),
        (jwt({"exp": None}), None),
        ("Bearer h." + base64.urlsafe_b64encode(b"[" * 16_000).decode() + ".s", None),
        (jwt({"exp": 17}).replace("Bearer", "Basic"), None),
        ("Bearer a.b", None),
        ("Bearer a.%%.c", None),
        ("", None),
    ],
)
def test_a_token_says_when_it_ends_or_does_not(authorization: str, expires: float | None) -> None:
    assert expires_s(authorization) == (float("inf") if expires is None else expires)


def test_a_token_counts_no_longer_than_it_says(answers: LastAnswers, clock: HandMovedClock) -> None:
    question = replace(ASKED, authorization=jwt({"exp": clock.wall() + 90}))
    answers.note(question)
    clock.advance(89)
    assert answers.recall(question)
    clock.advance(1)
    assert answers.recall(question) is None


def test_of_too_many_that_were_noted_the_first_is_forgotten_and_written_again(
    drawer: Drawer, clock: HandMovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_answers, "_KNOWN_FOLDERS", 2)
    answers = LastAnswers(drawer, clock, HOUR_S)
    places = [replace(ASKED, authorization=TOKEN, repository=f"org/{number}") for number in range(3)]
    for place in places:
        answers.note(place)
    assert drawer.writes == 3

    answers.note(places[2])
    answers.note(places[1])
    assert drawer.writes == 3
    answers.note(places[0])
    assert drawer.writes == 4


def test_a_password_is_hashed_once_as_long_as_it_is_among_the_last(
    drawer: Drawer, clock: HandMovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[bytes] = []

    def counting(written: bytes, **how: Any) -> bytes:
        hashed.append(written)
        assert (how["n"], how["r"], how["p"], how["dklen"], how["salt"]) == (2**13, 8, 1, 32, b"s" * 32)
        return written

    monkeypatch.setattr(last_answers, "_KNOWN_PASSWORDS", 2)
    monkeypatch.setattr(last_answers.hashlib, "scrypt", counting)
    answers = LastAnswers(drawer, clock, HOUR_S)
    for number in (0, 1, 1, 0, 2, 2, 1, 0):
        answers.recall(replace(ASKED, authorization=f"bAsIc {number}"))
    assert [int(written[-1:]) for written in hashed] == [0, 1, 2, 0]
    answers.recall(replace(ASKED, authorization="Bearer basic x"))
    assert len(hashed) == 4


def test_notes_are_swept_at_the_first_and_after_each_thousand(drawer: Drawer, clock: HandMovedClock) -> None:
    swept: list[tuple[float, int]] = []
    drawer.sweep = lambda older_than_s, limit: swept.append((older_than_s, limit)) or 0  # type: ignore[func-returns-value]
    answers = LastAnswers(drawer, clock, HOUR_S)
    counts = []
    for number in range(1001):
        answers.note(replace(ASKED, authorization=TOKEN, repository=f"org/{number}"))
        counts.append(len(swept))

    assert (counts[0], counts[999], counts[1000]) == (1, 1, 2)
    assert swept[0] == (clock.wall() - HOUR_S, last_answers.NOTES_LIMIT)


def test_what_is_asked_of_those_without_credentials_is_kept_by_itself(answers: LastAnswers) -> None:
    challenge = ASKED.for_its_challenge
    assert (ASKED.anonymous, challenge.anonymous) == (False, True)
    assert challenge == Question("hub https://hub.test", "", "", "org/app", "challenge")
    answers.note(challenge, challenge="Basic realm=x")

    found = answers.recall(replace(ASKED, authorization="Bearer other").for_its_challenge)
    assert found is not None
    assert (found.challenge, found.digest) == ("Basic realm=x", "")
    assert answers.recall(ASKED) is None


@pytest.mark.parametrize("field", ["authorization", "query", "repository", "what"])
def test_letters_of_any_alphabet_are_told_from_each_other(answers: LastAnswers, field: str) -> None:
    answers.note(replace(ASKED, **{field: "Basic б"}))

    assert answers.recall(replace(ASKED, **{field: "Basic б"}))
    assert answers.recall(replace(ASKED, **{field: "Basic в"})) is None


def test_a_note_has_the_name_by_which_every_version_finds_it(answers: LastAnswers, drawer: Drawer) -> None:
    answers.note(replace(ASKED, authorization=TOKEN))

    assert list(drawer.kept) == [("aaba39cedb1dc7175f51626b0b8bcf48", "1bb74a1f1f56e8f8d58fb4825d391c1e")]


def test_a_yes_says_no_more_than_it_was_given() -> None:
    bare = last_answers.LastAnswer(said_s=1.0, until_s=2.0)

    assert (bare.digest, bare.content_type, bare.challenge) == ("", "", "")
