"""The list of content caches, whatever order and form DTR gives it."""

from __future__ import annotations

import pytest
from scripted_server import Says


@pytest.mark.parametrize("list_order", ["created", "newest-first"])
def test_caches_come_sorted_by_name_whatever_order_dtr_has(run_module, dtr_with, list_order):
    dtr = dtr_with(list_order=list_order)
    for name in ("region-us", "region-asia"):
        run_module("content_cache", name=name, host=f"https://{name}.example.com", **dtr.options())
    found = run_module("content_cache_info", **dtr.options("alice"))
    assert [one["name"] for one in found["content_caches"]] == ["region-asia", "region-us"]
    assert not found["changed"]


def test_one_name_gives_its_cache_and_an_unknown_name_gives_an_empty_list(run_module, dtr):
    made = run_module("content_cache", name="a", host="https://a.example.com", **dtr.options())["content_cache"]
    assert run_module("content_cache_info", name="a", **dtr.options())["content_caches"] == [made]
    assert run_module("content_cache_info", name="b", **dtr.options())["content_caches"] == []


def test_duplicated_names_are_named(run_module, server):
    caches = [{"id": str(number), "name": "twin", "host": "https://a"} for number in (1, 2)]
    dtr = server(lambda asked: Says(body=caches))
    found = run_module("content_cache_info", dtr_url=dtr.url, dtr_username="a", dtr_token="token-4711")
    assert found["duplicated_names"] == ["twin"]


def test_an_empty_list_may_be_null(run_module, server):
    dtr = server(lambda asked: Says(body=None, headers={"Content-Type": "application/json"}))
    assert (
        run_module("content_cache_info", dtr_url=dtr.url, dtr_username="a", dtr_token="token-4711")["content_caches"]
        == []
    )
