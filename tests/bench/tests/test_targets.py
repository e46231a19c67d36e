import base64
import hashlib
import itertools
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from dtr_content_cache.admission import Admission
from dtr_content_cache.admission.discovery_document import parse_discovery
from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest

from bench.blobs import REPOSITORY, Blob, Library
from bench.hits import rotated, with_ranges
from bench.machine import Processors
from bench.targets import SECRET, Signer, signed_link, targets, warming


class _Now:
    def wall(self) -> float:
        return time.time()

    def steady(self) -> float:
        return time.time()


def _blobs(count: int) -> list[Blob]:
    return [Blob(hashlib.sha256(bytes([number])).hexdigest(), 1) for number in range(count)]


def test_the_cache_admits_every_grant():
    signer, blobs = Signer(), _blobs(3)
    admission = Admission(_Now(), 30.0)
    admission.use(parse_discovery(signer.discovery.encode()).keys)
    for number, target in enumerate(signer.mixed(blobs, 30)):
        address = BlobAddress(REPOSITORY, Digest(blobs[number % 3].hex))
        assert admission.admit(address, urlsplit(target).query).account == "bench"


def test_a_tenth_of_the_grants_occurs_once_and_they_fall_on_every_blob():
    blobs = _blobs(64)
    asked = Signer().mixed(blobs, 6400)
    once = [target for target in asked if asked.count(target) == 1]
    assert len(once) == 640
    assert {urlsplit(target).path for target in once} == {blob.path for blob in blobs}


def test_warming_asks_for_every_grant_that_comes_again():
    signer, blobs = Signer(), _blobs(3)
    warmed = {target for target, _ in warming("ours", blobs, signer)}
    asked = signer.mixed(blobs, 3000)
    assert {target for target in asked if asked.count(target) > 1} == warmed
    assert len(set(asked) - warmed) == 300


def test_grants_that_repeat_are_renewed_before_they_expire():
    moment = [10_000.0]
    signer, blob = Signer(lambda: moment[0]), _blobs(1)[0]
    first = signer.repeated(blob)
    moment[0] += 2399
    assert signer.repeated(blob) == first
    moment[0] += 2
    assert not set(signer.repeated(blob)) & set(first)


def test_all_grants_can_be_new_or_none():
    assert len(set(Signer().mixed(_blobs(2), 50, new_of_ten=10))) == 50
    assert len(set(Signer().mixed(_blobs(2), 50, new_of_ten=0))) == 8


def test_a_link_is_what_nginx_computes():
    target = signed_link(_blobs(1)[0], 1000)
    parts = urlsplit(target)
    found = parse_qs(parts.query)
    wanted = hashlib.md5(f"{found['expires'][0]}{parts.path} {SECRET}".encode(), usedforsecurity=False).digest()
    assert base64.urlsafe_b64decode(found["md5"][0] + "==") == wanted


def test_who_checks_nobody_is_asked_plainly():
    blobs = _blobs(2)
    assert targets("distribution", blobs, Signer(), 9) == [blob.path for blob in blobs]


def test_ranges_lie_within_the_blob():
    for line in with_ranges(["/a"], 300_000):
        start, _, last = line.partition("\tbytes=")[2].partition("-")
        assert 0 <= int(start) <= int(last) < 300_000


@pytest.mark.parametrize(("servers", "rounds"), [("abc", 3), ("abcdef", 3), ("abcd", 2), ("abc", 6)])
def test_places_are_spread_over_the_rounds(servers, rounds):
    orders = [rotated(servers, number, rounds) for number in range(rounds)]
    for server in servers:
        places = sorted(order.index(server) for order in orders)
        gaps = [later - earlier for earlier, later in itertools.pairwise(places)]
        assert max(gaps) - min(gaps) <= 1 or rounds > len(servers)
        assert places[-1] - places[0] >= len(servers) - max(1, -(-len(servers) // rounds))


def test_two_rounds_of_one_order_are_no_rotation():
    assert rotated("abc", 0, 2) != rotated("abc", 1, 2)


def test_server_and_client_never_share_a_processor_where_there_are_two():
    found = Processors.of({4, 2, 7})
    assert (found.server, found.client, found.every) == ({2}, {4, 7}, {2, 4, 7})
    assert Processors.of({3}).client == {3}


def test_a_blob_lies_under_the_digest_of_its_bytes_and_is_linked_to_its_repository(tmp_path):
    library = Library(tmp_path)
    one, other = library.blobs(3_000_000, 2)
    assert one != other
    data = library.place(one).read_bytes()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (3_000_000, one.hex)
    link = tmp_path / "docker/registry/v2/repositories" / REPOSITORY / "_layers/sha256" / one.hex / "link"
    assert link.read_text() == f"sha256:{one.hex}"


def test_a_store_holds_as_many_true_blobs_as_asked(tmp_path):
    library = Library(tmp_path)
    list(library.fill(3))
    list(library.fill(5, 3))
    for blob in library.tiny(range(5)):
        assert hashlib.sha256(library.place(blob).read_bytes()).hexdigest() == blob.hex
