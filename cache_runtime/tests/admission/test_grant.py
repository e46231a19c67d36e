"""What a good grant opens, and until when."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doubles.gate import ADDRESS, DIGEST, NOW_S, SKEW_S, Gate, claims, signer
from doubles.signing import Signer
from dtr_content_cache import admission
from dtr_content_cache.admission import REASONS, admit
from dtr_content_cache.admission.grant import verify
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.failures import GrantRefused


def test_a_good_grant_of_each_algorithm_is_admitted(each_gate: Gate) -> None:
    grant = each_gate.ask("grant=" + each_gate.token())
    assert (grant.account, grant.repository, str(grant.digest)) == ("alice", "org/app", DIGEST)
    assert (grant.issued_s, grant.expires_s, grant.token_id) == (NOW_S - 10, NOW_S + 290, "5f0c1d2e")


@pytest.mark.parametrize("query", ["ns=dtr.example.com&{}", "{}&ns=dtr.example.com", "a=1&b=2&c=3&{}&d&e=&&f=%2F"])
def test_other_parameters_do_not_matter(gate: Gate, query: str) -> None:
    assert gate.reason(query.format("grant=" + gate.token())) == "admitted"


def test_a_header_without_typ_and_claims_that_nobody_knows_are_fine(gate: Gate) -> None:
    assert gate.reason("grant=" + gate.token(header={"typ": None}, region="us", note={"a": [1.5]})) == "admitted"


def test_es256_signatures_are_the_64_bytes_of_r_and_s() -> None:
    gate = Gate(signer("ES256"))
    assert len(gate.signer.signature(b"x")) == 64
    assert gate.reason("grant=" + gate.token()) == "admitted"


@pytest.mark.parametrize(
    ("now_s", "expected"),
    [
        (NOW_S + 290 + SKEW_S - 0.001, "admitted"),
        (NOW_S + 290 + SKEW_S, "expired"),
        (NOW_S + 290 + SKEW_S + 1, "expired"),
        (NOW_S - 10 - SKEW_S, "admitted"),
        (NOW_S - 10 - SKEW_S - 0.001, "not-yet-valid"),
        (0.0, "not-yet-valid"),
        (1e12, "expired"),
    ],
)
def test_a_grant_is_valid_from_iat_to_before_exp_give_or_take_the_clock_skew(
    gate: Gate, now_s: float, expected: str
) -> None:
    assert gate.reason("grant=" + gate.token(), now_s=now_s) == expected


def test_without_clock_skew_the_second_of_exp_is_already_outside(gate: Gate) -> None:
    query = "grant=" + gate.token()
    assert gate.reason(query, now_s=NOW_S + 290, skew_s=0) == "expired"
    assert gate.reason(query, now_s=NOW_S + 289.999, skew_s=0) == "admitted"


def test_a_grant_for_one_repository_does_not_open_the_same_blob_of_another(gate: Gate) -> None:
    other = BlobAddress("org/secret", ADDRESS.digest)
    assert gate.reason("grant=" + gate.token(), address=other) == "wrong-repository"


def test_a_grant_for_one_blob_does_not_open_another_of_the_same_repository(gate: Gate) -> None:
    other = BlobAddress("org/app", Digest.parse("sha256:" + "00" * 32))
    assert gate.reason("grant=" + gate.token(), address=other) == "wrong-digest"


def test_without_keys_a_well_formed_grant_is_refused_for_want_of_keys(gate: Gate) -> None:
    with pytest.raises(GrantRefused) as refusal:
        admit(ADDRESS, "grant=" + gate.token(), None, NOW_S, SKEW_S)
    assert refusal.value.reason == "no-keys"


def test_no_refusal_tells_any_part_of_the_token(gate: Gate) -> None:
    other = Gate(Signer("EdDSA"))
    for token in (gate.token(aud="canary-aud"), other.token(sub="canary-sub"), gate.token(iat="canary-iat")):
        with pytest.raises(GrantRefused) as refusal:
            verify(token, gate.keys)
        parts = [part for part in token.split(".") if len(part) > 8]
        assert refusal.value.reason in REASONS
        assert not any(part in str(refusal.value) for part in parts)
        assert "canary" not in str(refusal.value)


def test_the_longest_grant_has_4096_characters(gate: Gate) -> None:
    assert claims()["ver"] == 1
    fitting = max((gate.token(pad="x" * size) for size in range(2500, 2800)), key=lambda t: len(t) * (len(t) <= 4096))
    assert 4090 <= len(fitting) <= 4096
    assert gate.reason("grant=" + fitting) == "admitted"
    assert gate.reason("grant=" + gate.token(pad="x" * 2900)) == "too-long"


def test_the_reasons_are_those_that_figures_and_logs_are_kept_by() -> None:
    assert set(REASONS) == {
        "missing",
        "repeated",
        "too-long",
        "malformed",
        "unknown-key",
        "wrong-algorithm",
        "bad-signature",
        "wrong-version",
        "wrong-claims",
        "wrong-issuer",
        "wrong-repository",
        "wrong-digest",
        "wrong-action",
        "expired",
        "not-yet-valid",
        "no-keys",
    }


def test_each_of_the_reasons_is_that_of_some_refusal(gate: Gate) -> None:
    without_keys, elsewhere = Gate(gate.signer), Digest.parse("sha256:" + "00" * 32)
    without_keys.keys = None  # type: ignore[assignment]
    good, now_s = "grant=" + gate.token(), NOW_S
    said = [
        gate.reason(""),
        gate.reason(f"{good}&{good}"),
        gate.reason("grant=" + "x" * 4097),
        gate.reason("grant=x"),
        gate.reason("grant=" + gate.token(header={"kid": "nobody's"})),
        gate.reason("grant=" + gate.token(header={"alg": "none"})),
        gate.reason(good[:-8] + "AAAAAAAA"),
        gate.reason("grant=" + gate.token(ver=2)),
        gate.reason("grant=" + gate.token(jti=None)),
        gate.reason("grant=" + gate.token(iss="https://elsewhere.test")),
        gate.reason("grant=" + gate.token(act="push")),
        gate.reason(good, address=BlobAddress("org/secret", ADDRESS.digest)),
        gate.reason(good, address=BlobAddress("org/app", elsewhere)),
        gate.reason(good, now_s=now_s + 3600),
        gate.reason(good, now_s=now_s - 3600),
        without_keys.reason(good),
    ]

    assert sorted(said) == sorted(REASONS)


@pytest.mark.parametrize(("lifetime_s", "expected"), [(1, "admitted"), (3600, "admitted"), (3601, "wrong-claims")])
def test_a_grant_lasts_a_second_to_an_hour(gate: Gate, lifetime_s: int, expected: str) -> None:
    token = gate.token(iat=NOW_S, exp=NOW_S + lifetime_s)
    assert gate.reason("grant=" + token, now_s=NOW_S) == expected


@pytest.mark.parametrize("name", ["sub", "jti"])
@pytest.mark.parametrize(
    ("length", "expected"), [(0, "wrong-claims"), (1, "admitted"), (255, "admitted"), (256, "wrong-claims")]
)
def test_a_name_in_a_grant_has_1_to_255_characters(gate: Gate, name: str, length: int, expected: str) -> None:
    assert gate.reason("grant=" + gate.token(**{name: "n" * length})) == expected


def test_the_words_for_a_refusal_are_those_that_are_listed_and_no_others() -> None:
    room = Path(admission.__file__).parent
    raised = {
        word
        for path in room.glob("*.py")
        for word in re.findall(r'GrantRefused\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8"))
    }

    assert raised == set(REASONS)
