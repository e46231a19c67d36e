"""Creating a cache once though answers get lost, and reading lists of any form."""

from __future__ import annotations

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.connection_options import Connection
from ansible_collections.dtr.caches.plugins.module_utils.content_caches import (
    ContentCache,
    ContentCaches,
    parse_content_cache,
)
from ansible_collections.dtr.caches.plugins.module_utils.dtr_client import DtrClient
from ansible_collections.dtr.caches.plugins.module_utils.errors import Interrupted, NotFound, Refusal, Unexpected
from ansible_collections.dtr.caches.plugins.module_utils.web_origin import parse_origin
from scripted_server import Says

HOST = "http://cache:5000"


class Registrations:
    """DTR's content_caches as an ``answer``. ``on_post`` says what happens to each POST: taken or not, answered how."""

    def __init__(self, *on_post, ids=("m", "n", "o")):
        self.caches, self.on_post, self.ids = [], list(on_post), iter(ids)

    def add(self, identity, name="a", host=HOST):
        self.caches.append({"id": identity, "name": name, "host": host})

    def __call__(self, asked):
        if asked.method == "GET":
            return Says(body=self.caches)
        if asked.method == "DELETE":
            self.caches = [one for one in self.caches if not asked.path.endswith("/" + one["id"])]
            return Says(204)
        taken, says = self.on_post.pop(0)
        if taken:
            self.add(next(self.ids), **asked.json())
        return says


@pytest.fixture
def caches_of(server):
    def start(answer):
        one = server(answer)
        connection = Connection(parse_origin(one.url, ""), "admin", "canary", "", True, 5)
        return ContentCaches(DtrClient(connection, sleep=lambda seconds: None)), one

    return start


def test_a_creation_whose_answer_was_lost_is_not_repeated(caches_of):
    caches, dtr = caches_of(Registrations((True, Says(silent=True))))
    assert caches.create("a", HOST, frozenset()) == ContentCache("m", "a", HOST)
    assert len(dtr.paths("POST")) == 1


@pytest.mark.parametrize("failure", [Says(503), Says(silent=True)])
def test_a_creation_that_never_arrived_is_repeated_once(caches_of, failure):
    caches, dtr = caches_of(Registrations((False, failure), (True, Says(201, {}))))
    assert caches.create("a", HOST, frozenset()).id == "m"
    assert len(dtr.paths("POST")) == 2
    caches, dtr = caches_of(Registrations((False, failure), (False, failure)))
    with pytest.raises((Refusal, Interrupted)):
        caches.create("a", HOST, frozenset())
    assert len(dtr.paths("POST")) == 2


@pytest.mark.parametrize("status", [400, 403, 429])
def test_a_refused_creation_is_not_repeated(caches_of, status):
    caches, dtr = caches_of(Registrations((False, Says(status))))
    with pytest.raises(Refusal):
        caches.create("a", HOST, frozenset())
    assert len(dtr.paths("POST")) == 1


def test_a_500_is_looked_after_but_not_repeated(caches_of):
    caches, _dtr = caches_of(Registrations((True, Says(500))))
    assert caches.create("a", HOST, frozenset()).id == "m"
    caches, dtr = caches_of(Registrations((False, Says(500))))
    with pytest.raises(Refusal):
        caches.create("a", HOST, frozenset())
    assert len(dtr.paths("POST")) == 1


@pytest.mark.parametrize(("mine", "stays"), [("m", "g"), ("a", "a")])
def test_of_two_controllers_at_once_one_cache_stays_and_both_agree_which(caches_of, mine, stays):
    registrations = Registrations((True, Says(201, {})), ids=[mine])
    registrations.add("g")  # the other controller was a moment faster than our POST, after we had looked
    caches, _dtr = caches_of(registrations)
    assert caches.create("a", HOST, frozenset()).id == stays
    assert [one["id"] for one in registrations.caches] == [stays]


def test_what_was_there_before_is_nobodys_twin(caches_of):
    registrations = Registrations((True, Says(201, {})))
    registrations.add("g", host="http://old:5000")
    registrations.add("h", name="b")
    caches, _dtr = caches_of(registrations)
    assert caches.create("a", HOST, frozenset(["g", "h"])).id == "m"
    assert [one["id"] for one in registrations.caches] == ["g", "h", "m"]


def test_a_creation_that_dtr_does_not_list_afterwards_is_an_error(caches_of):
    caches, _dtr = caches_of(Registrations((False, Says(201, {}))))
    with pytest.raises(Unexpected, match="does not list it"):
        caches.create("a", HOST, frozenset())


def test_deleting_what_is_gone_is_fine_and_a_404_that_means_something_else_is_not(caches_of):
    gone, still = ContentCache("x", "a", HOST), ContentCache("y", "a", HOST)
    listing = Says(body=[still.shown()])
    caches, _dtr = caches_of(lambda asked: listing if asked.method == "GET" else Says(404, "<h1>nginx</h1>"))
    caches.delete(gone)
    with pytest.raises(NotFound):
        caches.delete(still)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {},
        {"id": "1", "name": "a"},
        {"id": 1, "name": "a", "host": "h"},
        {"id": "", "name": "a", "host": "h"},
    ],
)
def test_what_is_no_content_cache_is_not_taken_for_one(value):
    with pytest.raises(Unexpected, match="lacks id, name or host"):
        parse_content_cache(value)


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "", {"content_caches": []}, '"x"'])
def test_an_answer_that_is_no_list_is_not_dtrs(caches_of, body):
    caches, _dtr = caches_of(lambda asked: Says(body=body))
    with pytest.raises(Unexpected, match="dtr_url is DTR itself"):
        caches.all()
