"""What a span covers where the answer leaves at once."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from dtr_content_cache.values.blob_address import BlobAddress
from dtr_content_cache.values.digest import Digest
from dtr_content_cache.values.events import RequestServed
from dtr_content_cache.web.parcel import Parcel, Pushed
from dtr_content_cache.web.quick_hit import Hit
from dtr_content_cache.web.traced_site import TracedSite

ADDRESS = BlobAddress("org/app", Digest("0" * 64))


def test_a_hits_span_begins_before_its_first_byte_leaves_and_ends_after_its_last() -> None:
    happened: list[str] = []
    told: list[RequestServed] = []

    class Span:
        headers = ()

        def end(self, event: RequestServed) -> None:
            happened.append(f"span ends, {event.body_bytes} bytes, complete: {event.complete}")

    class Stream:
        def push(self, parcel: Parcel) -> Pushed:
            happened.append("bytes leave")
            parcel.data = b""
            return Pushed.ALL

    def begin(*request: object) -> Span:
        happened.append("span begins")
        return Span()

    async def answered() -> None:
        registries = SimpleNamespace(
            find=lambda plain, before: Hit("alice", ADDRESS, Parcel(b"head and body"), 4), distrust=lambda address: None
        )
        site = TracedSite(
            SimpleNamespace(begin=begin), registries, lambda: None, lambda: False, "", (), told.append
        )  # fmt: skip
        request = f"GET {ADDRESS.path} HTTP/1.1\r\nHost: cache\r\n\r\n".encode()
        begun = site.begin(request, SimpleNamespace(stream=Stream(), client="127.0.0.1"))  # type: ignore[arg-type]
        assert begun is not None
        assert begun.over

    asyncio.run(answered())

    assert happened == ["span begins", "bytes leave", "span ends, 4 bytes, complete: True"]
    assert [event.account for event in told] == ["alice"]
