"""A cache behind a cache: the leaf knows only its parent, trusts only that one's CA, and each blob leaves DTR once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from doubles.certificates import Authority, plain_server
from doubles.ports import free_port
from doubles.running_cache import RunningCache, eventually, running_cache
from doubles.upstream import Upstream, cut_after

BLOB = random.Random(41).randbytes(2_000_000)


@dataclass
class Chain:
    origin: Upstream
    parent: RunningCache
    leaves: list[RunningCache]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("chain")
    authority_of = {name: Authority(f"CA of {name}") for name in ("dtr", "parent")}
    for name, authority in authority_of.items():
        (folder / f"{name}-ca.pem").write_bytes(authority.pem)
    with ExitStack() as stack:
        context = plain_server(*authority_of["dtr"].issue(folder, "localhost", name="dtr"))
        origin = stack.enter_context(Upstream(context=context))
        certificate, key = authority_of["parent"].issue(folder, "localhost", name="parent")
        http = {"addr": f"localhost:{free_port()}", "tls": {"certificate": str(certificate), "key": str(key)}}
        url = origin.url.replace("127.0.0.1", "localhost")
        parent = stack.enter_context(
            running_cache(folder / "parent", [url], http=http, cas=[str(folder / "dtr-ca.pem")])
        )
        cas = [str(folder / "parent-ca.pem")]
        leaves = [
            stack.enter_context(running_cache(folder / name, [f"https://{http['addr']}"], cas=cas))
            for name in ("leaf-1", "leaf-2")
        ]
        yield Chain(origin, parent, leaves)


def test_a_blob_leaves_the_origin_once_for_all_leaves(chain: Chain) -> None:
    digest = chain.origin.add(BLOB)
    for leaf in chain.leaves:
        answer = _once_ready(leaf, digest, chain.origin.grant(digest))
        assert answer.content == BLOB

    assert [(asked.sent, asked.method) for asked in chain.origin.blob_requests()] == [(len(BLOB), "GET")]
    eventually(lambda: all(cache.is_stored(digest) for cache in (chain.parent, *chain.leaves)))


def _once_ready(leaf: RunningCache, digest: str, grant: str) -> requests.Response:
    """The leaf's answer, once the keys have come to it through the chain."""
    eventually(lambda: leaf.session.get(f"{leaf.url}/.well-known/dtr-content-cache", timeout=10).status_code == 200)
    return leaf.get(digest, grant)


def test_the_discovery_document_comes_through_the_chain(chain: Chain) -> None:
    leaf = chain.leaves[0]
    eventually(lambda: leaf.session.get(f"{leaf.url}/.well-known/dtr-content-cache").status_code == 200)
    document = leaf.session.get(f"{leaf.url}/.well-known/dtr-content-cache").json()

    assert (document["origin"], document["version"]) == (chain.origin.origin, 1)


def test_a_leaf_never_meets_the_origin(chain: Chain) -> None:
    digest = chain.origin.add(random.Random(41).randbytes(1_000_000))
    for leaf in chain.leaves:
        assert _once_ready(leaf, digest, chain.origin.grant(digest)).status_code == 200
        eventually(lambda leaf=leaf: _fills(leaf))  # type: ignore[misc]
    fetched_from = {line.split('upstream="')[1].split('"')[0] for leaf in chain.leaves for line in _fills(leaf)}

    assert fetched_from == {f"https://{chain.parent.config['http']['addr']}"}


def _fills(leaf: RunningCache) -> list[str]:
    return [line for line in leaf.said.splitlines() if 'msg="fill started"' in line]


def test_a_break_between_origin_and_parent_is_not_seen_behind_the_leaf(chain: Chain) -> None:
    blob = random.Random(42).randbytes(2_000_000)
    digest = chain.origin.add(blob)
    chain.origin.faults = [cut_after(900_000), cut_after(600_000)]

    answer = _once_ready(chain.leaves[0], digest, chain.origin.grant(digest))

    assert answer.content == blob


def test_an_unknown_blob_is_unknown_at_every_length_of_chain(chain: Chain) -> None:
    unknown = "sha256:" + "1" * 64

    assert _once_ready(chain.leaves[1], unknown, chain.origin.grant(unknown)).status_code == 404


def test_a_leaf_that_does_not_know_its_parents_authority_serves_nothing(chain: Chain, tmp_path: Path) -> None:
    parent = f"https://{chain.parent.config['http']['addr']}"
    wrong = str(chain.parent.config_path.parent.parent / "dtr-ca.pem")
    with running_cache(tmp_path, [parent], cas=[wrong]) as stranger:
        digest = chain.origin.add(b"not for strangers")
        answer = stranger.get(digest, chain.origin.grant(digest))

        assert answer.status_code == 503
        eventually(lambda: "certificate is not accepted" in stranger.said)
