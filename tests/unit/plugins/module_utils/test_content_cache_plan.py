"""The plan for a name, as a table; and that a run that broke off anywhere is finished by the next one."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.dtr.caches.plugins.module_utils.content_cache_plan import (
    BRIDGE_SUFFIX,
    CLEAR,
    FAIL,
    Plan,
    carry_out,
    decide,
    refuse_if_in_use,
    users_of,
)
from ansible_collections.dtr.caches.plugins.module_utils.content_caches import ContentCache
from ansible_collections.dtr.caches.plugins.module_utils.errors import DuplicateNames, Interrupted, InUse, Refusal

OLD, NEW, OTHER = "http://old:5000", "http://new:5000", "http://other:5000"
BRIDGE = "n" + BRIDGE_SUFFIX
A_OLD, B_NEW, C_OTHER = ContentCache("a", "n", OLD), ContentCache("b", "n", NEW), ContentCache("c", "n", OTHER)
BRIDGE_NEW, ELSE = ContentCache("d", BRIDGE, NEW), ContentCache("e", "else", OLD)

PLANS = [
    # found, present, host, keep, create, remove
    ([], True, NEW, None, True, []),
    ([ELSE], True, NEW, None, True, []),
    ([B_NEW], True, NEW, B_NEW, False, []),
    ([A_OLD], True, NEW, None, True, [A_OLD]),
    ([A_OLD, B_NEW], True, NEW, B_NEW, False, [A_OLD]),
    ([BRIDGE_NEW], True, NEW, None, True, [BRIDGE_NEW]),
    ([A_OLD, BRIDGE_NEW], True, NEW, None, True, [A_OLD, BRIDGE_NEW]),
    ([B_NEW, BRIDGE_NEW], True, NEW, B_NEW, False, [BRIDGE_NEW]),
    ([], False, "", None, False, []),
    ([A_OLD, ELSE], False, "", None, False, [A_OLD]),
    ([A_OLD, BRIDGE_NEW], False, "", None, False, [A_OLD, BRIDGE_NEW]),
    ([A_OLD, B_NEW, C_OTHER], False, OLD, None, False, [A_OLD]),
    ([A_OLD], False, NEW, None, False, []),
]


@pytest.mark.parametrize(("found", "present", "host", "keep", "create", "remove"), PLANS)
def test_the_plan_follows_from_what_is_found(found, present, host, keep, create, remove):
    plan = decide("n", host, present, found)
    assert (plan.keep, plan.create, list(plan.remove)) == (keep, create, remove)
    assert plan.changes == (create or bool(remove))


@pytest.mark.parametrize(
    ("found", "present", "host"),
    [
        ([A_OLD, C_OTHER], True, NEW),
        ([B_NEW, ContentCache("b2", "n", NEW)], True, NEW),
        ([A_OLD, B_NEW, C_OTHER], True, NEW),
        ([A_OLD, B_NEW], False, ""),
    ],
)
def test_duplicates_that_no_broken_run_leaves_behind_are_listed(found, present, host):
    with pytest.raises(DuplicateNames) as caught:
        decide("n", host, present, found)
    assert all(f"id {one.id} with host {one.host}" in caught.value.message for one in found)
    assert caught.value.details["content_caches"] == [one.shown() for one in found]


def test_a_removed_cache_in_use_is_kept_unless_clearing_is_allowed():
    plan = Plan("n", "", remove=(A_OLD,))
    users = users_of(plan.remove, {"zoe": "a", "amy": "a", "bob": "x", "cas": ""})
    assert users == {"amy": OLD, "zoe": OLD}
    assert list(users) == ["amy", "zoe"]
    with pytest.raises(InUse, match="amy, zoe"):
        refuse_if_in_use(plan, users, FAIL)
    refuse_if_in_use(plan, users, CLEAR)
    refuse_if_in_use(plan, {}, FAIL)
    refuse_if_in_use(Plan("n", NEW, create=True, remove=(A_OLD,)), users, FAIL)


class MemoryDtr:
    """Caches and settings in memory, with the interface of ContentCaches and AccountSettings; breaks off on demand."""

    def __init__(self, caches, settings, refuses_duplicates):
        self.caches, self.settings, self.refuses = list(caches), dict(settings), refuses_duplicates
        self.ids = (f"new{number}" for number in itertools.count())
        self.breaks_at, self.writes = None, 0

    def _write(self):
        self.writes += 1
        if self.writes == self.breaks_at:
            raise Interrupted("broken off")

    def all(self):
        return list(self.caches)

    def create(self, name, host, known):
        if self.refuses and any(one.name == name for one in self.caches):
            raise Refusal("invalid content cache details", 400)
        self._write()
        self.caches.append(ContentCache(next(self.ids), name, host))
        return self.caches[-1]

    def delete(self, cache):
        self._write()
        users = [account for account, uuid in self.settings.items() if uuid == cache.id]
        assert users == [], f"{cache} was pulled away under {users}"
        self.caches.remove(cache)

    def point(self, accounts, cache_id):
        for account in accounts:
            self._write()
            self.settings[account] = cache_id

    def run(self, present, host):
        plan = decide("n", host, present, self.all())
        carry_out(plan, users_of(plan.remove, self.settings), self, self)


@pytest.mark.parametrize("refuses_duplicates", [False, True])
@pytest.mark.parametrize(("present", "host"), [(True, NEW), (False, "")])
def test_a_run_that_broke_off_at_any_write_is_finished_by_the_next(refuses_duplicates, present, host):
    def fresh():
        return MemoryDtr([A_OLD, ELSE], {"amy": "a", "bob": "a", "cas": "e", "dan": ""}, refuses_duplicates)

    whole = fresh()
    whole.run(present, host)
    for breaks_at in range(1, whole.writes + 1):
        dtr = fresh()
        dtr.breaks_at = breaks_at
        with pytest.raises(Interrupted):
            dtr.run(present, host)
        dtr.run(present, host)
        assert {(one.name, one.host) for one in dtr.caches} == {(one.name, one.host) for one in whole.caches}
        hosts = {one.id: one.host for one in dtr.caches}
        wanted = host if present else None
        shown = {account: hosts.get(uuid) for account, uuid in dtr.settings.items()}
        assert shown == {"amy": wanted, "bob": wanted, "cas": OLD, "dan": None}


def test_the_error_of_a_half_done_change_says_that_something_changed():
    dtr = MemoryDtr([A_OLD], {"amy": "a"}, refuses_duplicates=False)
    dtr.breaks_at = 2
    with pytest.raises(Interrupted) as caught:
        dtr.run(True, NEW)
    assert caught.value.details["changed"] is True
