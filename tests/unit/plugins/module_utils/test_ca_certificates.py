"""The judgement on one certificate, with the time passed in."""

from __future__ import annotations

import ssl

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.ca_certificates import (
    UnfitCertificate,
    describe_if_possible,
    load_ca_certificate,
    matches,
    parse_pin,
)
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption
from certificates_made import NOW, Made, days
from cryptography.hazmat.primitives.serialization import Encoding

PIN = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        PIN,
        PIN.upper(),
        ":".join(PIN[at : at + 2] for at in range(0, 64, 2)),
        f" sha256:{PIN} ",
        f"SHA-256={PIN}",
        f"sha256 Fingerprint={':'.join(PIN[at:at + 2] for at in range(0, 64, 2)).upper()}",
    ],
)
def test_every_usual_writing_of_a_fingerprint_is_the_same_pin(text):
    assert parse_pin(text) == PIN


@pytest.mark.parametrize("text", ["", PIN[:-1], PIN + "0", PIN[:-1] + "g", "sha1:" + PIN[:40]])
def test_anything_else_is_no_pin(text):
    with pytest.raises(WrongOption, match="64 hex digits"):
        parse_pin(text)


def test_a_certificate_is_good_from_its_first_to_its_last_second():
    made = Made("root", start=0, end=10)
    first, last = made.certificate.not_valid_before_utc, made.certificate.not_valid_after_utc
    for moment in (first, last):
        assert load_ca_certificate(made.pem, "content", moment).subject == "CN=root"
    for moment, words in ((first - days(1), "not valid before"), (last + days(1), "expired at")):
        with pytest.raises(UnfitCertificate, match=words):
            load_ca_certificate(made.pem, "content", moment)


def test_only_the_certificate_itself_is_kept_of_a_text():
    made = Made("root")
    loaded = load_ca_certificate(f"Certificate:\n  Data\n{made.pem}\nbye", "content", NOW)
    assert loaded.pem == made.pem
    assert matches(loaded, made.sha256)
    assert not matches(loaded, Made("root").sha256)


def test_what_stood_in_the_file_is_described_even_if_it_would_not_be_accepted():
    expired = Made("old", start=-9, end=-1)
    assert describe_if_possible(expired.pem).subject == "CN=old"
    assert describe_if_possible("rubbish") is None
    assert describe_if_possible(expired.pem * 2) is None


@pytest.mark.parametrize("value", [0x00, 0x80, 0xFF])
def test_a_certificate_with_any_byte_altered_is_read_or_refused_in_a_sentence(value):
    made = Made("root")
    whole = made.certificate.public_bytes(Encoding.DER)
    refused = 0
    for at in range(len(whole)):
        altered = whole[:at] + bytes([value]) + whole[at + 1 :]
        try:
            load_ca_certificate(ssl.DER_cert_to_PEM_cert(altered), "content", NOW)
        except UnfitCertificate:
            refused += 1
    assert refused > len(whole) / 10
