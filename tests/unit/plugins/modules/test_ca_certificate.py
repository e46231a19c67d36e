"""DTR's CA into a file: the pin decides, refusals are explained, and only the real file changes."""

from __future__ import annotations

import os

import pytest
from certificates_made import Made
from scripted_server import Says


@pytest.fixture(scope="module")
def authority():
    return Made("DTR root CA")


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "dtr-ca.pem"


def with_colons(fingerprint):
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def snapshot(path):
    return (path.read_bytes(), path.stat().st_mode) if path.exists() else None


@pytest.mark.parametrize(
    "found", ["nothing", "the same", "another", "the same with text around", "rubbish", "wrong mode"]
)
def test_check_mode_foretells_exactly_what_a_run_does_and_a_second_run_does_nothing(run_module, authority, dest, found):
    text = {
        "nothing": None,
        "the same": authority.pem,
        "wrong mode": authority.pem,
        "another": Made("old CA").pem,
        "the same with text around": "subject: DTR root CA\n" + authority.pem,
        "rubbish": "no certificate",
    }[found]
    if text is not None:
        dest.write_text(text)
        dest.chmod(0o600 if found == "wrong mode" else 0o644)
    before = snapshot(dest)
    task = {"content": authority.pem, "dest": str(dest)}
    foretold = run_module("ca_certificate", check=True, **task)
    assert snapshot(dest) == before
    done = run_module("ca_certificate", **task)
    after = snapshot(dest)
    again = run_module("ca_certificate", **task)
    differs = found != "the same"
    assert (foretold["changed"], done["changed"], again["changed"]) == (differs, differs, False)
    assert foretold["diff"] == done["diff"]
    assert (done["diff"]["before"] != done["diff"]["after"]) == differs
    assert after == (authority.pem.encode(), 0o100644)
    assert done["certificate"]["sha256"] == with_colons(authority.sha256)


def test_the_ca_of_a_dtr_is_fetched_when_the_pin_is_right_however_it_is_written(run_module, dtr, dest):
    ca = dtr.simulator.ca_path.read_text()
    seen = run_module("ca_certificate", dtr_url=dtr.simulator.url, dest=str(dest))["fingerprint_seen"]
    pins = [seen, seen.lower(), seen.replace(":", ""), f"SHA256 Fingerprint={seen}", f"sha256:{seen.replace(':', '')}"]
    for pin in pins:
        assert not run_module("ca_certificate", dtr_url=dtr.simulator.url, dest=str(dest), sha256=pin).failed
    assert dest.read_text().strip() == ca.strip()
    assert os.listdir(dest.parent) == [dest.name]


def test_without_a_pin_nothing_is_written_and_the_way_to_check_is_told(run_module, dtr, dest):
    refused = run_module("ca_certificate", dtr_url=dtr.simulator.url, dest=str(dest))
    assert refused["fingerprint_seen"] in refused.sentence
    assert "openssl x509 -noout -sha256 -fingerprint" in refused.sentence
    assert not dest.exists()


def test_a_man_in_the_middle_with_a_ca_of_his_own_gets_nothing_written(run_module, authority, server, tmp_path, dest):
    his = Made("DTR root CA")
    middle = server(lambda asked: Says(body=his.pem), tls=his.files(tmp_path))
    dest.write_text(authority.pem)
    before = snapshot(dest)
    refused = run_module("ca_certificate", dtr_url=middle.url, sha256=authority.sha256, dest=str(dest))
    assert with_colons(authority.sha256) in refused.sentence
    assert with_colons(his.sha256) in refused.sentence
    assert snapshot(dest) == before


def test_no_credentials_are_sent_to_an_unverified_dtr(run_module, authority, server, dest, monkeypatch):
    monkeypatch.setenv("DTR_USERNAME", "admin")
    monkeypatch.setenv("DTR_PASSWORD", "canary-4711")
    dtr = server(lambda asked: Says(body=authority.pem))
    assert not run_module("ca_certificate", dtr_url=dtr.url, sha256=authority.sha256, dest=str(dest)).failed
    (asked,) = dtr.asked
    assert asked.path == "/ca"
    assert "Authorization" not in asked.headers


def unfit(kind):
    good = Made("root")
    return {
        "leaf": (Made("dtr.example.com", ca=False, signer=good).pem, "is no CA certificate"),
        "no basic constraints": (Made("dtr.example.com", ca=None).pem, "is no CA certificate"),
        "no right to sign": (Made("odd CA", sign=False).pem, "forbids signing"),
        "expired": (Made("old CA", start=-30, end=-1).pem, "which expired at"),
        "not valid yet": (Made("next CA", start=1).pem, "not valid before"),
        "several": (good.pem + Made("second").pem, "holds 2 certificates"),
        "key": (good.key_pem + good.pem, "private key"),
        "rsa key": (good.pem + "-----BEGIN RSA PRIVATE KEY-----\nQQ==\n-----END RSA PRIVATE KEY-----", "private key"),
        "oversize": (good.pem + " " * 70_000, "65536 bytes"),
        "web page": ("<html>Sign in</html>", "no certificate in PEM format"),
        "empty": (" ", "no certificate in PEM format"),
        "cut": (good.pem.replace("MII", "QQ", 1), "cannot be read"),
    }[kind]


KINDS = [
    "leaf",
    "no basic constraints",
    "no right to sign",
    "expired",
    "not valid yet",
    "several",
    "key",
    "rsa key",
    "oversize",
    "web page",
    "empty",
    "cut",
]


@pytest.mark.parametrize("way", ["content", "fetched"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_one_good_ca_certificate_is_refused_with_the_reason(run_module, server, dest, kind, way):
    text, words = unfit(kind)
    task = {"content": text} if way == "content" else {"dtr_url": server(lambda asked: Says(body=text)).url}
    for check in (True, False):
        refused = run_module("ca_certificate", check=check, dest=str(dest), **task)
        assert words in refused.sentence
        assert "BEGIN" not in refused.output or "key" not in kind
    assert not dest.exists()


def test_content_and_pin_must_agree(run_module, authority, dest):
    refused = run_module("ca_certificate", content=authority.pem, sha256="ab" * 32, dest=str(dest))
    assert "but the pin is AB:AB" in refused.sentence
    assert not dest.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sha256": "abc"}, "64 hex digits"),
        ({"dest": "/nowhere/at/all/ca.pem"}, "/nowhere/at/all"),
        ({"dest": "/"}, "is a directory"),
        ({"content": None}, "dtr_url, content"),
    ],
)
def test_wrong_options_are_named(run_module, authority, dest, change, words):
    task = {"content": authority.pem, "dest": str(dest), **change}
    task = {key: value for key, value in task.items() if value is not None}
    assert words in run_module("ca_certificate", **task).sentence


def test_a_dtr_that_has_no_ca_page_is_an_explained_failure(run_module, server, dest):
    dtr = server(lambda asked: Says(status=404, body="<h1>404</h1> page not found"))
    refused = run_module("ca_certificate", dtr_url=dtr.url, sha256="ab" * 32, dest=str(dest))
    assert "hand out its CA certificate" in refused.sentence
    assert "404 page not found" in refused.sentence
