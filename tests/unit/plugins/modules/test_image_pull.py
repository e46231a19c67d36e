"""Pulls against a simulated DTR, directly and through a stand-in cache."""

from __future__ import annotations

import hashlib
import json

import pytest
import requests
from certificates_made import Made
from dtr_simulator.image import write_image
from dtr_simulator.running import running_simulator
from scripted_server import Says


def fetching_cache(dtr, header="dtr-content-cache; fwd=uri-miss; stored", change=lambda asked, says: says):
    """An ``answer`` for a ScriptedServer: a content cache without a memory, which asks DTR with the client's grant."""

    def answer(asked):
        from_dtr = requests.get(
            f"{dtr.simulator.url}{asked.path}?{asked.query}", verify=str(dtr.simulator.ca_path), timeout=10
        )
        body, status, headers = from_dtr.content, from_dtr.status_code, {"Cache-Status": header}
        wanted = asked.headers.get("Range")
        if wanted and status == 200:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        return change(asked, Says(status=status, body=body, headers=headers))

    return answer


@pytest.fixture
def cache_of(run_module, dtr, server):
    """``cache_of(…)``: a running stand-in cache that alice is pointed at."""

    def start(tls=None, **kwargs):
        cache = server(fetching_cache(dtr, **kwargs), tls=tls)
        run_module("content_cache", name="near", host=cache.url, **dtr.options())
        run_module("account_settings", account="alice", content_cache="near", **dtr.options())
        dtr.simulator.forget_requests()
        return cache

    return start


@pytest.mark.parametrize(
    ("image", "platform", "blobs"),
    [
        ("org/app:1.0", "linux/amd64", 4),
        ("org/app:1.0", "linux/arm64", 4),
        ("org/app:single", "linux/amd64", 3),
    ],
)
def test_an_image_is_pulled_from_dtr_and_every_blob_verified(run_module, dtr, image, platform, blobs):
    done = run_module("image_pull", image=image, platform=platform, **dtr.options("alice"))
    assert len(done["blobs"]) == blobs
    assert all(one["verified"] and one["served_by"] == dtr.simulator.url for one in done["blobs"])
    assert (done["changed"], done["pulled"], done["denied"]) == (False, True, False)
    assert done["totals"]["bytes"] == sum(one["bytes"] for one in done["blobs"])
    assert dtr.writes() == []


def test_a_digest_and_dtrs_own_host_name_the_same_image(run_module, dtr):
    by_tag = run_module("image_pull", image="org/app:single", **dtr.options("alice"))
    authority = dtr.simulator.url.split("//")[1]
    by_digest = run_module("image_pull", image=f"{authority}/org/app@{by_tag['digest']}", **dtr.options("alice"))
    assert by_digest["digest"] == by_tag["digest"]


def test_every_blob_comes_from_the_expected_cache_without_a_credential_reaching_it(run_module, dtr, cache_of):
    cache = cache_of()
    done = run_module("image_pull", image="org/app:1.0", expect_cache=cache.url + "/", **dtr.options("alice"))
    assert {one["served_by"] for one in done["blobs"]} == {cache.url}
    assert not any(one["hit"] for one in done["blobs"])
    assert list(done["totals"]["served_by"]) == [cache.url]
    assert all("Authorization" not in one.headers and "grant=" in one.query for one in cache.asked)
    assert "grant=" not in done.output


def add_foreign_layer(layout):
    """Add to the layout's one image a layer that only its vendor may hand out. Its digest."""
    blobs = layout / "blobs" / "sha256"
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads((blobs / entry["digest"].removeprefix("sha256:")).read_text())
    foreign = "sha256:" + hashlib.sha256(b"the vendor's own").hexdigest()
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    manifest["layers"].append({"mediaType": kind, "digest": foreign, "size": 1000})
    text = json.dumps(manifest).encode()
    entry |= {"digest": "sha256:" + hashlib.sha256(text).hexdigest(), "size": len(text)}
    (blobs / entry["digest"].removeprefix("sha256:")).write_bytes(text)
    index = json.loads((layout / "index.json").read_text())
    (layout / "index.json").write_text(json.dumps(index | {"manifests": [entry]}))
    return foreign


def test_a_layer_that_only_its_vendor_hands_out_is_told_and_never_asked_for(run_module, tmp_path):
    write_image(tmp_path, "1.0", layers=1, layer_size=1000, docker_schema2=True)
    foreign = add_foreign_layer(tmp_path)
    with running_simulator(layouts={"org/app": tmp_path}, plain_http=True) as dtr:
        who = {"dtr_url": dtr.url, "dtr_username": "alice", "dtr_password": dtr.password("alice")}
        done = run_module("image_pull", image="org/app:1.0", **who)
        asked = "".join(one["path"] for one in dtr.requests())
    assert [one["digest"] for one in done["foreign_layers"]] == [foreign]
    assert (len(done["blobs"]), done["pulled"]) == (2, True)
    assert foreign not in asked


def test_hits_are_counted(run_module, dtr, cache_of):
    cache_of(header="dtr-content-cache; hit")
    done = run_module("image_pull", image="org/app:1.0", **dtr.options("alice"))
    assert done["totals"]["hits"] == 4


def test_check_mode_reads_the_manifest_and_asks_no_cache(run_module, dtr, cache_of):
    cache = cache_of()
    told = run_module("image_pull", check=True, image="org/app:1.0", **dtr.options("alice"))
    done = run_module("image_pull", image="org/app:single", **dtr.options("alice"))
    assert (told["pulled"], told["changed"]) == (False, False)
    assert "Check mode" in told["msg"]
    assert len(told["blobs"]) == 4
    assert len(cache.asked) == len(done["blobs"])


def test_an_account_without_rights_is_denied_and_a_wrong_password_is_not_called_that(run_module, dtr, cache_of):
    cache = cache_of()
    for check in (True, False):
        refused = run_module("image_pull", check=check, image="org/app:1.0", **dtr.options("bob"))
        assert refused["denied"] is True
        assert "account bob may not pull org/app:1.0" in refused.sentence
    wrong = run_module("image_pull", image="org/app:1.0", **dtr.options("bob", dtr_password="wrong-4711"))
    assert wrong["denied"] is False
    assert "does not accept the credentials of account bob" in wrong.sentence
    assert cache.asked == []


def test_a_public_image_needs_no_account(run_module, dtr):
    nobody = {key: value for key, value in dtr.options().items() if key in ("dtr_url", "ca_path")}
    assert not run_module("image_pull", image="org/public:single", **nobody).failed
    assert run_module("image_pull", image="org/app:single", **nobody)["denied"] is True


def test_another_cache_than_the_expected_one_is_named_with_the_blob(run_module, dtr, cache_of):
    cache = cache_of()
    refused = run_module(
        "image_pull", image="org/app:1.0", expect_cache="https://far.example.com", **dtr.options("alice")
    )
    assert cache.url in refused.sentence
    assert "https://far.example.com" in refused.sentence
    assert refused["failed_blob"] in refused.sentence
    assert refused["hop"] == cache.url


def test_an_unexpected_direct_answer_asks_for_the_accounts_settings(run_module, dtr):
    refused = run_module(
        "image_pull", image="org/app:1.0", expect_cache="https://far.example.com", **dtr.options("alice")
    )
    assert "do the account's settings name the cache?" in refused.sentence
    assert refused["hop"] == dtr.simulator.url


def test_a_cache_that_speaks_tls_with_an_unknown_ca_is_named_with_the_ca_that_was_consulted(
    run_module, dtr, cache_of, tmp_path
):
    office = Made("office CA")
    cache = cache_of(tls=Made("cache", ca=False, signer=office, address="127.0.0.1").files(tmp_path))
    refused = run_module("image_pull", image="org/app:1.0", **dtr.options("alice"))
    assert cache.url in refused.sentence
    assert str(dtr.simulator.ca_path) in refused.sentence
    assert "cache_ca_path" in refused.sentence
    assert refused["hop"] == cache.url
    ca = tmp_path / "office.pem"
    ca.write_text(office.pem)
    done = run_module("image_pull", image="org/app:1.0", cache_ca_path=str(ca), **dtr.options("alice"))
    assert {one["served_by"] for one in done["blobs"]} == {cache.url}


def test_a_cache_certificate_for_another_name_is_told(run_module, dtr, cache_of, tmp_path):
    office = Made("office CA")
    cache_of(tls=Made("cache", ca=False, signer=office, address="127.0.0.9").files(tmp_path))
    ca = tmp_path / "office.pem"
    ca.write_text(office.pem)
    refused = run_module("image_pull", image="org/app:1.0", cache_ca_path=str(ca), **dtr.options("alice"))
    assert "is for another name" in refused.sentence


def test_a_connection_that_breaks_in_the_middle_is_resumed_by_range_through_dtr(run_module, dtr, cache_of):
    broken = set()

    def breaking(asked, says):
        if asked.path in broken or len(says.bytes()) < 10_000:
            return says
        broken.add(asked.path)
        return Says(says.status, says.body, says.headers, cut_after=9_000)

    cache = cache_of(change=breaking)
    done = run_module("image_pull", image="org/app:1.0", **dtr.options("alice"))
    assert [one["resumed"] for one in done["blobs"]] == [0, 1, 1, 1]
    assert done["totals"]["resumed"] == 3
    assert sum("Range" in one.headers for one in cache.asked) == 3
    ranged = [one for one in dtr.simulator.requests() if "/blobs/" in one["path"] and one["status"] == 307]
    assert len(ranged) == 4 + 3


def test_wrong_bytes_are_never_called_verified(run_module, dtr, cache_of):
    def flip(asked, says):
        return Says(says.status, says.bytes()[:-1] + b"\0", says.headers)

    cache = cache_of(change=flip)
    refused = run_module("image_pull", image="org/app:1.0", **dtr.options("alice"))
    assert "hash to sha256:" in refused.sentence
    assert refused["hop"] == cache.url
    assert refused["failed_blob"] not in [one["digest"] for one in refused["blobs"]]


def test_a_cache_that_refuses_the_grant_is_a_fault_and_not_a_denied_account(run_module, dtr, cache_of):
    cache_of(change=lambda asked, says: Says(403, {"errors": [{"code": "DENIED", "message": "grant expired"}]}))
    refused = run_module("image_pull", image="org/app:1.0", **dtr.options("alice"))
    assert refused["denied"] is False
    assert "403 DENIED: grant expired" in refused.sentence
    assert "did not accept DTR's grant" in refused.sentence


def test_a_cache_that_is_down_is_named(run_module, dtr, cache_of, monkeypatch):
    from ansible_collections.dtr.caches.plugins.module_utils import blob_download

    monkeypatch.setattr(blob_download, "ATTEMPTS_WITHOUT_PROGRESS", 1)
    cache = cache_of()
    cache.close()
    refused = run_module("image_pull", image="org/app:1.0", **dtr.options("alice"))
    assert f"Nothing listens at {cache.url}" in refused.sentence
    assert refused["hop"] == cache.url
    cache.close = lambda: None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image": "org/App:1"}, "not org/name in lower case"),
        ({"image": "app"}, "not org/name in lower case"),
        ({"image": "other.example.com/org/app:1"}, "another registry than dtr_url"),
        ({"image": "org/app@sha256:123"}, "64 lower-case hex digits"),
        ({"image": "org/app:"}, "tag is malformed"),
        ({"platform": "amd64"}, "os/architecture"),
        ({"platform": "linux/riscv64"}, "it has: linux/amd64, linux/arm64"),
        ({"expect_cache": "cache:5000"}, "expect_cache is 'cache:5000'"),
        ({"parallel": 0}, "1 to 16"),
        ({"bandwidth": "fast"}, "bytes per second"),
        ({"bandwidth": "1B"}, "1KB or more"),
        ({"cache_ca_path": "/nowhere.pem"}, "cache_ca_path is '/nowhere.pem', which is no file"),
        ({"image": "org/app:2.0"}, "has no org/app:2.0"),
    ],
)
def test_wrong_options_are_named(run_module, dtr, options, words):
    task = {"image": "org/app:1.0", **options}
    refused = run_module("image_pull", **task, **dtr.options("alice"))
    assert words in refused.sentence
    assert (refused["denied"], refused["image"]) == (False, task["image"])


def test_a_failure_before_anything_was_asked_is_no_denial_either(run_module):
    refused = run_module("image_pull", image="org/app:1.0", dtr_url="nowhere")
    assert (refused["denied"], refused.failed) == (False, True)
