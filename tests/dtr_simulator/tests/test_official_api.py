"""Every call and status that the vendor's specifications 2.3 to 2.6 document, asked of the simulator.

Owns: one exercise for each documented (method, path, status), and the reasons for those that are not claimed.
A newly documented status without an exercise fails, and so does an exercise that nothing documents.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests

SPECIFICATIONS: dict[str, Any] = json.loads((Path(__file__).parent / "official_api.json").read_bytes())
CACHES, CACHE = "/api/v0/content_caches", "/api/v0/content_caches/{contentcacheuuid}"
SETTINGS = "/api/v0/accounts/{username}/settings"
TOKENS, TOKEN = "/api/v0/api_tokens", "/api/v0/api_tokens/{hashedtoken}"
META_SETTINGS, CLUSTER = "/api/v0/meta/settings", "/api/v0/meta/cluster_status"
NOT_CLAIMED = {
    ("GET", CACHES, "403"): "any active account may list, so nobody is refused",
    ("GET", CACHE, "403"): "any active account may read, so nobody is refused",
}
# The published subset leaves this definition out.
UNDEFINED = {"#/definitions/responses.Settings"}


def documented() -> Iterator[tuple[str, str, str, str]]:
    for version, specification in SPECIFICATIONS.items():
        for path, operations in specification["paths"].items():
            for method, operation in operations.items():
                for status in operation["responses"]:
                    if status != "default":
                        yield version, method.upper(), path, status


class Exercises:
    """Calls that bring about one documented answer each."""

    def __init__(self, client: Any, contrary: Any) -> None:
        self.client, self.contrary = client, contrary
        self.special: dict[tuple[str, str, str], Callable[[str], requests.Response]] = {
            ("GET", CACHES, "200"): lambda path: self.ask("GET", path, "bob"),
            ("POST", CACHES, "201"): lambda path: self.ask("POST", path, json={"name": "n", "host": "http://h:5000"}),
            ("POST", CACHES, "400"): lambda path: self.ask("POST", path, json={"name": "n", "host": "h:5000"}),
            ("GET", CACHE, "200"): lambda path: self.ask("GET", self.with_cache(path), "bob"),
            ("GET", CACHE, "404"): lambda path: self.ask("GET", path),
            ("DELETE", CACHE, "204"): lambda path: self.ask("DELETE", self.with_cache(path)),
            ("DELETE", CACHE, "404"): lambda path: self.contrary.call("DELETE", path, "admin"),
            ("GET", SETTINGS, "200"): lambda path: self.ask("GET", self.of(path, "bob"), "bob"),
            ("PATCH", SETTINGS, "200"): lambda path: self.ask("PATCH", self.of(path, "bob"), "bob",
                                                              json={"contentCacheUUID": ""}),
            ("PATCH", SETTINGS, "400"): lambda path: self.ask("PATCH", self.of(path, "bob"), "bob",
                                                              json={"contentCacheUUID": "none-such"}),
            ("PATCH", SETTINGS, "404"): lambda path: self.ask("PATCH", path, json={"contentCacheUUID": ""}),
            ("GET", SETTINGS, "404"): lambda path: self.ask("GET", path),
            ("GET", TOKENS, "404"): lambda path: self.ask("GET", f"{path}?username=nobody"),
            ("DELETE", TOKENS, "404"): lambda path: self.ask("DELETE", f"{path}?username=nobody"),
            ("DELETE", TOKENS, "400"): lambda path: self.ask("DELETE", f"{path}?usedbefore=yesterday"),
            ("DELETE", TOKENS, "200"): lambda path: self.ask("DELETE", path, "writer"),
            ("POST", TOKENS, "200"): lambda path: self.ask("POST", path, "bob", json={"tokenLabel": "ci"}),
            ("PATCH", TOKEN, "200"): lambda path: self.ask("PATCH", self.with_token(path), json={"isActive": False}),
            ("POST", META_SETTINGS, "202"): lambda path: self.ask("POST", path, json={"sso": True}),
            ("POST", META_SETTINGS, "400"): lambda path: self.ask("POST", path, json={"sso": "yes"}),
        }

    def ask(self, method: str, path: str, account: str | None = "admin", **rest: Any) -> requests.Response:
        answer: requests.Response = self.client.call(method, path, account, **rest)
        return answer

    def of(self, path: str, account: str) -> str:
        return path.replace("{username}", account)

    def with_cache(self, path: str) -> str:
        return path.replace("{contentcacheuuid}", self.client.add_cache())

    def with_token(self, path: str) -> str:
        answer = self.ask("POST", TOKENS, json={"tokenLabel": "exercise"})
        return path.replace("{hashedtoken}", answer.json()["hashedToken"])

    def filled(self, path: str) -> str:
        path = self.of(path, "alice")
        path = self.with_cache(path) if "{contentcacheuuid}" in path else path
        return self.with_token(path) if "{hashedtoken}" in path else path

    def run(self, method: str, path: str, status: str) -> requests.Response:
        known = self.special.get((method, path.rstrip("/"), status))
        if known:
            return known(path)
        body = {"json": {}} if method in ("POST", "PATCH") else {}
        target = self.filled(path)
        if status == "401":
            return self.ask(method, target, None, **body)
        if status == "403":
            return self.ask(method, f"{target}?username=admin" if path == TOKENS else target, "bob", **body)
        if status == "404":
            return self.ask(method, path, **body)
        if status == "405":
            return self.ask("PUT", target)
        if status == "406":
            return self.ask(method, target, headers={"Accept": "text/html"}, **body)
        if status == "415":
            return self.ask(method, target, headers={"Content-Type": "text/plain"}, data="{}")
        return self.ask(method, target, **body)


@pytest.fixture(scope="module")
def exercises(client: Any, contrary: Any) -> Exercises:
    return Exercises(client, contrary)


def test_the_specifications_document_what_these_tests_know() -> None:
    cases = {(method, path.rstrip("/"), status) for _, method, path, status in documented()}
    assert set(NOT_CLAIMED) <= cases
    assert len(cases) > 90


@pytest.mark.parametrize(("version", "method", "path", "status"),
                         [case for case in documented() if (case[1], case[2].rstrip("/"), case[3]) not in NOT_CLAIMED])
def test_a_documented_call_gets_the_documented_status_and_body(
        exercises: Exercises, version: str, method: str, path: str, status: str) -> None:
    answer = exercises.run(method, path, status)
    assert answer.status_code == int(status), answer.text
    specification = SPECIFICATIONS[version]
    response = specification["paths"][path][method.lower()]["responses"][status]
    if status >= "400":
        check_error(answer, response["description"])
    elif "schema" in response and response["schema"].get("$ref") not in UNDEFINED:
        schema = response["schema"] | {"definitions": specification["definitions"]}
        jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker()).validate(answer.json())


def check_error(answer: requests.Response, description: str) -> None:
    """The code and text that the specification gives; one 400 has a text only."""
    error = answer.json()["errors"][0]
    code, colon, message = description.partition(": ")
    if colon:
        assert error["code"] == code
    assert error["message"] == (message if colon else description)


def test_every_exercise_is_for_something_documented(exercises: Exercises) -> None:
    cases = {(method, path.rstrip("/"), status) for _, method, path, status in documented()}
    assert set(exercises.special) <= cases
