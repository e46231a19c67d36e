"""Manifests, tags and blobs out of an OCI image layout."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dtr_simulator.content.layout import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from dtr_simulator.handlers.conditions import NotSatisfiable, one_range
from dtr_simulator.image import WrittenImage, write_image
from dtr_simulator.running import running_simulator

MANIFEST = "/v2/org/app/manifests/1.0"
UNKNOWN = "sha256:" + "0" * 64


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory, client: Any) -> Iterator[tuple[Any, dict[str, WrittenImage]]]:
    """A simulator with one tag for each kind of manifest; the images by tag."""
    folder = tmp_path_factory.mktemp("kinds")
    both = ("linux/amd64", "linux/arm64/v8")
    images = {"oci": write_image(folder, "oci", layers=1, layer_size=1000),
              "docker": write_image(folder, "docker", layers=1, layer_size=1000, docker_schema2=True),
              "index": write_image(folder, "index", layers=1, layer_size=1000, platforms=both),
              "list": write_image(folder, "list", layers=1, layer_size=1000, platforms=both, docker_schema2=True)}
    with running_simulator(layouts={"org/app": folder}) as simulator:
        yield type(client)(simulator), images


OWN_TYPE = {"oci": OCI_MANIFEST, "docker": DOCKER_MANIFEST, "index": OCI_INDEX, "list": DOCKER_LIST}


@pytest.mark.parametrize("tag", OWN_TYPE)
@pytest.mark.parametrize("accept", [None, "*/*", "application/json, */*;q=0.1", ", ".join(OWN_TYPE.values())])
def test_a_client_that_takes_the_kind_gets_it(kinds: Any, tag: str, accept: str | None) -> None:
    asking, images = kinds
    answer = asking.pull("GET", f"/v2/org/app/manifests/{tag}", "alice", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == OWN_TYPE[tag]
    assert answer.headers["Docker-Content-Digest"] == images[tag].digest
    assert "sha256:" + hashlib.sha256(answer.content).hexdigest() == images[tag].digest


@pytest.mark.parametrize(("tag", "accept", "status"), [
    ("oci", DOCKER_MANIFEST, 404), ("docker", OCI_MANIFEST, 404), ("index", DOCKER_LIST, 404),
    ("index", OCI_MANIFEST, 200), ("list", DOCKER_MANIFEST, 200), ("list", OCI_MANIFEST, 404)])
def test_a_client_that_does_not_take_the_kind_gets_one_that_it_takes_or_404(kinds: Any, tag: str, accept: str,
                                                                           status: int) -> None:
    asking, images = kinds
    answer = asking.pull("GET", f"/v2/org/app/manifests/{tag}", "alice", headers={"Accept": accept})
    assert answer.status_code == status
    if status == 200:
        assert answer.headers["Content-Type"] == accept
        assert answer.headers["Docker-Content-Digest"] == images[tag].manifests[0]
    else:
        assert answer.json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"


def test_several_accept_headers_count_as_one(kinds: Any) -> None:
    asking, _ = kinds
    token = asking.token("alice", "repository:org/app:pull")
    port = int(asking.simulator.url.rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=ssl.create_default_context(
        cafile=str(asking.simulator.ca_path)))
    connection.putrequest("GET", "/v2/org/app/manifests/docker")
    for name, value in (("Accept", OCI_MANIFEST), ("Accept", DOCKER_MANIFEST), ("Authorization", f"Bearer {token}")):
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 200
    connection.close()


def test_a_manifest_is_found_by_digest_and_not_exchanged(kinds: Any) -> None:
    asking, images = kinds
    for digest in (images["index"].digest, *images["index"].manifests):
        answer = asking.pull("GET", f"/v2/org/app/manifests/{digest}", "alice")
        assert answer.headers["Docker-Content-Digest"] == digest
    answer = asking.pull("GET", f"/v2/org/app/manifests/{images['index'].digest}", "alice",
                         headers={"Accept": OCI_MANIFEST})
    assert answer.status_code == 404


def test_the_platforms_of_an_index_are_those_asked_for(kinds: Any) -> None:
    asking, _ = kinds
    entries = asking.pull("GET", "/v2/org/app/manifests/index", "alice").json()["manifests"]
    assert [one["platform"] for one in entries] == [
        {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64", "variant": "v8"}]


def test_head_of_a_manifest_has_the_headers_and_no_body(client: Any) -> None:
    got, head = client.pull("GET", MANIFEST, "alice"), client.pull("HEAD", MANIFEST, "alice")
    for name in ("Content-Type", "Content-Length", "Docker-Content-Digest", "Etag"):
        assert head.headers[name] == got.headers[name]
    assert head.content == b""


@pytest.mark.parametrize("form", ['"{}"', "{}", 'W/"{}"', "*", '"x", "{}"'])
def test_a_known_manifest_or_blob_is_not_sent_again(client: Any, image: WrittenImage, blob: str, form: str) -> None:
    for path, digest in ((MANIFEST, image.digest), (f"/v2/org/app/blobs/{blob}", blob)):
        answer = client.pull("GET", path, "alice", headers={"If-None-Match": form.replace("{}", digest)})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["Etag"] == f'"{digest}"'


def test_a_blob_has_the_headers_of_a_registry(client: Any, image: WrittenImage, blob: str) -> None:
    for method in ("GET", "HEAD"):
        answer = client.pull(method, f"/v2/org/app/blobs/{blob}", "alice")
        assert answer.status_code == 200
        wanted = {"Accept-Ranges": "bytes", "Cache-Control": "max-age=31536000", "Docker-Content-Digest": blob,
                  "Content-Type": "application/octet-stream", "Etag": f'"{blob}"',
                  "Content-Length": str(image.blobs[blob])}
        assert {name: answer.headers[name] for name in wanted} == wanted
        assert "Server" not in answer.headers
        assert len(answer.content) == (image.blobs[blob] if method == "GET" else 0)


@pytest.mark.parametrize(("header", "first", "last"), [("bytes=0-99", 0, 99), ("bytes=1000-", 1000, None),
                                                       ("bytes=-10", -10, None), ("bytes=5-99999999", 5, None)])
def test_a_range_of_a_blob_is_sent_as_206(client: Any, image_folder: Path, blob: str, header: str, first: int,
                                          last: int | None) -> None:
    whole = (image_folder / "blobs/sha256" / blob.removeprefix("sha256:")).read_bytes()
    piece = whole[first:] if last is None else whole[first:last + 1]
    start = first % len(whole)
    for method in ("GET", "HEAD"):
        answer = client.pull(method, f"/v2/org/app/blobs/{blob}", "alice", headers={"Range": header})
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {start}-{start + len(piece) - 1}/{len(whole)}"
        assert answer.headers["Content-Length"] == str(len(piece))
        assert answer.content == (piece if method == "GET" else b"")


def test_a_range_behind_the_end_is_416_with_the_size(client: Any, image: WrittenImage, blob: str) -> None:
    answer = client.pull("GET", f"/v2/org/app/blobs/{blob}", "alice", headers={"Range": "bytes=99999999-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{image.blobs[blob]}")


@pytest.mark.parametrize("header", ["foo", "bytes=9-5", "bytes=-", "bytes=0-1,3-4", "items=0-1"])
def test_a_range_that_is_malformed_or_several_gets_the_whole(client: Any, image: WrittenImage, blob: str,
                                                            header: str) -> None:
    answer = client.pull("GET", f"/v2/org/app/blobs/{blob}", "alice", headers={"Range": header})
    assert (answer.status_code, len(answer.content)) == (200, image.blobs[blob])


def test_if_range_decides_between_a_part_and_the_whole(client: Any, blob: str) -> None:
    for condition, status in ((f'"{blob}"', 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        assert client.pull("GET", f"/v2/org/app/blobs/{blob}", "alice", headers=headers).status_code == status


def test_no_range_of_an_empty_blob_exists() -> None:
    for header in ("bytes=0-", "bytes=0-0", "bytes=-1"):
        with pytest.raises(NotSatisfiable):
            one_range(header, 0)


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/v2/org/app/manifests/none", 404, "MANIFEST_UNKNOWN"),
    (f"/v2/org/app/manifests/{UNKNOWN}", 404, "MANIFEST_UNKNOWN"),
    ("/v2/org/app/manifests/sha256:12", 400, "DIGEST_INVALID"), ("/v2/org/app/manifests/-bad", 400, "TAG_INVALID"),
    (f"/v2/org/app/blobs/{UNKNOWN}", 404, "BLOB_UNKNOWN"), ("/v2/org/app/blobs/sha256:abc", 400, "DIGEST_INVALID"),
    ("/v2/org/app/blobs/md5:abc", 400, "DIGEST_INVALID"),
    ("/v2/org/app/blobs/%2e%2e%2findex.json", 400, "DIGEST_INVALID"), ("/v2/Org/app/blobs/x", 400, "NAME_INVALID"),
    ("/v2/org/app/tags/list?n=x", 400, "PAGINATION_NUMBER_INVALID")])
def test_what_does_not_exist_or_is_no_name_is_said(client: Any, path: str, status: int, code: str) -> None:
    answer = client.pull("GET", path, "admin")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/v2", "/v3/", "/api/v0/none", "/v2/org/app", "/ca/x", "/../etc/passwd"])
def test_other_paths_are_404(client: Any, path: str) -> None:
    assert client.call("GET", path).status_code == 404


def test_a_manifest_is_no_traversal_out_of_the_layout(client: Any, image_folder: Path) -> None:
    outside = image_folder.parent / ("a" * 64)
    outside.write_text("{}")
    assert client.pull("GET", f"/v2/org/app/blobs/sha256:..%2f..%2f..%2f{'a' * 64}", "alice").status_code == 400


@pytest.mark.parametrize(("method", "path", "allow"), [
    ("POST", f"/v2/org/app/blobs/{UNKNOWN}", "GET, HEAD, DELETE"), ("PATCH", MANIFEST, "GET, HEAD, PUT, DELETE")])
def test_other_methods_are_405_with_those_that_work(client: Any, method: str, path: str, allow: str) -> None:
    answer = client.call(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)


def test_a_layout_is_read_only(client: Any) -> None:
    for method, path in (("PUT", MANIFEST), ("POST", "/v2/org/app/blobs/uploads/")):
        answer = client.pull(method, path, "writer", actions="pull,push")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (405, "UNSUPPORTED")


def test_tags_are_listed_in_pages(kinds: Any) -> None:
    asking, images = kinds
    assert asking.pull("GET", "/v2/org/app/tags/list", "alice").json() == {"name": "org/app", "tags": sorted(images)}
    first = asking.pull("GET", "/v2/org/app/tags/list?n=3", "alice")
    assert first.json()["tags"] == ["docker", "index", "list"]
    target = first.headers["Link"].partition(">")[0].removeprefix("<")
    second = asking.pull("GET", target, "alice")
    assert (second.json()["tags"], "Link" in second.headers) == (["oci"], False)


def test_a_tag_moves_while_the_simulator_runs_and_the_old_image_stays(tmp_path: Path, client_class: Any) -> None:
    old = write_image(tmp_path, "1.0", layers=2, layer_size=2000, seed=1, base_seed=7)
    with running_simulator(layouts={"org/app": tmp_path}) as simulator:
        asking = client_class(simulator)
        assert asking.pull("HEAD", MANIFEST, "alice").headers["Docker-Content-Digest"] == old.digest
        new = write_image(tmp_path, "1.0", layers=2, layer_size=2000, seed=2, base_seed=7)
        assert asking.pull("HEAD", MANIFEST, "alice").headers["Docker-Content-Digest"] == new.digest != old.digest
        assert asking.pull("GET", f"/v2/org/app/manifests/{old.digest}", "alice").status_code == 200
        assert len(set(old.blobs) & set(new.blobs)) == 1
        for digest in old.blobs | new.blobs:
            content = asking.pull("GET", f"/v2/org/app/blobs/{digest}", "alice").content
            assert "sha256:" + hashlib.sha256(content).hexdigest() == digest


def test_an_index_that_breaks_while_running_is_503_and_said(tmp_path: Path, client_class: Any) -> None:
    write_image(tmp_path, "1.0", layers=1, layer_size=10)
    with running_simulator(layouts={"org/app": tmp_path}) as simulator:
        (tmp_path / "index.json").write_text("{")
        answer = client_class(simulator).pull("GET", MANIFEST, "alice")
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")
        assert str(tmp_path) not in answer.text
        assert any(f"{tmp_path}/index.json" in line for line in simulator.output)


def test_a_foreign_layout_without_media_types_is_served(tmp_path: Path, client_class: Any) -> None:
    written = write_image(tmp_path, "1.0", layers=1, layer_size=10)
    path = tmp_path / "blobs/sha256" / written.digest.removeprefix("sha256:")
    manifest = json.loads(path.read_bytes())
    del manifest["mediaType"]
    body = json.dumps(manifest).encode()
    digest = hashlib.sha256(body).hexdigest()
    (tmp_path / "blobs/sha256" / digest).write_bytes(body)
    with running_simulator(layouts={"org/app": tmp_path}) as simulator:
        answer = client_class(simulator).pull("GET", f"/v2/org/app/manifests/sha256:{digest}", "alice")
        assert answer.headers["Content-Type"] == OCI_MANIFEST
