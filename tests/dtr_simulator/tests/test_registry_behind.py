"""A real Distribution registry behind the simulator: push and pull with DTR's rights in front of it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.ports import free_port
from dtr_simulator.content.layout import OCI_MANIFEST
from dtr_simulator.image import write_image
from dtr_simulator.running import running_simulator


@pytest.fixture(scope="module")
def pushing(registry_url: str, image_folder: Path, accounts: dict[str, Any], client: Any) -> Iterator[Any]:
    """A client of a simulator with a registry behind it, and org/public from a layout."""
    more = accounts | {"repositories": [*accounts["repositories"], {"name": "org/next", "writers": ["writer"]}]}
    with running_simulator(registry=registry_url, accounts=more, layouts={"org/public": image_folder}) as simulator:
        yield type(client)(simulator)


def upload(asking: Any, repository: str, body: bytes) -> str:
    """Push a blob as the account writer, in two pieces; its digest."""
    headers = {"Authorization": f"Bearer {asking.token('writer', f'repository:{repository}:pull,push')}"}
    session: requests.Session = asking.session
    answer = asking.call("POST", f"/v2/{repository}/blobs/uploads/", headers=headers)
    assert answer.status_code == 202
    middle = len(body) // 2
    for start, piece in ((0, body[:middle]), (middle, body[middle:])):
        location = answer.headers["Location"]
        assert location.startswith(asking.simulator.url + "/v2/")
        more = {"Content-Range": f"{start}-{start + len(piece) - 1}", "Content-Type": "application/octet-stream"}
        answer = session.patch(location, data=piece, headers=headers | more, timeout=30)
        assert answer.status_code == 202, answer.text
    digest = "sha256:" + hashlib.sha256(body).hexdigest()
    joint = "&" if "?" in answer.headers["Location"] else "?"
    answer = session.put(f"{answer.headers['Location']}{joint}digest={digest}", headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (201, digest)
    return digest


def push_image(asking: Any, repository: str = "org/app", content: bytes = b"layer") -> tuple[str, str]:
    """Push a one-layer image as tag 1.0; digests of the layer and of the manifest."""
    layer, config = upload(asking, repository, content), upload(asking, repository, b"{}")
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": len(content)}],
    })
    answer = asking.pull("PUT", f"/v2/{repository}/manifests/1.0", "writer", repository, "pull,push", data=manifest,
                         headers={"Content-Type": OCI_MANIFEST})
    assert answer.status_code == 201, answer.text
    return layer, answer.headers["Docker-Content-Digest"]


def test_what_was_pushed_is_pulled_back(pushing: Any) -> None:
    layer, digest = push_image(pushing, content=b"pushed layer")
    for reference in ("1.0", digest):
        answer = pushing.pull("GET", f"/v2/org/app/manifests/{reference}", "alice", headers={"Accept": OCI_MANIFEST})
        assert (answer.status_code, answer.headers["Docker-Content-Digest"]) == (200, digest)
    answer = pushing.pull("GET", f"/v2/org/app/blobs/{layer}", "alice")
    assert (answer.content, answer.headers["Docker-Content-Digest"]) == (b"pushed layer", layer)
    part = pushing.pull("GET", f"/v2/org/app/blobs/{layer}", "alice", headers={"Range": "bytes=7-11"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"layer", "bytes 7-11/12")
    head = pushing.pull("HEAD", f"/v2/org/app/blobs/{layer}", "alice")
    assert (head.status_code, head.headers["Content-Length"]) == (200, "12")
    assert pushing.pull("GET", "/v2/org/app/tags/list", "alice").json() == {"name": "org/app", "tags": ["1.0"]}


def test_nobody_pushes_or_pulls_without_the_right(pushing: Any) -> None:
    layer, _ = push_image(pushing)
    for account in ("alice", "bob", None):
        answer = pushing.pull("POST", "/v2/org/app/blobs/uploads/", account, actions="pull,push")
        assert answer.status_code == 401
    assert pushing.pull("GET", f"/v2/org/app/blobs/{layer}", "bob").status_code == 401
    assert pushing.pull("DELETE", "/v2/org/app/manifests/1.0", "alice", actions="pull,delete").status_code == 401


def test_a_blob_is_redirected_only_if_the_registry_has_it_in_this_repository(pushing: Any) -> None:
    layer = upload(pushing, "org/next", b"only in org/next")
    pushing.use_cache("alice", pushing.add_cache())
    mine, _ = push_image(pushing, content=b"in org/app")
    answer = pushing.pull("GET", f"/v2/org/app/blobs/{mine}", "alice")
    assert answer.status_code == 307
    assert pushing.pull("GET", f"/v2/org/app/blobs/{layer}", "alice").status_code == 404
    query = answer.headers["Location"].split("?")[1]
    pushing.use_cache("alice", "")
    assert pushing.call("GET", f"/v2/org/app/blobs/{mine}?{query}").content == b"in org/app"
    other = pushing.simulator.grant("alice", "org/app", layer)
    assert pushing.call("GET", f"/v2/org/app/blobs/{layer}?grant={other}").status_code == 404


def test_a_blob_is_mounted_from_a_repository_that_the_account_may_read(pushing: Any) -> None:
    layer, _ = push_image(pushing, content=b"to be mounted")
    path = f"/v2/org/next/blobs/uploads/?mount={layer}&from=org/app"
    token = pushing.token("writer", "repository:org/next:pull,push", "repository:org/app:pull")
    answer = pushing.call("POST", path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201
    # Without the right on the source the registry opens a plain upload.
    answer = pushing.pull("POST", path, "writer", "org/next", "pull,push")
    assert answer.status_code == 202


def test_a_wrong_digest_is_refused_by_the_registry_and_passed_on(pushing: Any) -> None:
    headers = {"Authorization": f"Bearer {pushing.token('writer', 'repository:org/app:pull,push')}"}
    location = pushing.call("POST", "/v2/org/app/blobs/uploads/", headers=headers).headers["Location"]
    joint = "&" if "?" in location else "?"
    answer = pushing.session.put(f"{location}{joint}digest=sha256:{'0' * 64}", data=b"x", headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")


def test_a_manifest_can_be_deleted(pushing: Any) -> None:
    _, digest = push_image(pushing, content=b"to be deleted")
    answer = pushing.pull("DELETE", f"/v2/org/app/manifests/{digest}", "writer", actions="pull,delete")
    assert answer.status_code == 202
    assert pushing.pull("GET", f"/v2/org/app/manifests/{digest}", "writer").status_code == 404


def test_the_catalog_joins_layouts_and_registry(pushing: Any) -> None:
    push_image(pushing)
    headers = {"Authorization": f"Bearer {pushing.token('alice', 'registry:catalog:*')}"}
    assert pushing.call("GET", "/v2/_catalog", headers=headers).json() == {"repositories": ["org/app", "org/public"]}


def test_a_registry_that_is_gone_is_503_and_unhealthy(client_class: Any, image_folder: Path) -> None:
    shutil.which("docker-registry") or pytest.skip("the program docker-registry is not installed")
    process, port = start_registry(image_folder.parent)
    try:
        with running_simulator(registry=f"http://127.0.0.1:{port}", layouts={"org/public": image_folder}) as simulator:
            asking = client_class(simulator)
            assert asking.call("GET", "/_ping").json() == {"Error": "", "Healthy": True}
            process.kill()
            process.wait()
            answer = asking.pull("GET", "/v2/org/app/manifests/1.0", "alice")
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "UNAVAILABLE")
            assert str(port) not in answer.text
            assert asking.call("GET", "/_ping").status_code == 503
            assert asking.pull("GET", "/v2/org/public/manifests/1.0", None, "org/public").status_code == 200
    finally:
        process.kill()
        process.wait()


def start_registry(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    config = folder / "short-lived.yml"
    config.write_text(f"version: 0.1\nstorage: {{inmemory: {{}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n")
    # The simulator waits for the registry to start.
    return subprocess.Popen(["docker-registry", "serve", str(config)], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL), port


@pytest.mark.skipif(not shutil.which("skopeo"), reason="the program skopeo is not installed (Debian package skopeo)")
def test_skopeo_pushes_and_pulls(pushing: Any, tmp_path: Path) -> None:
    written = write_image(tmp_path / "in", "1.0", layers=3, layer_size=1 << 20, seed=5, docker_schema2=False)
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    (certificates / "ca.crt").write_bytes(pushing.simulator.ca_path.read_bytes())
    target = pushing.simulator.url.replace("https", "docker") + "/org/app:skopeo"

    def copy(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["skopeo", "--insecure-policy", "copy", *arguments], capture_output=True, text=True,
                              timeout=60)

    pushed = copy("--dest-cert-dir", str(certificates), "--dest-creds", "writer:writer-password",
                  f"oci:{tmp_path}/in:1.0", target)
    assert pushed.returncode == 0, pushed.stderr
    pulled = copy("--src-cert-dir", str(certificates), "--src-creds", "alice:alice-password", target,
                  f"oci:{tmp_path}/out:1.0")
    assert pulled.returncode == 0, pulled.stderr
    assert {path.name for path in (tmp_path / "out/blobs/sha256").iterdir()} >= {
        digest.removeprefix("sha256:") for digest in written.blobs}
    refused = copy("--src-cert-dir", str(certificates), "--src-creds", "bob:bob-password", target,
                   f"oci:{tmp_path}/refused:1.0")
    assert refused.returncode != 0
    assert "denied" in refused.stderr
