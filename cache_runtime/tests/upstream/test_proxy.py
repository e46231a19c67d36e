"""What the environment says about proxies, and who is reached through one."""

from __future__ import annotations

import pytest
from dtr_content_cache.settings.model import Upstream
from dtr_content_cache.upstream.proxy import Proxies, Proxy
from dtr_content_cache.values.failures import ConfigurationRefused

DTR = Upstream("https", "dtr.example.com", 443)
BOTH = {"HTTPS_PROXY": "http://secure:3128", "HTTP_PROXY": "http://plain:3128"}


def _way(environ: dict[str, str], url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, _, port = rest.rpartition(":")
    proxy = Proxies.of_environment(environ).way_to(Upstream(scheme, host.strip("[]"), int(port)))
    return proxy.url if proxy else "straight"


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://proxy:3128/", "http://proxy:3128"),
        ("proxy:3128", "http://proxy:3128"),
        ("http://proxy", "http://proxy:80"),
        ("http://user:secret@proxy:8080", "http://proxy:8080"),
        ("HTTP://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("", "straight"),
    ],
)
def test_how_a_proxy_may_be_written(value: str, url: str) -> None:
    assert _way({"HTTPS_PROXY": value}, "https://dtr.example.com:443") == url


def test_each_scheme_has_its_own_proxy_and_small_letters_win() -> None:
    assert _way(BOTH, "https://dtr.example.com:443") == "http://secure:3128"
    assert _way(BOTH, "http://dtr.example.com:80") == "http://plain:3128"
    assert _way({**BOTH, "https_proxy": "other:1"}, "https://dtr.example.com:443") == "http://other:1"
    assert _way({**BOTH, "https_proxy": ""}, "https://dtr.example.com:443") == "straight"
    assert _way({}, "https://dtr.example.com:443") == "straight"


@pytest.mark.parametrize(
    ("no_proxy", "host", "straight"),
    [
        ("dtr.example.com", "dtr.example.com:443", True),
        ("DTR.Example.COM", "dtr.example.com:443", True),
        ("example.com", "dtr.example.com:443", True),
        (".example.com", "dtr.example.com:443", True),
        ("*.example.com", "dtr.example.com:443", True),
        ("other, example.com ,", "dtr.example.com:443", True),
        ("*", "dtr.example.com:443", True),
        ("ample.com", "dtr.example.com:443", False),
        ("dtr.example.com.evil", "dtr.example.com:443", False),
        ("dtr.example.com:443", "dtr.example.com:443", True),
        ("dtr.example.com:444", "dtr.example.com:443", False),
        ("", "dtr.example.com:443", False),
        (".", "dtr.example.com:443", False),
        ("10.0.0.0/8", "10.1.2.3:443", True),
        ("10.0.0.0/8", "11.1.2.3:443", False),
        ("10.0.0.0/8", "dtr.example.com:443", False),
        ("10.0.0.0/99", "10.1.2.3:443", False),
        ("10.1.2.3", "10.1.2.3:443", True),
        ("2001:db8::/32", "[2001:db8::5]:443", True),
        ("2001:db8::5", "[2001:db8::5]:443", True),
        ("[2001:db8::5]:443", "[2001:db8::5]:443", True),
        ("[2001:db8::5]:444", "[2001:db8::5]:443", False),
        ("", "localhost:443", True),
        ("", "127.0.0.9:443", True),
        ("", "[::1]:443", True),
    ],
)
def test_who_is_reached_straight(no_proxy: str, host: str, straight: bool) -> None:
    assert (_way({**BOTH, "NO_PROXY": no_proxy}, f"https://{host}") == "straight") == straight


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("socks5://user:secret@proxy:1080", "a proxy of the kind 'socks5'"),
        ("https://user:secret@proxy:443", "a proxy of the kind 'https'"),
        ("http://user:secret@proxy:99999", "something that is not the address of a proxy"),
        ("http://user:secret@", "something that is not the address of a proxy"),
        ("http://user:secret@proxy/path", "something that is not the address of a proxy"),
        ("http://[user:secret", "something that is not the address of a proxy"),
    ],
)
def test_a_proxy_that_is_not_understood_is_refused_in_one_sentence_without_its_secret(value: str, found: str) -> None:
    with pytest.raises(ConfigurationRefused) as refused:
        Proxies.of_environment({"https_proxy": value, "HTTP_PROXY": value})

    wanted = "wanted http://[user:password@]host[:port]"
    assert refused.value.mistakes == (
        f"environment: HTTP_PROXY: found {found}, {wanted}",
        f"environment: https_proxy: found {found}, {wanted}",
    )


def test_credentials_are_for_the_proxy_and_shown_nowhere() -> None:
    proxies = Proxies.of_environment({"HTTPS_PROXY": "http://us%40er:sec%3Aret@proxy:3128"})

    proxy = proxies.way_to(DTR)
    assert proxy == Proxy("proxy", 3128, (("Proxy-Authorization", "Basic dXNAZXI6c2VjOnJldA=="),))
    assert proxies.sentences([DTR, Upstream("https", "localhost", 443)]) == [
        "https://dtr.example.com is reached through the proxy http://proxy:3128"
    ]
    assert "dXNA" not in repr(proxies)
