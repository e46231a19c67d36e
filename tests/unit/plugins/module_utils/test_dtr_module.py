"""The life of a module run: options from the environment, secrets hidden wherever they could be seen, no traceback."""

from __future__ import annotations

import base64

import pytest
import requests
from scripted_server import Says

SECRET = "canary-4711-secret"
FORMS = [SECRET, base64.b64encode(f"admin:{SECRET}".encode()).decode(), SECRET.encode().hex()]


def echo(asked):
    """A DTR, or a proxy before it, that repeats what it got in its error page."""
    return Says(500, f"{asked.headers.get('Authorization', '')} {asked.query[:60]} user:{SECRET}")


MODULES = {
    "content_cache": {"name": "a", "host": "https://cache"},
    "content_cache_info": {},
    "account_settings": {"account": "bob", "content_cache": "a"},
    "account_settings_info": {"account": "bob"},
    "image_pull": {"image": "org/app:1.0"},
}


@pytest.mark.parametrize("secret", ["dtr_password", "dtr_token"])
@pytest.mark.parametrize("name", MODULES)
def test_a_secret_is_never_shown_even_by_a_server_that_repeats_it(run_module, server, name, secret):
    dtr = server(echo)
    for check in (True, False):
        refused = run_module(
            name, check=check, dtr_url=dtr.url, dtr_username="admin", **{secret: SECRET}, **MODULES[name]
        )
        assert refused.failed
        assert all(form not in refused.output for form in FORMS)
    assert dtr.asked


@pytest.mark.parametrize("variable", ["DTR_PASSWORD", "DTR_TOKEN"])
@pytest.mark.parametrize("name", MODULES)
def test_a_secret_from_the_environment_is_hidden_as_well(run_module, server, monkeypatch, name, variable):
    dtr = server(echo)
    monkeypatch.setenv("DTR_URL", dtr.url)
    monkeypatch.setenv("DTR_USERNAME", "admin")
    monkeypatch.setenv(variable, SECRET)
    refused = run_module(name, **MODULES[name])
    assert all(form not in refused.output for form in FORMS)
    assert dtr.url in refused.sentence


def test_every_connection_option_has_its_environment_variable(run_module, dtr, monkeypatch):
    for name, value in {
        "URL": dtr.simulator.url,
        "USERNAME": "admin",
        "PASSWORD": dtr.simulator.password("admin"),
        "CA_PATH": str(dtr.simulator.ca_path),
        "TIMEOUT": "5",
    }.items():
        monkeypatch.setenv(f"DTR_{name}", value)
    assert not run_module("content_cache_info").failed
    monkeypatch.setenv("DTR_CA_PATH", "/nowhere.pem")
    assert "ca_path is '/nowhere.pem'" in run_module("content_cache_info").sentence
    monkeypatch.setenv("DTR_VALIDATE_CERTS", "no")
    assert not run_module("content_cache_info").failed
    monkeypatch.setenv("DTR_TIMEOUT", "0")
    assert "timeout is 0" in run_module("content_cache_info").sentence


def test_an_access_token_does_what_the_password_does(run_module, dtr):
    def token_of(account):
        made = requests.post(
            f"{dtr.simulator.url}/api/v0/api_tokens?username={account}",
            json={"tokenLabel": "for a test"},
            auth=(account, dtr.simulator.password(account)),
            verify=str(dtr.simulator.ca_path),
            timeout=10,
        )
        return made.json()["token"]

    def by_token(account):
        others = {name: value for name, value in dtr.options(account).items() if name != "dtr_password"}
        return others | {"dtr_token": token_of(account)}

    admin, alice = by_token("admin"), by_token("alice")
    for name, options in MODULES.items():
        who = alice if name == "image_pull" else admin
        done = run_module(name, **(who | options))
        assert not done.failed, done.sentence
        assert who["dtr_token"] not in done.output


@pytest.mark.parametrize(("own", "variable"), [("dtr_token", "DTR_PASSWORD"), ("dtr_password", "DTR_TOKEN")])
def test_a_secret_of_the_task_is_used_whatever_the_environment_has(run_module, dtr, monkeypatch, own, variable):
    monkeypatch.setenv(variable, SECRET)
    options = dtr.options()
    password, other = options.pop("dtr_password"), variable.lower()
    used = run_module("content_cache_info", **options, **{own: password, other: ""})
    assert not used.failed, used.sentence
    assert all(form not in used.output for form in FORMS)


def test_password_and_token_together_are_refused(run_module):
    both = run_module(
        "content_cache_info", dtr_url="https://dtr", dtr_username="a", dtr_password=SECRET, dtr_token=SECRET
    )
    assert "dtr_password and dtr_token are both given" in both.sentence
    assert SECRET not in both.output


def test_a_password_inside_an_address_is_hidden_where_ansible_shows_the_options(run_module):
    refused = run_module(
        "content_cache_info", dtr_url=f"https://admin:{SECRET}@dtr", dtr_username="a", dtr_password="x-4711"
    )
    assert "dtr_url holds a user name or password" in refused.sentence
    assert SECRET not in refused.output


@pytest.mark.parametrize("module", ["dtr_module", "ca_certificates"])
def test_a_missing_library_is_named(run_module, monkeypatch, tmp_path, module):
    import importlib

    if module == "dtr_module":
        owner = importlib.import_module("ansible_collections.dtr.caches.plugins.module_utils.dtr_module")
        monkeypatch.setattr(owner, "REQUESTS_ERROR", "Traceback of the import")
        told, library = run_module("content_cache_info", dtr_url="https://dtr"), "requests"
    else:
        owner = importlib.import_module("ansible_collections.dtr.caches.plugins.modules.ca_certificate")
        monkeypatch.setattr(owner, "CRYPTOGRAPHY_ERROR", "Traceback of the import")
        told, library = run_module("ca_certificate", content="x", dest=str(tmp_path / "x")), "cryptography"
    assert f"Failed to import the required Python library ({library})" in told.sentence


def test_credentials_in_clear_over_a_network_are_warned_of(run_module, monkeypatch):
    from ansible_collections.dtr.caches.plugins.modules import content_cache_info

    monkeypatch.setattr(content_cache_info, "read", lambda module, connection: {"changed": False})
    warned = run_module("content_cache_info", dtr_url="http://dtr.example.com", dtr_username="a", dtr_password=SECRET)
    assert "unencrypted" in warned.output
    assert SECRET not in warned.output
