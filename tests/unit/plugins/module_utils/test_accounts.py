"""All pages of the account list, however DTR cuts them."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.accounts import account_names
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient
from ansible_collections.dtr.caches.plugins.module_utils.errors import NotFound, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from scripted_server import Says

NAMES = [f"user{number:03}" for number in range(23)]


def pages(largest, inclusive, header):
    """An ``answer`` that gives at most ``largest`` names a page, and with ``header`` says where the next one starts."""

    def answer(asked):
        query = parse_qs(asked.query)
        start = query.get("start", [""])[0]
        rest = [name for name in NAMES if name > start or (inclusive and name == start)]
        page, after = rest[:largest], rest[largest:]
        following = (after[0] if inclusive else page[-1]) if after else ""
        headers = {"X-Next-Page-Start": following} if header else {}
        return Says(body={"accounts": [{"name": name} for name in page]}, headers=headers)

    return answer


@pytest.fixture
def names_from(server):
    def read(answer, **kwargs):
        one = server(answer)
        connection = Connection(parse_origin(one.url, ""), "admin", "canary", "", True, 5)
        return account_names(DtrClient(connection, sleep=lambda seconds: None), **kwargs), one

    return read


@pytest.mark.parametrize("largest", [2, 10, 23, 100])
@pytest.mark.parametrize("inclusive", [True, False])
@pytest.mark.parametrize("header", [True, False])
def test_every_account_is_found_whatever_the_page_and_its_start_mean(names_from, largest, inclusive, header):
    assert names_from(pages(largest, inclusive, header))[0] == NAMES


def test_a_prefix_and_a_kind_are_kept(names_from):
    names, dtr = names_from(pages(100, True, True), kind="admins", prefix="user00")
    assert names == NAMES[:10]
    assert [one.query for one in dtr.asked] == ["filter=admins&limit=100"]


def test_no_accounts_are_an_empty_list(names_from):
    for accounts in ([], None):
        assert names_from(lambda asked, accounts=accounts: Says(body={"accounts": accounts}))[0] == []


def test_a_dtr_without_an_account_list_says_what_else_to_do(names_from):
    with pytest.raises(NotFound, match="name the accounts one by one"):
        names_from(lambda asked: Says(404))


@pytest.mark.parametrize("body", [[], {"users": []}, {"accounts": [{"id": 1}]}, {"accounts": "x"}, "no json"])
def test_what_is_no_account_list_is_not_dtrs(names_from, body):
    with pytest.raises(Unexpected, match="dtr_url is DTR itself"):
        names_from(lambda asked: Says(body=body))
