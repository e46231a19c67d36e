"""The doorkeeper remembers signatures, never verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from doubles.clock import HandMovedClock
from doubles.gate import ADDRESS, NOW_S, Gate
from doubles.signing import Signer
from dtr_content_cache.admission import Admission, KeySet
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.failures import GrantRefused


def counted(keys: KeySet) -> tuple[KeySet, list[bytes]]:
    """The same keys, and a list that grows by each signature they are asked to verify."""
    asked: list[bytes] = []

    def counting(check):
        def ask(signing_input: bytes, signature: bytes) -> None:
            asked.append(signature)
            check(signing_input, signature)

        return ask

    return KeySet(
        keys.origin, {kid: replace(key, _check=counting(key._check)) for kid, key in keys.keys.items()}
    ), asked


@pytest.fixture
def clock() -> HandMovedClock:
    return HandMovedClock(wall_s=NOW_S)


def refused(admission: Admission, query: str, address: BlobAddress = ADDRESS) -> str:
    with pytest.raises(GrantRefused) as refusal:
        admission.admit(address, query)
    return refusal.value.reason


def test_before_the_first_keys_everything_is_refused(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    assert admission.keys is None
    assert refused(admission, "grant=" + gate.token()) == "no-keys"


def test_a_grant_that_comes_again_is_not_verified_again(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    keys, asked = counted(gate.keys)
    admission.use(keys)
    query = "grant=" + gate.token()
    assert admission.admit(ADDRESS, query) == admission.admit(ADDRESS, query)
    assert len(asked) == 1


def test_a_remembered_grant_opens_no_other_repository_or_blob(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    admission.use(gate.keys)
    query = "grant=" + gate.token()
    admission.admit(ADDRESS, query)
    assert refused(admission, query, BlobAddress("org/secret", ADDRESS.digest)) == "wrong-repository"
    assert refused(admission, query, BlobAddress("org/app", Digest("0" * 64))) == "wrong-digest"


def test_a_remembered_grant_expires_to_the_second(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    admission.use(gate.keys)
    query = "grant=" + gate.token()
    admission.admit(ADDRESS, query)
    clock.set_wall(NOW_S + 290 + 29.9)
    admission.admit(ADDRESS, query)
    clock.set_wall(NOW_S + 290 + 30)
    assert refused(admission, query) == "expired"


def test_a_key_that_left_is_refused_at_once_though_its_grant_was_remembered(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    admission.use(gate.keys)
    query = "grant=" + gate.token()
    admission.admit(ADDRESS, query)
    admission.use(Gate(Signer("EdDSA", kid="key-2")).keys)
    assert refused(admission, query) == "unknown-key"


def test_where_nobodys_keys_are_good_what_was_remembered_is_refused_too(gate: Gate, clock: HandMovedClock) -> None:
    admission, query = Admission(clock, 30), "grant=" + gate.token()
    admission.use(gate.keys)
    admission.admit(ADDRESS, query)

    admission.use(None)

    assert refused(admission, query) == "no-keys"


def test_another_key_under_the_same_name_forgets_what_the_old_one_signed(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    admission.use(gate.keys)
    query = "grant=" + gate.token()
    admission.admit(ADDRESS, query)
    admission.use(Gate(Signer("EdDSA")).keys)
    assert refused(admission, query) == "bad-signature"


def test_another_origin_with_the_same_keys_forgets_too(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    admission.use(gate.keys)
    query = "grant=" + gate.token()
    admission.admit(ADDRESS, query)
    admission.use(KeySet("https://dtr.example.org", gate.keys.keys))
    assert refused(admission, query) == "wrong-issuer"


def test_the_same_keys_again_forget_nothing(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    keys, asked = counted(gate.keys)
    query = "grant=" + gate.token()
    for _ in range(3):
        admission.use(counted(keys)[0])
        admission.admit(ADDRESS, query)
    assert len(asked) == 1


def test_what_was_refused_is_not_remembered(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30)
    keys, asked = counted(gate.keys)
    admission.use(keys)
    query = "grant=" + Gate(Signer("EdDSA")).token()
    assert refused(admission, query) == refused(admission, query) == "bad-signature"
    assert len(asked) == 2


def test_the_memory_is_bounded_and_keeps_what_was_asked_last(gate: Gate, clock: HandMovedClock) -> None:
    admission = Admission(clock, 30, remembered_queries=3)
    keys, asked = counted(gate.keys)
    admission.use(keys)
    queries = [f"grant={gate.token(jti=str(number))}" for number in range(4)]
    for query in (*queries[:3], queries[0], queries[3]):  # the second is now the one not asked for longest
        admission.admit(ADDRESS, query)
    assert len(asked) == 4
    for query in (queries[0], queries[2], queries[3]):
        admission.admit(ADDRESS, query)
    assert len(asked) == 4
    admission.admit(ADDRESS, queries[1])
    assert len(asked) == 5


def test_a_query_of_more_than_4096_characters_is_admitted_and_not_remembered(gate: Gate, clock: HandMovedClock) -> None:
    keys, asked = counted(gate.keys)
    admission = Admission(clock, 30)
    admission.use(keys)
    query = "grant=" + gate.token() + "&ns="
    longest = query + "x" * (4096 - len(query))

    for _ in range(2):
        admission.admit(ADDRESS, longest)
    assert len(asked) == 1
    for _ in range(2):
        admission.admit(ADDRESS, longest + "x")
    assert len(asked) == 3


def test_the_keys_that_decide_are_the_last_ones_given_and_none_before(clock: HandMovedClock) -> None:
    admission = Admission(clock, 30.0)
    assert admission.keys is None

    keys = Gate(Signer("EdDSA")).keys
    admission.use(keys)

    assert admission.keys is keys
