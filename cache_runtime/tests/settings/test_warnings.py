"""What an operator is told although the configuration works. Each warning is a whole line for the start-up log."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from dtr_content_cache.settings.model import Settings

Load = Callable[..., Settings]
With = Callable[[str], str]
_OPTIONS = "middleware.registry[0].options"


@pytest.mark.parametrize(
    ("section", "warnings"),
    [
        ("log: {hooks: [{type: mail, options: {smtp: {password: topsecret}}}]}",
         ["5: log.hooks is ignored: this cache sends no mail; the log collector can."]),
        ("storage: {filesystem: {maxthreads: 100}}",
         ["4: storage.filesystem.maxthreads is ignored: this cache sizes its own thread pools."]),
        ("storage: {filesystem: {}, cache: {blobdescriptor: redis}}",
         ["4: storage.cache.blobdescriptor is ignored: what the cache holds is looked up on the disk."]),
        ("storage: {filesystem: {}, maintenance: {uploadpurging: {enabled: false, dryrun: true}}}",
         ["4: storage.maintenance.uploadpurging.enabled is ignored: unfinished downloads are always removed once they "
          "are old.",
          "4: storage.maintenance.uploadpurging.dryrun is ignored: unfinished downloads are really removed."]),
        ("http: {addr: ':5000', h2c: {enabled: true}}",
         ["4: http.h2c.enabled is ignored: this cache speaks HTTP/1.1."]),
        ("http: {addr: ':5000', debug: {prometheus: {enabled: true}}}",
         ["4: http.debug.prometheus.enabled has no effect without http.debug.addr: metrics are served there."]),
        ("notifications: {endpoints: [{name: a, url: 'https://topsecret@a'}]}",
         ["5: notifications is ignored: this cache sends no notifications."]),
        ("redis: {addr: 'redis:6379', password: topsecret}",
         ["5: redis is ignored: this cache keeps nothing in Redis."]),
        ("proxy: {username: a, password: topsecret}",
         ["5: proxy.username is ignored: the downstream middleware takes the place of the proxy section.",
          "5: proxy.password is ignored: the downstream middleware takes the place of the proxy section."]),
        ("reporting: {newrelic: {licensekey: topsecret}}",
         ["5: reporting is ignored: this cache reports to no service; http.debug offers metrics."]),
        ("http:\n  adr: :6000\n  addr: :5000",
         ["5: http.adr is not a key of this format and is ignored; the nearest known key is addr."]),
        ("foo: bar", ["5: foo is not a key of this format and is ignored."]),
        ("rootdirectory: /srv",
         ["5: rootdirectory is not a key of this format and is ignored; that key belongs at "
          "storage.filesystem.rootdirectory."]),
        ("log:\n  Level: debug", ["6: log.Level is not a key of this format and is ignored; the nearest known key is "
                                  "level."]),
        ("'a\\nb\\e[31m': 1".replace("'", '"'),
         ["5: a\\nb\\x1b[31m is not a key of this format and is ignored."]),
    ],
)  # fmt: skip
def test_a_section_earns_these_warnings(
    load_text: Load, with_section: With, section: str, warnings: list[str]
) -> None:
    assert load_text(with_section(section + "\n")).warnings == tuple(f"config.yml:{warning}" for warning in warnings)


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ("blobttl: 24", "blobttl is less than a second (24 ns); 24 without a unit counts nanoseconds, was 24s or 24h "
                        "meant?"),
        ("blobttl: 10ms", "blobttl is less than a second (10000000 ns)."),
        ("maxsize: 200", "maxsize is only 200 bytes; a unit such as MB or GB was probably meant."),
        ("minfree: 5", "minfree is only 5 bytes; a unit such as MB or GB was probably meant."),
        ("maxfillrate: 10", "maxfillrate is only 10 bytes; a unit such as MB or GB was probably meant."),
        ("clockskew: 1h", "clockskew is long: a grant is accepted for that long after it expired."),
        ("offlinelimit: 2h", "offlinelimit has no effect without offline: serve."),
        ("workers: 4", "workers is ignored: this build serves from one process."),
        ("blobtll: 24h", "blobtll is not a key of this format and is ignored; the nearest known key is blobttl."),
        ("ttl: 24h", "ttl is not a key of this format and is ignored; the nearest known key is blobttl."),
    ],
)  # fmt: skip
def test_an_option_earns_this_warning(load_text: Load, with_options: With, options: str, warning: str) -> None:
    assert load_text(with_options(options)).warnings == (f"config.yml:9: {_OPTIONS}.{warning}",)


def test_a_plain_http_upstream_is_pointed_out(load_text: Load, with_options: With) -> None:
    assert load_text(with_options("upstreams: ['http://asia']")).warnings == (
        f"config.yml:8: {_OPTIONS}.upstreams[0] is plain http: keys, grants and blobs of this hop can be read and "
        "changed on the way.",
    )


def test_an_expired_certificate_warns_so_that_a_restart_still_works(load_text: Load, with_section: With) -> None:
    text = "http: {addr: ':5000', tls: {certificate: '{pki}/expired.pem', key: '{pki}/key.pem'}}\n"
    assert load_text(with_section(text)).warnings == (
        "config.yml:4: http.tls.certificate names the certificate CN=cache.example.com, which expired on 2030-05-31 "
        "00:00 UTC; TLS fails until it is replaced.",
    )


def test_an_expired_authority_warns(load_text: Load, with_options: With) -> None:
    assert load_text(with_options("cas: ['{pki}/expired-ca.pem']")).warnings == (
        f"config.yml:9: {_OPTIONS}.cas[0] names the certificate CN=old-ca, which expired on 2030-05-31 00:00 UTC; TLS "
        "fails until it is replaced.",
    )


def test_a_certificate_that_docker_refuses_warns(load_text: Load, with_section: With) -> None:
    text = "http: {addr: ':5000', tls: {certificate: '{pki}/nosan.pem', key: '{pki}/key.pem'}}\n"
    assert load_text(with_section(text)).warnings == (
        "config.yml:4: http.tls.certificate names a certificate without subjectAltName, which Docker refuses whatever "
        "its name is.",
    )


def test_suites_of_tls_1_3_alone_leave_nothing_of_tls_1_2(load_text: Load, with_section: With) -> None:
    tls = "certificate: '{pki}/chain.pem', key: '{pki}/key.pem', ciphersuites: [TLS_AES_128_GCM_SHA256]"
    settings = load_text(with_section(f"http: {{addr: ':5000', tls: {{{tls}}}}}\n"))
    assert settings.http.tls is not None
    assert (settings.http.tls.minimum_version, settings.http.tls.ciphers) == ("tls1.3", ())
    assert settings.warnings == (
        "config.yml:4: http.tls.ciphersuites names suites of TLS 1.3 only, so that TLS 1.2 is not offered.",
    )


def test_suites_without_effect_are_pointed_out(load_text: Load, with_section: With) -> None:
    suites = "minimumtls: tls1.3, ciphersuites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"
    tls = f"certificate: '{{pki}}/chain.pem', key: '{{pki}}/key.pem', {suites}"
    assert load_text(with_section(f"http: {{addr: ':5000', tls: {{{tls}}}}}\n")).warnings == (
        "config.yml:4: http.tls.ciphersuites has no effect with minimumtls: tls1.3, whose suites are always on.",
    )


def test_warnings_come_in_the_order_of_the_file(load_text: Load) -> None:
    text = """\
redis: {addr: a}
version: 0.1
nope: 1
storage: {filesystem: {maxthreads: 5}}
http: {addr: ':5000'}
middleware: {registry: [{name: downstream, options: {workers: 2, upstreams: ['https://dtr.example.com']}}]}
"""
    lines = [warning.split(":")[1] for warning in load_text(text, {"REGISTRY_X": "1"}).warnings[:-1]]
    assert lines == ["1", "3", "4", "6"]
    assert load_text(text, {"REGISTRY_X": "1"}).warnings[-1].startswith("REGISTRY_X: ")


@pytest.mark.parametrize(
    ("word", "served_as"),
    [
        ("request-client-cert", "verify-client-cert-if-given"),
        ("require-any-client-cert", "require-and-verify-client-cert"),
        ("verify-client-cert-if-given", None),
        ("require-and-verify-client-cert", None),
    ],
)
def test_a_client_authentication_that_is_served_stricter_than_the_registrys_says_so(
    load_text: Load, with_section: With, word: str, served_as: str | None
) -> None:
    tls = "certificate: '{pki}/chain.pem', key: '{pki}/key.pem', clientcas: ['{pki}/ca.pem']"
    warnings = load_text(with_section(f"http: {{addr: ':5000', tls: {{{tls}, clientauth: {word}}}}}\n")).warnings
    wanted = (
        f"config.yml:4: http.tls.clientauth is served as {served_as}: a certificate that no CA of http.tls.clientcas "
        "vouches for is refused."
    )
    assert warnings == ((wanted,) if served_as else ())
