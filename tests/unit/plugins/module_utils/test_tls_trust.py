"""Who is believed: DTR by its CA alone, a cache by its CA or the trust store, and files that cannot be used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.errors import UntrustedTls, WrongOption
from ansible_collections.dtr.caches.plugins.module_utils.http_transport import HttpTransport
from ansible_collections.dtr.caches.plugins.module_utils.tls_trust import Trust, cache_trust, dtr_trust
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from certificates_made import Made
from scripted_server import Says


def test_dtr_is_trusted_by_its_ca_alone_and_a_cache_by_its_ca_or_the_trust_store(server, tmp_path, monkeypatch):
    store, named = Made("a CA of this host"), Made("a CA that was named")
    url = server(lambda asked: Says(), tls=Made("x", ca=False, signer=store, address="127.0.0.1").files(tmp_path)).url
    paths = tmp_path / "store.pem", tmp_path / "named.pem"
    for path, made in zip(paths, (store, named), strict=True):
        path.write_text(made.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    connection = Connection(parse_origin(url, ""), "", "", str(paths[1]), True, 5)
    for trust in (
        cache_trust(connection, ""),
        cache_trust(connection, str(paths[1])),
        dtr_trust(replace(connection, ca_path="")),
    ):
        assert HttpTransport(trust, 5).exchange("GET", url).status_code == 200
    with pytest.raises(UntrustedTls) as caught:
        HttpTransport(dtr_trust(connection), 5).exchange("GET", url)
    assert f"looked for in {paths[1]}." in caught.value.message
    assert (
        HttpTransport(dtr_trust(replace(connection, validate_certs=False)), 5).exchange("GET", url).status_code == 200
    )


@pytest.mark.parametrize(("content", "words"), [(None, "is no file"), ("no PEM", "holds no PEM certificate")])
def test_a_ca_file_that_cannot_be_used_is_named_with_its_option(tmp_path, content, words):
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(WrongOption) as caught:
        HttpTransport(Trust(str(path), "cache_ca_path"), 5)
    assert words in caught.value.message
    assert caught.value.message.startswith(f"cache_ca_path is '{path}'")
