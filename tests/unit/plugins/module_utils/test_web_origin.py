"""One origin, many spellings, and what is none."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.errors import WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import origin_of, parse_origin, same_origin


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://dtr.example.com", "https://dtr.example.com"),
        (" HTTPS://DTR.Example.com:443/ ", "https://dtr.example.com"),
        ("http://10.0.0.1:5000", "http://10.0.0.1:5000"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
        ("http://dtr_cache:5000", "http://dtr_cache:5000"),
    ],
)
def test_spellings_of_one_origin_become_one_value(text, url):
    assert parse_origin(text, "host").url == url
    assert parse_origin(url, "host") == parse_origin(text, "host")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dtr",
        "dtr:5000",
        "//dtr",
        "ssh://dtr",
        "https://",
        "https://dtr/x",
        "https://dtr?",
        "https://dtr#",
        "https://dtr:0",
        "https://dtr:",
        "https://dtr:x",
        "https://a:b@dtr",
        "https://d tr",
        "https://-dtr",
        "https://[::1",
        "https://dtr\\x",
        None,
    ],
)
def test_anything_else_is_refused_with_the_option_and_what_is_wanted(text):
    with pytest.raises(WrongOption) as caught:
        parse_origin(text, "dtr_url")
    assert caught.value.message.startswith("dtr_url ")
    assert "http(s)://host[:port]" in caught.value.message


def test_a_password_in_the_text_is_not_repeated():
    with pytest.raises(WrongOption) as caught:
        parse_origin("https://me:canary@dtr", "dtr_url")
    assert "canary" not in caught.value.message


def test_the_origin_of_a_longer_url_keeps_nothing_of_path_and_query():
    assert origin_of("https://cache:5000/v2/a/blobs/x?grant=secret").url == "https://cache:5000"
    for text in ("/v2/", "mailto:a@b", "https:///x"):
        with pytest.raises(ValueError, match="absolute"):
            origin_of(text)


def test_hosts_that_cannot_be_read_are_compared_as_they_are():
    assert same_origin("https://a:443", "https://A/")
    assert same_origin("rubbish", "rubbish")
    assert not same_origin("rubbish", "https://a")
