"""Both spellings of the field, unknown accounts, and how far a broken change got."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.account_settings import AccountSettings, content_cache_id
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient
from ansible_collections.dtr.caches.plugins.module_utils.errors import NotFound, Refusal, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from scripted_server import Says


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({"ContentCacheUUID": "u"}, "u"),
        ({"contentCacheUUID": "u"}, "u"),
        ({"ContentCacheUUID": "", "contentCacheUUID": "u"}, "u"),
        ({"ContentCacheUUID": ""}, ""),
        ({"ContentCacheUUID": None}, ""),
        ({}, ""),
    ],
)
def test_every_spelling_of_a_choice_and_of_none(settings, found):
    assert content_cache_id(settings) == found


@pytest.mark.parametrize("settings", [None, [], "u", {"ContentCacheUUID": 7}, {"ContentCacheUUID": {"a": 1}}])
def test_what_are_no_settings_is_not_dtrs(settings):
    with pytest.raises(Unexpected, match="dtr_url is DTR itself"):
        content_cache_id(settings)


@pytest.fixture
def settings_of(server):
    def start(answer):
        one = server(answer)
        connection = Connection(parse_origin(one.url, ""), "admin", "canary", "", True, 5)
        return AccountSettings(DtrClient(connection, sleep=lambda seconds: None)), one

    return start


def test_unknown_accounts_are_told_apart_from_a_wrong_address(settings_of):
    def answer(asked):
        if "alice" in asked.path:
            return Says(body={"ContentCacheUUID": "u"})
        return Says(
            404, {"errors": [{"code": "NO_SUCH_USER" if "bob" in asked.path else "NO_SUCH_PAGE", "message": ""}]}
        )

    settings, _dtr = settings_of(answer)
    assert settings.of(["alice", "bob", "alice"]) == ({"alice": "u"}, ["bob"])
    with pytest.raises(NotFound):
        settings.of(["carol"])


def test_the_request_has_the_small_letter_and_nothing_else(settings_of):
    settings, dtr = settings_of(lambda asked: Says(200))
    settings.point(["alice"], "u")
    settings.point(["bob"], "")
    assert [(one.path, one.json()) for one in dtr.asked] == [
        ("/api/v0/accounts/alice/settings", {"contentCacheUUID": "u"}),
        ("/api/v0/accounts/bob/settings", {"contentCacheUUID": ""}),
    ]


def test_a_broken_change_says_how_far_it_got(settings_of):
    settings, _dtr = settings_of(lambda asked: Says(500 if "carol" in asked.path else 200))
    with pytest.raises(Refusal) as caught:
        settings.point(["alice", "bob", "carol", "dan"], "u")
    assert caught.value.details == {"done": ["alice", "bob"], "changed": True}
    assert "settings of account carol" in caught.value.message
    assert "2 of 4 accounts were changed; run it again" in caught.value.message
    with pytest.raises(Refusal) as caught:
        settings.point(["carol"], "u")
    assert caught.value.details == {"done": [], "changed": False}
