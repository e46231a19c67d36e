"""In front of Docker's own registry, with passwords and with tokens: real clients pull, each by its own rights only.

Beside it, Docker's registry as a pull-through cache, which has one account for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from doubles.distribution import (
    PASSWORDS,
    Distribution,
    TokenService,
    basic,
    credentials,
    htpasswd,
    running_distribution,
    running_token_service,
)
from doubles.real_clients import Containerd, Skopeo, need, running_containerd
from doubles.running_cache import RunningCache, eventually, running_cache
from dtr_simulator.image import WrittenImage, write_image

ACCEPT = {"Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"}
PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass
class Scene:
    """alice may read org/app in both registries, where that is all there is; bob may log in, and no more by tokens."""

    image: WrittenImage
    tokens: TokenService
    by_token: Distribution
    by_password: Distribution
    cache: RunningCache
    skopeo: Skopeo
    stack: ExitStack

    @property
    def host(self) -> str:
        return self.cache.url.partition("://")[2]

    def reads(self, path: str, headers: dict[str, str]) -> int:
        return requests.get(self.cache.url + path, headers=ACCEPT | headers, timeout=30).status_code

    def answered(self) -> list[str]:
        return [line["cache"] for line in self.cache.accesses if "/blobs/" in line["target"]]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    need("skopeo", "skopeo")
    need("docker-registry", "docker-registry")
    folder = tmp_path_factory.mktemp("scene")
    image = write_image(folder / "layout", "1.0", layers=2, layer_size=400_000, platforms=PLATFORMS)
    skopeo = Skopeo(folder, folder / "no-trust.pem", plain=True)
    with ExitStack() as stack:
        tokens = stack.enter_context(running_token_service(folder, {"org/app": ("alice",)}))
        by_token = stack.enter_context(running_distribution(folder / "by-token", auth={"token": tokens.options}))
        by_password = stack.enter_context(running_distribution(folder / "by-password", auth=htpasswd(folder)))
        for registry in (by_token, by_password):
            pushed = skopeo.push(folder / "layout", "1.0", f"{registry.host}/org/app:1.0", credentials("alice"))
            assert pushed.returncode == 0, pushed.stderr
        registries = [
            {
                "name": "tokens",
                "ns": ["tokens.test"],
                "hosts": ["localhost"],
                "upstreams": [by_token.url],
                "realmhosts": [tokens.host],
            },
            {"name": "passwords", "ns": ["passwords.test"], "upstreams": [by_password.url]},
        ]
        options: dict[str, Any] = {"authorization": "upstream", "registries": registries}
        cache = stack.enter_context(
            running_cache(folder / "cache", [by_password.url], **options, verdictttl="0s", offline="serve")
        )
        yield Scene(image, tokens, by_token, by_password, cache, skopeo, stack)


@pytest.fixture
def containerd(tmp_path: Path) -> Iterator[Containerd]:
    need("containerd", "containerd", root=True)
    with running_containerd(tmp_path / "no-trust.pem") as containerd:
        yield containerd


def host_of(scene: Scene, kind: str) -> str:
    """Where a client that knows no `ns` finds it: the cache by another name, or the one that needs no name."""
    return scene.host.replace("127.0.0.1", "localhost") if kind == "tokens" else scene.host


@pytest.mark.parametrize("kind", ["passwords", "tokens"])
def test_skopeo_pulls_what_its_account_may_read_and_the_second_time_from_disk(scene: Scene, kind: str) -> None:
    reference, before = f"{host_of(scene, kind)}/org/app:1.0", len(scene.answered())
    first = scene.skopeo.pull(reference, f"first-{kind}", credentials("alice"))
    assert first.returncode == 0, first.stderr
    pulled = scene.skopeo.blobs(f"first-{kind}") & set(scene.image.blobs)
    assert len(pulled) == 3
    eventually(lambda: all(map(scene.cache.is_stored, pulled)))
    eventually(lambda: len(scene.answered()) == before + 3)

    second = scene.skopeo.pull(reference, f"second-{kind}", credentials("alice"))

    assert second.returncode == 0, second.stderr
    assert set(eventually(lambda: len(scene.answered()) == before + 6 and scene.answered()[before + 3 :])) == {"hit"}


@pytest.mark.parametrize("restarted", [False, True], ids=["before a restart", "after a restart"])
@pytest.mark.parametrize(
    ("kind", "login"), [("passwords", "alice:wrong"), ("passwords", ""), ("tokens", "bob"), ("tokens", "")]
)
def test_no_other_account_gets_a_byte_of_it_whether_it_is_on_disk_or_not(
    scene: Scene, kind: str, login: str, restarted: bool
) -> None:
    reference = f"{host_of(scene, kind)}/org/app:1.0"
    assert scene.skopeo.pull(reference, f"warm-{kind}-{login}-{restarted}", credentials("alice")).returncode == 0
    if restarted:
        assert scene.cache.stop() == 0
        scene.cache.start()
    given = credentials(login) if login in PASSWORDS else login
    name = f"refused-{kind}-{login}-{restarted}"

    refused = scene.skopeo.pull(reference, name, given)

    assert refused.returncode != 0
    assert "unauthorized" in refused.stderr.lower() or "denied" in refused.stderr.lower(), refused.stderr
    headers = [{}, basic("alice") if kind == "tokens" else {"Authorization": "Basic YWxpY2U6d3Jvbmc="}]
    headers += [scene.tokens.bearer("bob", "org/app"), scene.tokens.bearer("alice", "org/other")]
    for digest in scene.image.blobs:  # those of the other platform were never asked for: a miss
        for each in headers:
            assert scene.reads(f"/v2/org/app/blobs/{digest}?ns={kind}.test", each) in (401, 403)
    assert scene.reads(f"/v2/org/app/manifests/{scene.image.digest}?ns={kind}.test", headers[0]) == 401


def test_containerd_pulls_by_ns_from_the_registry_that_it_means(scene: Scene, containerd: Containerd) -> None:
    for registry in ("tokens", "passwords"):
        pull = containerd.pull_by(scene.cache.url, f"{registry}.test/org/app:1.0", credentials("alice"), registry)
        assert pull.returncode == 0, pull.stderr
        assert len(containerd.blobs(registry) & set(scene.image.blobs)) == 3

    refused = containerd.pull_by(scene.cache.url, "tokens.test/org/app:1.0", credentials("bob"), "bobs")

    assert refused.returncode != 0
    assert containerd.blobs("bobs") & set(scene.image.blobs) == set()
    assert "?ns=tokens.test" not in scene.by_token.said


def test_containerd_pulls_by_prefix_with_the_scope_of_the_challenge_and_no_password_goes_along(
    scene: Scene, containerd: Containerd, tmp_path: Path
) -> None:
    registries = [
        {"name": "tokens", "upstreams": [scene.by_token.url], "realmhosts": [scene.tokens.host]},
        {"name": "passwords", "upstreams": [scene.by_password.url]},
    ]
    options = ("--snapshotter", "native", "--plain-http", "--user", credentials("alice"))
    with running_cache(tmp_path / "cache", None, authorization="upstream", registries=registries) as cache:  # type: ignore[arg-type]
        host = cache.url.partition("://")[2]
        by_token, by_password = (
            containerd.ctr("images", "pull", *options, f"{host}/{name}/org/app:1.0", namespace=f"by-{name}")
            for name in ("tokens", "passwords")
        )

    assert by_token.returncode == 0, by_token.stderr
    assert scene.tokens.asked[-1][0] == "alice"
    assert {"repository:org/app:pull", "repository:tokens/org/app:pull"} <= set(scene.tokens.asked[-1][1])
    assert by_password.returncode != 0


def test_the_registrys_own_cache_gives_everybody_what_its_one_account_may_read(scene: Scene, tmp_path: Path) -> None:
    remote = {"remoteurl": scene.by_token.url, "username": "alice", "password": PASSWORDS["alice"]}
    digest = next(iter(scene.image.blobs))
    path = f"/v2/org/app/blobs/{digest}"
    with running_distribution(tmp_path / "proxy", proxy=remote) as proxy:
        theirs = [requests.get(proxy.url + path, headers=each, timeout=30) for each in ({}, basic("bob"))]

    ours = [scene.reads(f"/v2/org/app/blobs/{digest}?ns=tokens.test", each) for each in ({}, basic("bob"))]

    assert [answer.status_code for answer in theirs] == [200, 200]
    assert {len(answer.content) for answer in theirs} == {scene.image.blobs[digest]}
    assert ours == [401, 401]


def test_with_the_registry_gone_passwords_go_on_and_nobody_elses_do(scene: Scene) -> None:
    reference = f"{scene.host}/org/app:1.0"
    assert scene.skopeo.pull(reference, "before-it-went", credentials("alice")).returncode == 0
    scene.by_password.stop()
    try:
        pull = scene.skopeo.pull(reference, "while-it-was-gone", credentials("alice"))
        assert pull.returncode == 0, pull.stderr
        for login in ("alice:wrong", credentials("bob")):
            assert scene.skopeo.pull(reference, "nobody", login).returncode != 0
    finally:
        scene.by_password.start()
